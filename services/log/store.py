"""Store what came in, all of it in one transaction: events, dead letters, spool declarations, the canary (rule R8).

A datum that PostgreSQL refuses splits the batch until it stands alone and becomes a dead letter (rule R9). Anything
else that goes wrong is raised, so that the caller keeps the batch and tries again (rule R10).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from services.ingest.models import Accepted, Refused
from services.log.append import announce, append, queries
from services.log.models import Stored
from services.storage.database import Connection, Database, Lane, Role

log = structlog.get_logger()

OUTCOMES = Counter("bypunkt_ingest_events_total", "Events by what became of them", ["outcome"])
REFUSALS = Counter("bypunkt_ingest_refused_total", "Refused events by reason", ["reason"])
COMMIT = Histogram(
    "bypunkt_ingest_commit_seconds",
    "Time of one ingest transaction",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# What PostgreSQL says when the datum is at fault, and not the server or we.
_BAD_DATUM = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a canary proves: the lane's way was whole from the connection's first canary until this one."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one lane received together, judged."""

    accepted: Sequence[Accepted] = ()
    refused: Sequence[Refused] = ()
    sight: Sight | None = None


async def store(database: Database, lane: int, batch: Batch) -> list[Refused]:
    """Store a batch and return what was refused, with the events that the database itself refused among them.

    Raises one of `services.storage.database.UNREACHABLE`, or an error that nobody foresaw; then nothing is stored.
    """
    refused = list(batch.refused)
    stored = await _store_or_split(database, lane, list(batch.accepted), refused, sight=batch.sight)
    OUTCOMES.labels("stored").inc(stored.new)
    OUTCOMES.labels("duplicate").inc(stored.duplicates)
    for refusal in refused:
        OUTCOMES.labels("dead_lettered" if refusal.stored else "refused").inc()
        REFUSALS.labels(refusal.reason).inc()
    return refused


async def _store_or_split(
    database: Database, lane: int, events: list[Accepted], refused: list[Refused], *, sight: Sight | None
) -> Stored:
    try:
        return await _store(database, lane, events, refused, sight=sight)
    except _BAD_DATUM as error:
        if not events:
            raise
        log.warning("batch_split", lane=lane, events=len(events), error=type(error).__name__)
    good, bad = await _sieve(database, lane, events)
    refused.extend(bad)
    return await _store(database, lane, good, refused, sight=sight)


async def _sieve(
    database: Database, lane: int, events: list[Accepted]
) -> tuple[list[Accepted], list[Refused]]:
    """Find the events that PostgreSQL refuses by trying halves, each rolled back."""
    try:
        await _try(database, lane, events)
    except _BAD_DATUM as error:
        if len(events) == 1:
            return [], [_refused_by_storage(events[0], error)]
    else:
        return events, []
    half = len(events) // 2
    good, bad = await _sieve(database, lane, events[:half])
    more_good, more_bad = await _sieve(database, lane, events[half:])
    return good + more_good, bad + more_bad


async def _try(database: Database, lane: int, events: list[Accepted]) -> None:
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        trial = connection.transaction()
        await trial.start()
        try:
            await append(connection, lane, events)
        finally:
            await trial.rollback()


async def _store(
    database: Database, lane: int, events: list[Accepted], refused: list[Refused], *, sight: Sight | None
) -> Stored:
    with COMMIT.time():
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            dead = [refusal for refusal in refused if refusal.stored]
            stored = await append(connection, lane, events, dead=dead)
            await _declare_spools(connection, events)
            if sight is not None:
                await record_sight(connection, lane, sight)
            return stored


async def record_sight(connection: Connection, lane: int, sight: Sight) -> None:
    """Record that the lane could see; one observation a connection."""
    await connection.execute(queries.observe, lane, sight.since, sight.until)
    if sight.since == sight.until:
        await announce(connection, lane)


async def close_sight(database: Database, lane: int, since: datetime) -> None:
    """Record that the lane's connection is gone: what comes after its last canary is blind."""
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        await connection.execute(queries.close_observation, lane, since)
        await announce(connection, lane)


async def _declare_spools(connection: Connection, events: list[Accepted]) -> None:
    births = [event for event in events if event.is_birth]
    if births:
        await connection.execute(
            queries.declare_spools,
            [birth.municipality for birth in births],
            [birth.device for birth in births],
            [birth.received_at for birth in births],
            [birth.declares_spool for birth in births],
        )


def _refused_by_storage(event: Accepted, error: Exception) -> Refused:
    return replace(Refused.of(event), detail=type(error).__name__)
