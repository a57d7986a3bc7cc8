"""What other rooms may ask of the measured layer."""

from collections.abc import Collection

import asyncpg

from services.status.models import Millis, Seen
from services.status.moments import millis, moment
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)


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
