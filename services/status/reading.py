"""The reading `status`: the log and the observer's intervals as the measured state of every device."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from services.log.models import LoggedEvent
from services.status import tables
from services.status.cases import Case, Key, sign_of, still_up
from services.status.judging import Known, Task, Verdict, judge, verdicts_of
from services.status.models import PROOF_GAP, Interval, Millis, Sign
from services.status.moments import millis, moment
from services.status.outlook import READING, Outlook, last_known, look_out
from services.status.store import queries
from services.storage.database import Connection

# The registry is compared when nothing is heard, and as often as this when there is much to read.
REGISTRY_EVERY: Millis = 5_000
# How soon to look again for the canary that proves a deadline which has passed.
CANARY_WAIT = timedelta(seconds=1)


class StatusReading:
    """The measured layer per device: `device_status` for now, `status_interval` for the past."""

    name = READING

    async def apply(
        self, connection: Connection, lane: int, events: Sequence[LoggedEvent], *, now: datetime
    ) -> datetime | None:
        """Judge the devices that were heard, are due, or are expected otherwise; all when our sight changed."""
        outlook = await look_out(
            connection,
            lane,
            [millis(event.received_at) for event in events],
            position=events[-1].position if events else None,
            now=now,
        )
        if outlook is None:
            return now
        changed = await _judge(connection, outlook, _signs(events))
        if changed or events or not outlook.same_sight:
            await _remember(connection, outlook, changed=changed)
        return now if outlook.lagging else await _wake_at(connection, outlook, now)

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Make the rows of the lane's devices in service again from the log, up to the reading's cursor.

        Devices out of service keep theirs: the log does not say when they were taken out.
        """
        place = await connection.fetchrow(queries.log_place, lane, READING)
        newest = await connection.fetchval(queries.newest_receipt, lane, place["position"]) if place else None
        outlook = await look_out(connection, lane, [millis(newest)] if newest else [], now=now)
        if outlook is None:
            return
        dropped = await tables.keys(connection, queries.drop_statuses, lane)
        await tables.drop_intervals(connection, dropped)
        tasks = [Task(case) for case in await _in_service(connection, outlook.known)]
        changed = await judge(connection, outlook.known, tasks, revision=outlook.revision + 1)
        await _remember(connection, outlook, changed=changed + len(dropped))

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        """Say where the lane's rows differ from what the log gives at the time they were judged."""
        place = await connection.fetchrow(queries.log_place, lane, READING)
        known, _ = await last_known(connection, lane, position=place["position"] if place else 0)
        if known is None:
            return []
        cases = {case.key: case for case in await _in_service(connection, known) if not case.waits}
        differences: list[str] = []
        silent = set(cases)
        async for verdicts in verdicts_of(
            connection, known, [Task(case.afresh()) for case in cases.values()]
        ):
            whole = {verdict.case.key: 0 for verdict in verdicts}
            stored = await tables.intervals_since(connection, whole)
            differences.extend(_differences(verdicts, cases, stored))
            silent -= whole.keys()
        differences += await tables.contradictions(connection, lane)
        return differences + [f"status {' '.join(key)}: the log has nothing of it" for key in sorted(silent)]


async def _judge(connection: Connection, outlook: Outlook, heard: Mapping[Key, list[Sign]]) -> int:
    known, revision = outlook.known, outlook.revision + 1
    cases = await tables.cases(connection, await _concerned(connection, outlook, heard))
    moved: list[tuple[Key, Millis, Millis, Millis]] = []
    tasks: list[Task] = []
    for case in cases:
        signs = heard.get(case.key, [])
        late_at = None
        if case.judged and signs and outlook.same_sight and known.observed.open:
            late_at = still_up(case, signs, seen_until=known.observed.until)
        if late_at is not None:
            times = [sign.time for sign in signs]
            moved.append((case.key, max(times), max(times), late_at))
        elif case.judged:
            tasks.append(Task(case, case.judged_from(_settled(outlook, signs))))
    await tables.leave_unjudged(connection, [case.key for case in cases if not case.judged])
    changed = await tables.move_on(connection, revision, moved)
    return changed + await judge(connection, known, tasks, revision=revision)


async def _concerned(connection: Connection, outlook: Outlook, heard: Mapping[Key, list[Sign]]) -> set[Key]:
    known, before = outlook.known, outlook.before
    if not outlook.same_sight:
        return set(heard) | await tables.keys(connection, queries.whole_lane, known.lane)
    due = await tables.keys(connection, queries.due, known.lane, moment(known.observed.until))
    concerned = set(heard) | due
    if not heard or before is None or known.as_of // REGISTRY_EVERY != before.as_of // REGISTRY_EVERY:
        concerned |= await tables.keys(connection, queries.changed_expectation, known.lane)
    return concerned


def _settled(outlook: Outlook, signs: Sequence[Sign]) -> Millis | None:
    settled = outlook.settled
    return None if settled is None else min([settled, *(sign.time for sign in signs)])


def _signs(events: Sequence[LoggedEvent]) -> dict[Key, list[Sign]]:
    found: dict[Key, list[Sign]] = defaultdict(list)
    for event in events:
        found[Key(event.municipality, event.device)].append(sign_of(event))
    return found


async def _remember(connection: Connection, outlook: Outlook, *, changed: int) -> None:
    """Store how the lane was judged and, when anything changed, say so to whoever listens."""
    known, revision = outlook.known, outlook.revision + (1 if changed else 0)
    await connection.execute(
        queries.put_lane, known.lane, moment(known.as_of), revision, known.observed.text()
    )
    if changed:
        await connection.execute(queries.announce, f"{known.lane}:{revision}")


async def _wake_at(connection: Connection, outlook: Outlook, now: datetime) -> datetime | None:
    """When time alone changes something: a device is due, or the newest canary has grown too old."""
    if not outlook.known.observed.open:
        return None
    blind_at = moment(outlook.known.observed.until + PROOF_GAP + 1)
    next_change_at: datetime | None = await connection.fetchval(queries.next_change, outlook.known.lane)
    if next_change_at is None:
        return blind_at
    return min(blind_at, max(next_change_at, now + CANARY_WAIT))


async def _in_service(connection: Connection, known: Known) -> list[Case]:
    keys = await tables.keys(connection, queries.devices_in_log, known.lane, known.position)
    keys |= await tables.keys(connection, queries.whole_lane, known.lane)
    return [case for case in await tables.cases(connection, keys) if case.judged]


def _differences(
    verdicts: Sequence[Verdict], cases: Mapping[Key, Case], stored: Mapping[Key, list[Interval]]
) -> Iterator[str]:
    for verdict in verdicts:
        key = verdict.case.key
        status, intervals = cases[key].status, stored.get(key, [])
        if status != verdict.status:
            yield f"status {' '.join(key)}: table {status}, log {verdict.status}"
        only_stored = sorted(set(intervals) - set(verdict.intervals), key=lambda i: i.starts_at)
        only_in_log = sorted(set(verdict.intervals) - set(intervals), key=lambda i: i.starts_at)
        if only_stored or only_in_log:
            yield f"status intervals {' '.join(key)}: table {only_stored}, log {only_in_log}"
