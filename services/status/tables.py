"""The status tables as the reading itself reads and writes them: for many devices at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import asyncpg

from services.log.follow import Place
from services.status.cases import Case, Key, Status, kind_of
from services.status.models import Carry, Expectation, Interval, Millis, Reason, Sign
from services.status.moments import EPOCH, NEVER, maybe_millis, maybe_moment, millis, moment
from services.status.observed import Turned
from services.status.store import moving, queries, sight
from services.storage.database import Connection

# A timely sign's device time lies at most a minute before its receipt; a second more covers the cutting.
_BEFORE_RECEIPT = timedelta(seconds=61)


async def cases(connection: Connection, keys: Iterable[Key]) -> list[Case]:
    """The registered ones of these devices, with what is expected of them and their status."""
    return [_case(row) for row in await connection.fetch(queries.cases, *_columns(keys, width=2))]


async def keys(connection: Connection, statement: str, *arguments: object) -> set[Key]:
    """The devices that a statement names."""
    return {Key(row["municipality"], row["device"]) for row in await connection.fetch(statement, *arguments)}


async def anchors(
    connection: Connection, before: Mapping[Key, Millis], *, position: int
) -> dict[Key, tuple[Millis, Carry]]:
    """For each device a timely sign of life at or before an instant, and what came before that, where there is.

    The uplink's word needs no carrying: the anchor is a heartbeat unless there was none until then.
    """
    asked = ((*key, moment(instant)) for key, instant in before.items())
    rows = await connection.fetch(queries.anchors, *_columns(asked, width=3), position)
    return {
        Key(row["municipality"], row["device"]): (
            millis(row["anchor_at"]),
            Carry(row["boot"], row["conn"], None, maybe_millis(row["born_at"])),
        )
        for row in rows
        if row["anchor_at"] is not None
    }


async def signs(
    connection: Connection, since: Mapping[Key, Millis | None], *, position: int
) -> dict[Key, list[Sign]]:
    """The signs of devices from an instant each (None: all of them), up to a position of the log."""
    asked = ((*key, EPOCH if at is None else moment(at) - _BEFORE_RECEIPT) for key, at in since.items())
    found: dict[Key, list[Sign]] = defaultdict(list)
    for row in await connection.fetch(queries.signs, *_columns(asked, width=3), position):
        key, sign = Key(row["municipality"], row["device"]), _sign(row)
        start = since[key]
        if start is None or sign.time >= start:
            found[key].append(sign)
    return found


async def intervals_since(connection: Connection, since: Mapping[Key, Millis]) -> dict[Key, list[Interval]]:
    """The stored intervals of devices from the one that holds or ends at an instant on."""
    asked = ((*key, moment(at)) for key, at in since.items())
    found: dict[Key, list[Interval]] = defaultdict(list)
    for row in await connection.fetch(queries.intervals_since, *_columns(asked, width=3)):
        found[Key(row["municipality"], row["device"])].append(
            Interval(millis(row["starts_at"]), maybe_millis(row["ends_at"]), Reason(row["reason"]))
        )
    return found


async def contradictions(connection: Connection, lane: int) -> list[str]:
    """Rows whose state is not the one that their reason explains: nothing of ours writes such a thing."""
    return [
        f"status {row['municipality']} {row['device']}: {row['state']} for the reason {row['reason']}"
        for row in await connection.fetch(queries.states_and_reasons, lane)
        if Reason(row["reason"]).state != row["state"]
    ]


async def remove_intervals(connection: Connection, gone: Sequence[tuple[Key, Millis]]) -> None:
    """Take intervals away by device and start."""
    if gone:
        columns = _columns(((*key, moment(start)) for key, start in gone), width=3)
        await connection.execute(queries.remove_intervals, *columns)


async def put_intervals(connection: Connection, new: Sequence[tuple[Key, Interval]]) -> None:
    """Store intervals; one with the same start is replaced."""
    if new:
        rows = (
            (*key, moment(i.starts_at), maybe_moment(i.ends_at), i.state.value, i.reason.value)
            for key, i in new
        )
        await connection.execute(queries.put_intervals, *_columns(rows, width=6))


async def put_statuses(
    connection: Connection, lane: int, revision: int, statuses: Sequence[tuple[Key, Status]]
) -> int:
    """Store statuses under a revision and return how many were not like that already."""
    rows = ((*key, *_status_columns(status)) for key, status in statuses)
    done = await connection.execute(queries.put_status, lane, revision, *_columns(rows, width=14))
    return int(done.rpartition(" ")[2])


class Moved(NamedTuple):
    """What the database did by itself: how many devices it moved on, when the first of them is late, and the rest."""

    number: int = 0
    due_from: Millis | None = None
    left: Mapping[Key, list[Sign]] = {}


async def move_on(connection: Connection, place: Place, *, seen_until: Millis | None, revision: int) -> Moved:
    """Move on the devices heard at a place that are plainly up; what is left is to be judged, by these signs.

    Without `seen_until` that is all of them.
    """
    if place.upto == place.after:
        return Moved()
    left: dict[Key, list[Sign]] = defaultdict(list)
    rows = await connection.fetch(
        moving.move_on, place.lane, place.after, place.upto, maybe_moment(seen_until), revision
    )
    for row in rows:
        if row["device"] is not None:
            left[Key(row["municipality"], row["device"])].append(_sign(row))
    return Moved(rows[0]["moved"], maybe_millis(rows[0]["due_from"]), left)


async def become_late(
    connection: Connection, lane: int, *, seen_from: Millis, seen_until: Millis, revision: int
) -> int:
    """Let the devices that were plainly up and have not been heard in time be late; return how many."""
    done = await connection.execute(moving.become_late, lane, moment(seen_until), moment(seen_from), revision)
    return int(done.rpartition(" ")[2])


async def turn(connection: Connection, place: Place, turned: Turned, *, revision: int) -> int:
    """Let our sight end or begin for all devices that stand firm and were not heard; return how many."""
    statement = sight.gain_sight if turned.open else sight.lose_sight
    since, until = moment(turned.since), moment(turned.until)
    done = await connection.execute(statement, place.lane, since, until, place.after, place.upto, revision)
    return int(done.rpartition(" ")[2])


async def keep_up(connection: Connection, revision: int, up: Sequence[tuple[Key, Millis, Millis]]) -> None:
    """Store the last sign and the next change of devices that are still up."""
    if up:
        rows = ((*key, moment(heard_at), moment(late_at)) for key, heard_at, late_at in up)
        await connection.execute(moving.still_up, revision, *_columns(rows, width=4))


async def due(connection: Connection, lane: int, until: Millis) -> tuple[set[Key], Millis]:
    """The devices that change by themselves until an instant, and when the next one does after it."""
    row = await connection.fetchrow(moving.due, lane, moment(until))
    if row is None:
        return set(), NEVER
    due_from = maybe_millis(row["due_from"])
    found = set(map(Key, row["municipalities"] or (), row["devices"] or ()))
    return found, NEVER if due_from is None else due_from


async def rechecked(connection: Connection, rows: Sequence[tuple[str, int]]) -> None:
    """Forget that devices were to be judged again."""
    if rows:
        await connection.execute(moving.rechecked, *_columns(rows, width=2))


async def leave_unjudged(connection: Connection, out_of_service: Sequence[Key]) -> None:
    """Mark devices that were passed over because they are out of service."""
    if out_of_service:
        await connection.execute(moving.leave_unjudged, *_columns(out_of_service, width=2))


async def drop_intervals(connection: Connection, dropped: Iterable[Key]) -> None:
    """Take away all intervals of devices."""
    await connection.execute(queries.drop_intervals, *_columns(dropped, width=2))


def _sign(row: asyncpg.Record) -> Sign:
    return Sign(
        at=millis(row["at"]),
        received_at=millis(row["received_at"]),
        kind=kind_of(row["type"], row["said"]),
        boot=row["boot"],
        conn=row["conn"],
        uplink_ok=row["uplink_ok"],
    )


def _case(row: asyncpg.Record) -> Case:
    return Case(
        key=Key(row["municipality"], row["device"]),
        expectation=Expectation.of_seconds(row["expected_interval_s"], row["offline_after_s"]),
        judged=row["judged"],
        status=None if row["state"] is None else _status(row),
    )


def _status(row: asyncpg.Record) -> Status:
    return Status(
        reason=Reason(row["reason"]),
        since=millis(row["since"]),
        last_sign_at=millis(row["last_sign_at"]),
        last_event_at=millis(row["last_event_at"]),
        next_change_at=maybe_millis(row["next_change_at"]),
        expectation=Expectation.of_seconds(row["judged_interval_s"], row["judged_offline_after_s"]),
        carry=Carry(row["boot"], row["conn"], row["uplink_ok"], maybe_millis(row["born_at"])),
    )


def _status_columns(status: Status) -> tuple[object, ...]:
    return (
        status.reason.state.value,
        status.reason.value,
        moment(status.since),
        moment(status.last_sign_at),
        moment(status.last_event_at),
        maybe_moment(status.next_change_at),
        status.expectation.interval // 1000,
        status.expectation.offline_after // 1000,
        status.carry.boot,
        status.carry.conn,
        status.carry.uplink_ok,
        maybe_moment(status.carry.born_at),
    )


def _columns(rows: Iterable[tuple[object, ...]], *, width: int) -> list[list[object]]:
    """Rows as one array a column, for `unnest`."""
    listed = list(rows)
    return [[row[column] for row in listed] for column in range(width)]
