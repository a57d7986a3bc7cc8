"""Which lanes there is work in, and how they are doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.log.append import queries
from services.storage.database import Database, Public, Role

# Silence of the canary beyond this is blindness: of the time between nothing is known (architecture, liveness).
BLIND_AFTER = timedelta(seconds=15)


async def lanes_in_use(database: Database) -> list[int]:
    """Return the lanes that have municipalities."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        return [row["lane"] for row in await connection.fetch(queries.lanes_in_use)]


async def lane_count(database: Database) -> int:
    """Return how many lanes the log has, in use or not."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        count: int = await connection.fetchval(queries.lane_count)
        return count


async def registered_codes(database: Database) -> frozenset[str]:
    """Return the codes of all registered municipalities."""
    async with database.transaction(Role.READ, Public()) as connection:
        return frozenset(row["code"] for row in await connection.fetch(queries.registered_codes))


async def lanes_for(database: Database, codes: Sequence[str]) -> dict[str, int]:
    """Return the lanes of municipalities, registered or not: a lane is a hash of the code."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        return {row["code"]: row["lane"] for row in await connection.fetch(queries.lanes_for, codes)}


@dataclass(frozen=True, slots=True)
class LaneState:
    """How a lane is doing.

    `seen_until`: the newest canary that came the whole way, None when cut off. `read_until`: when every reading had
    last read everything, None when one never has.
    """

    lane: int
    seen_until: datetime | None
    read_until: datetime | None


async def states_of_lanes(database: Database, readings: Sequence[str]) -> list[LaneState]:
    """Return how every lane in use is doing, with regard to these readings."""
    async with database.transaction(Role.WEB, Public()) as connection:
        return [LaneState(**row) for row in await connection.fetch(queries.states_of_lanes, readings)]
