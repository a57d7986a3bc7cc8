"""Take archived events into the log again, each once; readings count them when they are made anew."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from services.log.append import queries as log_queries
from services.log.archive import files
from services.log.archive.form import ArchiveRefused, Event, Heading
from services.log.archive.keeping import queries, turn
from services.log.lanes import lanes_for, registered_codes
from services.storage.database import Database, Lane, Public, Role

_AT_A_TIME = 1000
# No partition is longer than a year.
_LONGEST = timedelta(days=367)
_CLASSES = frozenset({"short", "standard", "long"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What one file gave: its events, and how many of them the log did not have."""

    heading: Heading
    events: int
    new: int


async def take_in(database: Database, path: Path) -> Taken:
    """Take one file in; a file that is damaged changes nothing, one that was taken in before neither.

    An import that is interrupted is begun again. Raises `ArchiveRefused`.
    """
    heading, total = await asyncio.to_thread(_examined, path)
    code = heading.municipality
    if code not in await registered_codes(database):
        raise ArchiveRefused(
            f"{path} is of municipality {code}, which is not registered: import its registry first"
        )
    lane = (await lanes_for(database, [code]))[code]
    async with turn(database) as ours:
        if not ours:
            raise ArchiveRefused(
                "the log is being archived, imported or cleaned up at this moment: try again later"
            )
        async with database.transaction(Role.INGEST, Public()) as connection:
            last = heading.ends_at - timedelta(microseconds=1)
            await connection.execute(log_queries.make_partitions, heading.starts_at, last)
        new = 0
        pieces = files.blocks(path)
        while (block := await asyncio.to_thread(next, pieces, None)) is not None:
            if isinstance(block, list):
                new += await _store(database, lane, heading, block)
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await connection.execute(
                queries.whole_again, code, heading.retention, heading.starts_at, heading.ends_at
            )
    return Taken(heading, total, new)


def _examined(path: Path) -> tuple[Heading, int]:
    """Read a whole file before anything of it is believed."""
    pieces = files.blocks(path)
    heading = next(pieces)
    if not isinstance(heading, Heading):
        raise ArchiveRefused(f"{path} has no heading")
    if heading.retention not in _CLASSES or not timedelta() < heading.ends_at - heading.starts_at <= _LONGEST:
        raise ArchiveRefused(f"{path} says that it holds what no partition of the log holds")
    return heading, sum(len(block) for block in pieces if isinstance(block, list))


async def _store(database: Database, lane: int, heading: Heading, block: Sequence[Event]) -> int:
    new, events = 0, iter(block)
    while some := list(islice(events, _AT_A_TIME)):
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await connection.execute(queries.hold_lane, lane)
            columns = zip(*(event[:1] + event[2:] for event in some), strict=True)
            done = await connection.execute(
                queries.take_in, lane, heading.municipality, heading.retention, *map(list, columns)
            )
        new += int(done.rpartition(" ")[2])
    return new
