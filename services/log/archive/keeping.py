"""Write what a partition of the log holds to files, one a municipality."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count as numbers
from pathlib import Path

from services.log.archive import files
from services.log.archive.files import ArchiveSet, Held, Writer
from services.log.archive.form import BLOCK, ArchiveRefused, Event, Heading
from services.log.lanes import lanes_in_use
from services.log.models import Partition
from services.storage.database import Database, Lane, Public, Role
from services.storage.sql import load_queries

queries = load_queries(__package__)

# A statement on a large partition takes as long as it takes, in seconds.
_PATIENCE_S = 3600.0


@asynccontextmanager
async def turn(database: Database) -> AsyncIterator[bool]:
    """Be the only one who archives, imports or takes away; gives False when somebody else is."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        await connection.execute(queries.keep_turn)
        yield bool(await connection.fetchval(queries.take_turn))


async def keep(database: Database, partition: Partition, directory: Path, *, now: datetime) -> ArchiveSet:
    """Archive a partition whose events do not change any longer; an equal set that is there already will do.

    A set that has its name is whole, on disk, and was read back. Raises `ArchiveRefused`.
    """
    wanted = await _counts(database, partition)
    name = f"{partition.retention}-{partition.starts_at:%Y-%m-%d}"
    if not wanted:
        return ArchiveSet(directory / name, [])
    path = directory / name
    for number in numbers(2):
        if not path.exists():
            break
        found = await asyncio.to_thread(files.open_set, path)
        if found.counts == wanted:
            return found
        # The log has other events by now, after an import: the old set stays as it is.
        path = directory / f"{name}.{number}"
    try:
        draft = await asyncio.to_thread(files.draft, directory, path.name)
        held = [
            await _write(database, partition, draft, lane=lane, code=code)
            for lane in await lanes_in_use(database)
            for code in await _municipalities(database, lane)
            if wanted.get(code)
        ]
        heading = Heading("", 0, partition.retention, partition.starts_at, partition.ends_at)
        if {one.municipality: one.events for one in held} != wanted:
            raise ArchiveRefused(f"{partition.name} changed while it was archived; nothing was kept")
        return await asyncio.to_thread(files.publish, draft, path, held, made_at=now, heading=heading)
    except OSError as error:
        raise ArchiveRefused(f"{directory} cannot be written: {error.strerror or error}") from None


async def _write(database: Database, partition: Partition, draft: Path, *, lane: int, code: str) -> Held:
    heading = Heading(code, lane, partition.retention, partition.starts_at, partition.ends_at)
    with Writer(draft, heading) as writer:
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(queries.keep_turn)
            cursor = await connection.cursor(
                queries.events,
                code,
                partition.retention,
                partition.starts_at,
                partition.ends_at,
                timeout=_PATIENCE_S,
            )
            while rows := await cursor.fetch(BLOCK, timeout=_PATIENCE_S):
                await asyncio.to_thread(writer.add, [Event(*row) for row in rows])
        return await asyncio.to_thread(writer.finish)


async def _municipalities(database: Database, lane: int) -> list[str]:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        return [row["code"] for row in await connection.fetch(queries.municipalities)]


async def _counts(database: Database, partition: Partition) -> dict[str, int]:
    counts: dict[str, int] = {}
    for lane in await lanes_in_use(database):
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            span = partition.retention, partition.starts_at, partition.ends_at
            rows = await connection.fetch(queries.counts, *span, timeout=_PATIENCE_S)
        counts |= {row["municipality"]: row["events"] for row in rows}
    return counts
