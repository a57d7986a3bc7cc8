"""Append to the log: each event once, at gapless positions, in commit order.

A writer holds its lane's row from `hold_lane` to the commit. So positions come in commit order and without gaps,
a reader needs one number a lane, and looking for an earlier copy of an event cannot race with another writer.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from services.ingest.models import Accepted, Refused
from services.log.models import Stored
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)

# How far from the present an event's time may lie: the log has partitions for these (protocol, idempotency).
EARLIEST = timedelta(days=31)
AHEAD = timedelta(days=35)

# How far from its receipt an event lies whose id is looked up (the statement `append` says the same).
LOOK_BACK = timedelta(hours=48)
LOOK_AHEAD = timedelta(minutes=10)

_SEPARATOR = "\x1f"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Numbers that JSON does not have are written as they are, so that PostgreSQL refuses them.
_DATA: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(
    list[dict[str, Any]], config=ConfigDict(ser_json_inf_nan="constants")
)


class UnfitDatum(ValueError):
    """An event holds what cannot be written down for PostgreSQL."""


async def append(
    connection: Connection,
    lane: int,
    events: Sequence[Accepted],
    *,
    dead: Sequence[Refused] = (),
    held: bool = False,
) -> Stored:
    """Store events and dead letters of one lane in the open transaction (role ingest, lane scope).

    `held` says that the transaction has run `hold_lane` already. Repeated events, within the batch or already in the
    log, are counted and left out. Readers are woken at commit.
    """
    single = list(_first_of_each(events))
    if single and not held:
        await connection.execute(queries.hold_lane)
    new = await _insert(connection, lane, single) if single else 0
    if dead:
        await connection.execute(
            queries.add_dead_letters, lane, *_transposed(_dead_row(letter) for letter in dead)
        )
    return Stored(new=new, duplicates=len(events) - new, dead=len(dead))


async def announce(connection: Connection, lane: int) -> None:
    """Wake the readers of a lane when the open transaction commits."""
    await connection.execute(queries.announce, str(lane))


async def make_partitions(connection: Connection, *, now: datetime) -> int:
    """Make the log's partitions around `now` and return how many were new."""
    made: int = await connection.fetchval(queries.make_partitions, now - EARLIEST, now + AHEAD)
    return made


async def _insert(connection: Connection, lane: int, events: list[Accepted]) -> int:
    done = await connection.execute(queries.append, lane, *columns(events), *spans(events))
    return int(done.rpartition(" ")[2])


def columns(events: Sequence[Accepted]) -> list[str]:
    """Return events as the columns that the statement `append` takes after the lane, one text each.

    A driver looks at each element of an array by itself; a text goes through as it is. Raises `UnfitDatum`.
    """
    each = dict(zip(Accepted._fields, zip(*events, strict=True), strict=True))
    texts: list[Iterable[str]] = [
        *(each[name] for name in ("municipality", "device", "id", "type", "retention")),
        *(map(_us, each[name]) for name in ("at", "received_at")),
        ["" if time is None else _us(time) for time in each["time"]],
        *([text or "" for text in each[name]] for name in ("boot", "conn")),
        ["" if seq is None else str(seq) for seq in each["seq"]],
        ["t" if event.look_back else "" for event in events],
    ]
    joined = [_SEPARATOR.join(column) for column in texts]
    if any(text.count(_SEPARATOR) != len(events) - 1 for text in joined):
        raise UnfitDatum("a control character")
    try:
        return [*joined, _DATA.dump_json(list(each["data"])).decode()]
    except ValueError as error:
        raise UnfitDatum("data that is not JSON") from error


def spans(events: Sequence[Accepted]) -> tuple[datetime, datetime, datetime, datetime]:
    """Return between which instants copies of events may lie in the log, by their key and by looking back."""
    received = [event.received_at for event in events if event.look_back] or [_EPOCH]
    return (
        min(event.at for event in events),
        max(event.at for event in events),
        min(received) - LOOK_BACK,
        max(received) + LOOK_AHEAD,
    )


def _us(moment: datetime) -> str:
    return str((moment - _EPOCH) // _MICROSECOND)


def _first_of_each(events: Sequence[Accepted]) -> Iterable[Accepted]:
    seen: set[object] = {event[:3] for event in events}  # by municipality, device and id
    if len(seen) == len(events):
        yield from events
        return
    seen.clear()
    for event in events:
        key = (event.municipality, event.device, event.id, None if event.look_back else event.at)
        if key not in seen:
            seen.add(key)
            yield event


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
