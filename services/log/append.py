"""Append to the log: each event once, at gapless positions, in commit order.

A writer holds its lane's row from `hold_lane` to the commit. So positions come in commit order and without gaps,
a reader needs one number a lane, and looking for an earlier copy of an event cannot race with another writer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.ingest.models import Accepted, Refused
from services.log.models import Stored
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)

# How far from the present an event's time may lie: the log has partitions for these (protocol, idempotency).
EARLIEST = timedelta(days=31)
AHEAD = timedelta(days=35)


async def append(
    connection: Connection, lane: int, events: Sequence[Accepted], *, dead: Sequence[Refused] = ()
) -> Stored:
    """Store events and dead letters of one lane in the open transaction (role ingest, lane scope).

    Repeated events, within the batch or already in the log, are counted and left out. Readers are woken at commit.
    """
    single = list(_first_of_each(events))
    new = await _insert(connection, lane, single) if single else 0
    if dead:
        await connection.execute(
            queries.add_dead_letters, lane, *_transposed(_dead_row(letter) for letter in dead)
        )
    if new:
        await announce(connection, lane)
    return Stored(new=new, duplicates=len(events) - new, dead=len(dead))


async def announce(connection: Connection, lane: int) -> None:
    """Wake the readers of a lane when the open transaction commits."""
    await connection.execute(queries.announce, str(lane))


async def make_partitions(connection: Connection, *, now: datetime) -> int:
    """Make the log's partitions around `now` and return how many were new."""
    made: int = await connection.fetchval(queries.make_partitions, now - EARLIEST, now + AHEAD)
    return made


async def _insert(connection: Connection, lane: int, events: list[Accepted]) -> int:
    head = await connection.fetchval(queries.hold_lane, lane)
    done = await connection.execute(queries.append, lane, head, *columns(events))
    return int(done.rpartition(" ")[2])


def columns(events: Iterable[Accepted]) -> list[list[object]]:
    """Return events as the arrays that the statement `append` takes after lane and head."""
    return _transposed(_event_row(event) for event in events)


def _first_of_each(events: Iterable[Accepted]) -> Iterable[Accepted]:
    seen: set[object] = set()
    for event in events:
        key = (event.municipality, event.device, event.id, None if event.look_back else event.at)
        if key not in seen:
            seen.add(key)
            yield event


def _event_row(event: Accepted) -> tuple[object, ...]:
    return (
        event.municipality,
        event.device,
        event.id,
        event.type,
        event.retention,
        event.at,
        event.received_at,
        event.time,
        event.boot,
        event.conn,
        event.seq,
        event.data,
        event.look_back,
    )


def _dead_row(letter: Refused) -> tuple[object, ...]:
    return (
        letter.municipality,
        letter.device,
        letter.topic,
        letter.reason,
        letter.detail,
        letter.event_id,
        letter.received_at,
        letter.size,
        letter.raw,
        letter.payload,
        letter.replayable,
    )


def _transposed(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
