"""How long the log keeps what: a job erases, archives and lets go, one process at a time.

Short events say nothing any more 48 hours after their receipt; that they came stays. Standard and short events go by
the partition after the time that is set, archived first if that is set. Long ones stay. Dead letters go after days.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from services.log.archive.form import ArchiveRefused
from services.log.archive.keeping import keep, turn
from services.log.models import Partition
from services.log.options import LEAST_DAYS, RetentionOptions
from services.runtime.clock import Clock
from services.runtime.tasks import describe
from services.storage.database import Connection, Database, Public, Role
from services.storage.sql import load_queries

log = structlog.get_logger()

queries = load_queries(__package__, "retention.sql")

SHORT = timedelta(hours=48)
EVERY = timedelta(hours=1)
DROPPED = ("short", "standard")

_AT_A_TIME = 5000
# Somebody who reads the whole log (a backup) keeps a partition for as long; then the next run takes it.
_TRIES = 40
_PAUSE_S = 0.5
_PATIENCE_S = 3600.0
# A partition without events has little but the first pages of its indexes.
_EMPTY_BYTES = 512 * 1024


async def log_size(connection: Connection) -> list[Partition]:
    """Return the partitions of the log, oldest first, with their sizes (role worker or web, any scope)."""
    return [Partition(**row) for row in await connection.fetch(queries.partitions)]


def next_drop(partition: Partition, options: RetentionOptions) -> datetime | None:
    """Return when a partition is let go of; None if it never is."""
    if partition.retention not in DROPPED:
        return None
    return partition.ends_at + timedelta(days=options.standard_days)


class Retention:
    """Keeps the log as long as it is to be kept, until cancelled."""

    def __init__(
        self, database: Database, options: RetentionOptions, *, readings: Sequence[str], clock: Clock
    ) -> None:
        self._database = database
        self._options = options
        self._readings = list(readings)
        self._clock = clock

    async def run(self) -> None:
        """Look after the log now, and every hour."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY.total_seconds())

    async def once(self) -> None:
        """Erase and let go of what is due, unless another process is at it."""
        async with turn(self._database) as ours:
            if not ours:
                return
            now = self._clock()
            await self._repeat(queries.erase_short, now - SHORT, self._readings, what="short_events_erased")
            dead = now - timedelta(days=self._options.dead_letter_days)
            await self._repeat(queries.drop_dead_letters, dead, what="dead_letters_dropped")
            async with self._database.transaction(Role.WORKER, Public()) as connection:
                partitions = await log_size(connection)
            for partition in partitions:
                await self._let_go(partition, now)

    async def _repeat(self, statement: str, *values: Any, what: str) -> None:  # noqa: ANN401 - as PostgreSQL takes them
        total = 0
        while True:
            async with self._database.transaction(Role.WORKER, Public()) as connection:
                done: int = await connection.fetchval(statement, *values, _AT_A_TIME)
            total += done
            if done < _AT_A_TIME:
                break
        if total:
            log.info(what, count=total)

    async def _let_go(self, partition: Partition, now: datetime) -> None:
        due = next_drop(partition, self._options)
        if due is None or partition.ends_at > now - timedelta(days=LEAST_DAYS):
            return
        try:
            if due <= now:
                await self._drop(partition, await self._archived(partition, now))
            elif partition.rows == 0 and partition.bytes < _EMPTY_BYTES:
                await self._drop(partition, 0)
        except (ArchiveRefused, asyncpg.ObjectInUseError) as error:
            log.warning("partition_kept", partition=partition.name, error=str(error).partition("\n")[0])
        except asyncpg.LockNotAvailableError as error:
            log.info("partition_in_use", partition=partition.name, error=describe(error))

    async def _archived(self, partition: Partition, now: datetime) -> int | None:
        """Archive a partition where that is set, and return how many events it holds; None: whatever it holds."""
        if self._options.archive_to is None:
            return None
        archived = await keep(self._database, partition, self._options.archive_to, now=now)
        if archived.events:
            log.info(
                "partition_archived", partition=partition.name, events=archived.events, bytes=archived.bytes
            )
        return archived.events

    async def _drop(self, partition: Partition, expected: int | None) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self._database.transaction(Role.WORKER, Public()) as connection:
                    await connection.execute(
                        queries.drop_partition, partition.name, expected, self._readings, timeout=_PATIENCE_S
                    )
                log.info("partition_dropped", partition=partition.name, events=expected)
                return
            except asyncpg.LockNotAvailableError:
                if not tries_left:
                    raise
            # Whoever had to queue up behind the attempt gets through meanwhile.
            await asyncio.sleep(_PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
