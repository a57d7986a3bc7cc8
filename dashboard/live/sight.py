"""Whether we ourselves can see: a lane is blind when its canary stays away, or nobody judges it (architecture)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from dashboard.live.frames import LaneSight, Row
from dashboard.live.store import queries
from services.log.lanes import BLIND_AFTER
from services.storage.database import Connection, Database, Public, Role

SIGHT_POLL_S = 2.0


async def read_sight(database: Database, *, now: datetime) -> dict[int, LaneSight]:
    """The sight of every lane in use."""
    async with database.transaction(Role.WEB, Public()) as connection:
        return await sight_in(connection, now=now)


async def sight_in(connection: Connection, *, now: datetime) -> dict[int, LaneSight]:
    """The sight of every lane in use, in the open transaction."""
    return sight_of(await connection.fetch(queries.sight), now)


def sight_of(rows: Iterable[Row], now: datetime) -> dict[int, LaneSight]:
    """Judge each lane by its newest stretch of proven time."""
    return {
        row["lane"]: LaneSight(
            row["lane"],
            seeing=not row["closed"] and row["seen_until"] >= now - BLIND_AFTER,
            seen_until=row["seen_until"],
        )
        for row in rows
    }


def blind_everywhere(known: Mapping[int, LaneSight]) -> dict[int, LaneSight]:
    """What is known when the database itself is away: nothing is seen any more."""
    return {lane: replace(sight, seeing=False) for lane, sight in known.items()}
