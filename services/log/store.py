"""Store what came in, all of it in one transaction: events, dead letters, spool declarations, the canary (rule R8).

A datum that PostgreSQL refuses splits the batch until it stands alone and becomes a dead letter (rule R9). Anything
else that goes wrong is raised, so that the caller keeps the batch and tries again (rule R10).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from services.ingest.models import Accepted, Refused
from services.log.append import UnfitDatum, announce, append, queries
from services.log.leases import in_the_name_of
from services.log.models import Stored
from services.runtime import failpoints
from services.storage.database import Connection, Database, Lane, Role

log = structlog.get_logger()

OUTCOMES = Counter("bypunkt_ingest_events_total", "Events by what became of them", ["outcome"])
REFUSALS = Counter("bypunkt_ingest_refused_total", "Refused events by reason", ["reason"])
COMMIT = Histogram(
    "bypunkt_ingest_commit_seconds",
    "Time of one ingest transaction",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# What PostgreSQL says when the datum is at fault, and not the server or we; the last is asyncpg's own word for an
# argument that it cannot encode, which its public names hide behind the server's error of the same name.
_BAD_DATUM = (
    UnfitDatum,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.exceptions._base.DataError,  # noqa: SLF001
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a canary proves: the lane's way was whole from the connection's first canary until this one."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one lane received together, judged; `epoch` is that of the lease under which it is to be stored."""

    accepted: Sequence[Accepted] = ()
    refused: Sequence[Refused] = ()
    sight: Sight | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the log after a batch was stored (`new` of them, the rest before), and what is not."""

    accepted: Sequence[Accepted]
    refused: Sequence[Refused]
    new: int = 0


async def store(database: Database, lane: int, batch: Batch) -> Kept:
    """Store a batch; what the database itself refuses is among the refused.

    Raises one of `services.storage.database.UNREACHABLE`, `LaneTaken` when another process holds the lane by now, or
    an error that nobody foresaw; then nothing is stored.
    """
    kept, stored = await _store_what_can_be(database, lane, batch)
    OUTCOMES.labels("stored").inc(stored.new)
    OUTCOMES.labels("duplicate").inc(stored.duplicates)
    for refusal in kept.refused:
        OUTCOMES.labels("dead_lettered" if refusal.stored else "refused").inc()
        REFUSALS.labels(refusal.reason).inc()
    return replace(kept, new=stored.new)


async def _store_what_can_be(database: Database, lane: int, batch: Batch) -> tuple[Kept, Stored]:
    kept = Kept(batch.accepted, batch.refused)
    try:
        return kept, await _store(database, lane, kept, batch)
    except _BAD_DATUM as error:
        log.warning("batch_split", lane=lane, events=len(batch.accepted), error=type(error).__name__)
    good, bad = await _sieve(database, lane, list(batch.accepted))
    kept = Kept(good, [*batch.refused, *bad])
    try:
        return kept, await _store(database, lane, kept, batch)
    except _BAD_DATUM as error:
        log.warning("dead_letters_bared", lane=lane, letters=len(kept.refused), error=type(error).__name__)
    kept = Kept(good, [_bare(refusal) for refusal in kept.refused])
    return kept, await _store(database, lane, kept, batch)


async def _sieve(
    database: Database, lane: int, events: list[Accepted]
) -> tuple[list[Accepted], list[Refused]]:
    """Find the events that PostgreSQL refuses by trying halves, each rolled back."""
    if not events:
        return [], []
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
    with suppress(_OnlyATrial):
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await append(connection, lane, events)
            raise _OnlyATrial


class _OnlyATrial(Exception):
    """No error: ends a transaction so that nothing of it stays."""


async def _store(database: Database, lane: int, kept: Kept, batch: Batch) -> Stored:
    with COMMIT.time(), in_the_name_of(batch.epoch) as mine:
        first = "; ".join(filter(None, (mine, queries.hold_lane if kept.accepted else "")))
        async with database.transaction(Role.INGEST, Lane(lane), first=first or None) as connection:
            dead = [refusal for refusal in kept.refused if refusal.stored]
            stored = await append(connection, lane, kept.accepted, dead=dead, held=True)
            await _declare_spools(connection, kept.accepted)
            if batch.sight is not None:
                await record_sight(connection, lane, batch.sight)
            failpoints.hit("gateway.stored")
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


async def _declare_spools(connection: Connection, events: Sequence[Accepted]) -> None:
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


def _bare(refusal: Refused) -> Refused:
    # Even what is known of it cannot be stored: keep that there was something, and why it was refused.
    return replace(
        refusal, device=None, topic="(not kept)", detail="", event_id=None, payload=None, replayable=False
    )
