"""What the hub and the pages read: each function is one query, within the scope of the municipalities named."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import asyncpg

from dashboard.live.places import Place, Places
from services.storage.database import Connection, Database, Public, Role, Tenants
from services.storage.sql import load_queries

queries = load_queries(__package__)

# So many events of one wake-up are shown; of a longer burst the newest. Figures come from the readings, not from here.
BURST = 200
# So much that was missed is sent after a reconnect; the page itself shows thirty.
MISSED = 100


async def lane_codes(database: Database) -> dict[int, tuple[str, ...]]:
    """The codes of all municipalities, by lane."""
    lanes: dict[int, tuple[str, ...]] = {}
    async with database.transaction(Role.WEB, Public()) as connection:
        for row in await connection.fetch(queries.lane_codes):
            lanes[row["lane"]] = (*lanes.get(row["lane"], ()), row["code"])
    return lanes


async def where_lanes_are(database: Database, lanes: Iterable[int]) -> dict[int, Place]:
    """The newest event and state of each lane."""
    async with database.transaction(Role.WEB, Public()) as connection:
        return await places(connection, lanes)


async def places(connection: Connection, lanes: Iterable[int]) -> dict[int, Place]:
    """The newest event and state of each lane, in the open transaction."""
    rows = await connection.fetch(queries.heads, list(lanes))
    return {row["lane"]: Place(row["position"], row["revision"]) for row in rows}


async def newest_events(
    database: Database, codes: tuple[str, ...], lane: int, *, after: int
) -> list[asyncpg.Record]:
    """The events of a lane after a position, oldest first; of more than `BURST` the newest."""
    async with database.transaction(Role.WEB, Tenants(codes)) as connection:
        rows = await connection.fetch(queries.new_events, lane, after, BURST)
    return rows[::-1]


async def news_of_states(
    database: Database, codes: tuple[str, ...], lane: int, *, after: int
) -> list[asyncpg.Record]:
    """The states of a lane's devices that are newer than a revision, in order."""
    async with database.transaction(Role.WEB, Tenants(codes)) as connection:
        return await connection.fetch(queries.changed_devices, lane, after)


async def clients_now(
    database: Database,
    codes: tuple[str, ...],
    lane: int,
    hotspots: Collection[tuple[str, str]],
    *,
    now: datetime,
) -> list[asyncpg.Record]:
    """How many are connected to these hotspots of a lane, given as (municipality, device)."""
    async with database.transaction(Role.WEB, Tenants(codes)) as connection:
        return await connection.fetch(
            queries.clients_now, [code for code, _ in hotspots], [device for _, device in hotspots], now, lane
        )


async def clients_at(
    connection: Connection, hotspots: Collection[tuple[str, str]], *, now: datetime
) -> dict[tuple[str, str], int | None]:
    """How many are connected to these hotspots, in the open transaction; none: it has not said lately."""
    codes, devices = [code for code, _ in hotspots], [device for _, device in hotspots]
    rows = await connection.fetch(queries.clients_now, codes, devices, now, 0)
    return {(row["municipality"], row["device"]): row["clients"] for row in rows}


async def missed(
    database: Database, codes: tuple[str, ...], since: Places, start: Places
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """What a returning reader has not been told: states, and events up to where the hub was when it came.

    A place ahead of ours is of another time (the tables were rebuilt or restored): that lane's states go out anew.
    """
    states: list[asyncpg.Record] = []
    events: list[asyncpg.Record] = []
    async with database.transaction(Role.WEB, Tenants(codes)) as connection:
        for lane, here in start.items():
            told = since.get(lane, here)
            revision = told.revision if told.revision <= here.revision else -1
            if revision < here.revision:
                states += await connection.fetch(queries.changed_devices, lane, revision)
            if told.position < here.position:
                events += await _between(connection, lane, told.position, here.position)
    return states, sorted(events, key=lambda row: (row["received_at"], row["lane"], row["position"]))[
        -MISSED:
    ]


async def _between(connection: Connection, lane: int, after: int, until: int) -> Sequence[asyncpg.Record]:
    return await connection.fetch(queries.missed_events, lane, after, until, MISSED)
