"""Dead letters: look at what could not be stored, and let go of it."""

from collections.abc import Sequence

import asyncpg

from services.log.append import queries
from services.storage.database import Connection

# What a list shows at most; older ones come with `before`.
PAGE = 200


async def newest(
    connection: Connection, *, before: int | None = None, reason: str | None = None, limit: int = PAGE
) -> Sequence[asyncpg.Record]:
    """Return dead letters of the transaction's scope, newest first, from below the id `before`."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(queries.dead_letters, before, reason, limit)
    return rows


async def find(connection: Connection, number: int) -> asyncpg.Record | None:
    """Return one dead letter of the transaction's scope."""
    return await connection.fetchrow(queries.dead_letter, number)


async def drop(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Throw dead letters away and return the ids of those that were there."""
    return [row["id"] for row in await connection.fetch(queries.drop_dead_letters, list(numbers))]
