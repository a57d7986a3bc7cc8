"""Judge devices by the log, and bring their rows to what the timeline says."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.status import store, tables
from services.status.cases import Case, Key, Status
from services.status.models import Carry, Interval, Millis, Sign
from services.status.observed import Observed
from services.status.timeline import timeline_under
from services.status.watch import Watch, watch_at
from services.storage.database import Connection

# Devices loaded at a time, at most and at least: since an anchor they have a few signs each, from their beginning on
# one or a million. So many of them are loaded next as have about so many signs, by those before them.
AT_A_TIME = 500
WHOLE_AT_A_TIME = 10
SIGNS_AT_A_TIME = 5_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Known:
    """What a judgement rests on: the log until `position` and the observations as marked, known at `as_of`."""

    lane: int
    position: int
    as_of: Millis
    observed: Observed


@dataclass(frozen=True, slots=True)
class Task:
    """A device to judge, from an anchor before an instant on, or (None) from its first sign."""

    case: Case
    before: Millis | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the judgement of a device begins: at its anchor, or (None) at its first sign."""

    case: Case
    anchor: Millis | None = None
    carry: Carry | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the log gives for a device: its intervals from the anchor on, and its status."""

    case: Case
    intervals: tuple[Interval, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Judged:
    """How many statuses changed, and when the first of the devices changes by itself (None: not known, or never)."""

    changed: int
    due_from: Millis | None = None


async def judge(connection: Connection, known: Known, wanted: Sequence[Task], *, revision: int) -> Judged:
    """Judge devices again, and store what differs; statuses that changed get `revision`."""
    changed, nexts = 0, list[Millis]()
    async for verdicts in verdicts_of(connection, known, wanted):
        changed += await _store(connection, known.lane, verdicts, revision=revision)
        nexts += [at for verdict in verdicts if (at := verdict.status.next_change_at) is not None]
    return Judged(changed, min(nexts, default=None))


async def verdicts_of(
    connection: Connection, known: Known, wanted: Sequence[Task]
) -> AsyncIterator[list[Verdict]]:
    """What the log gives for these devices, some at a time; those without a sign are left out."""
    if not wanted:
        return
    starts = await _starts(connection, known, wanted)
    whole = [start for start in starts if start.anchor is None]
    anchored = [start for start in starts if start.anchor is not None]
    for group, at_a_time in ((anchored, AT_A_TIME), (whole, WHOLE_AT_A_TIME)):
        if not group:
            continue
        earliest = min(start.anchor or 0 for start in group)
        seen = await store.seen_since(connection, known.lane, earliest)
        watch = watch_at(known.observed.applied_to(seen), known.as_of)
        async for some in _heard(connection, group, at_a_time, position=known.position):
            found = (_verdict(start, signs, watch, known.as_of) for start, signs in some)
            yield [verdict for verdict in found if verdict is not None]


async def _heard(
    connection: Connection, starts: Sequence[_Start], at_a_time: int, *, position: int
) -> AsyncIterator[list[tuple[_Start, Sequence[Sign]]]]:
    """Where judgements begin, with the signs from there on, some at a time."""
    rest = starts
    while rest:
        some, rest = rest[:at_a_time], rest[at_a_time:]
        signs = await tables.signs(
            connection, {start.case.key: start.anchor for start in some}, position=position
        )
        yield [(start, signs.get(start.case.key, ())) for start in some]
        each = sum(map(len, signs.values())) / len(some)
        at_a_time = max(WHOLE_AT_A_TIME, min(AT_A_TIME, int(SIGNS_AT_A_TIME / max(each, 1))))


async def _starts(connection: Connection, known: Known, wanted: Sequence[Task]) -> list[_Start]:
    starts: list[_Start] = []
    for some in _chunks(wanted, AT_A_TIME):
        before = {task.case.key: task.before for task in some if task.before is not None}
        anchors = await tables.anchors(connection, before, position=known.position) if before else {}
        starts.extend(_Start(task.case, *anchors.get(task.case.key, ())) for task in some)
    return starts


def _verdict(start: _Start, signs: Sequence[Sign], watch: Watch, as_of: Millis) -> Verdict | None:
    case = start.case
    line = timeline_under(watch, signs, case.expectation, until=as_of, carry=start.carry)
    if line.last_sign_at is None:
        return None
    received = [sign.received_at for sign in signs if sign.received_at <= as_of]
    if case.status is not None:
        received.append(case.status.last_event_at)
    newest = line.intervals[-1]
    return Verdict(
        case,
        line.intervals,
        Status(
            reason=newest.reason,
            since=newest.starts_at,
            last_sign_at=line.last_sign_at,
            last_event_at=max(received),
            next_change_at=line.next_change_at,
            expectation=case.expectation,
            carry=line.carry,
        ),
    )


async def _store(connection: Connection, lane: int, verdicts: Sequence[Verdict], *, revision: int) -> int:
    if not verdicts:
        return 0
    since = {verdict.case.key: verdict.intervals[0].starts_at for verdict in verdicts}
    stored = await tables.intervals_since(connection, since)
    gone: list[tuple[Key, Millis]] = []
    new: list[tuple[Key, Interval]] = []
    statuses: list[tuple[Key, Status]] = []
    for verdict in verdicts:
        key = verdict.case.key
        old = stored.get(key, [])
        wanted = joined(old, verdict.intervals)
        starts = {interval.starts_at for interval in wanted}
        gone.extend((key, interval.starts_at) for interval in old if interval.starts_at not in starts)
        kept = set(old)
        new.extend((key, interval) for interval in wanted if interval not in kept)
        statuses.append((key, replace(verdict.status, since=wanted[-1].starts_at)))
    await tables.remove_intervals(connection, gone)
    await tables.put_intervals(connection, new)
    return await tables.put_statuses(connection, lane, revision, statuses)


def joined(old: Sequence[Interval], new: Sequence[Interval]) -> list[Interval]:
    """New intervals joined to what is stored before they begin; the rest of the old ones is gone."""
    first = new[0]
    before = [interval for interval in old if interval.starts_at < first.starts_at]
    if not before:
        return list(new)
    *earlier, last = before
    if last.reason is first.reason:
        return [*earlier, replace(first, starts_at=last.starts_at), *new[1:]]
    return [*earlier, replace(last, ends_at=first.starts_at), *new]


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
