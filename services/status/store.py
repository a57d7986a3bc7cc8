"""What other rooms may ask of the measured layer."""

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from services.status.models import Millis, Seen
from services.status.moments import millis, moment
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)
moving = load_queries(__package__, "moving.sql")
sight = load_queries(__package__, "sight.sql")


async def device_states(
    connection: Connection, municipalities: Collection[str] | None
) -> list[asyncpg.Record]:
    """The state of every registered device, of these municipalities or of all that the scope may see.

    Columns: municipality, device, kind, point, lifecycle, state, reason, since, last_sign_at, last_event_at,
    uplink_ok, lane, revision. A device never heard is blind, `never_seen`, with empty times; what nobody has
    judged for half a minute is blind, `not_watched`.
    """
    return await connection.fetch(
        queries.device_states, None if municipalities is None else list(municipalities)
    )


async def seen_since(connection: Connection, lane: int, instant: Millis) -> list[Seen]:
    """The observer intervals that reach an instant or lie after it."""
    rows = await connection.fetch(queries.seen, lane, moment(instant))
    return [Seen(millis(row["seen_from"]), millis(row["seen_until"]), row["closed"]) for row in rows]


@dataclass(frozen=True, slots=True)
class LaneShown:
    """What a look at a lane was like: the next one need only ask for what was judged after its revision."""

    revision: int
    stale: bool


async def lane_shown(connection: Connection, lane: int) -> LaneShown:
    """Return how far a lane has been judged, and whether that is too long ago to be shown."""
    row = await connection.fetchrow(queries.lane_shown, lane)
    return LaneShown(**row) if row else LaneShown(0, stale=False)


async def shown_in_lane(connection: Connection, lane: int, *, after: int | None) -> list[asyncpg.Record]:
    """The state of a lane's devices as it may be shown: all, or those of which it has changed after a revision.

    Columns: municipality, device, in_service (neither suspended nor retired), state, reason, since.
    """
    if after is None:
        return await connection.fetch(queries.shown_in_lane, lane)
    return await connection.fetch(queries.changed_in_lane, lane, after)
