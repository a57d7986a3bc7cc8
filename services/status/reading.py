"""The reading `status`: the log and the observer's intervals as the measured state of every device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.log.follow import Place, Turn
from services.status import tables
from services.status.cases import Case, Key, still_up
from services.status.judging import Judged, Known, Task, Verdict, joined, judge, verdicts_of
from services.status.models import PROOF_GAP, Interval, Millis, Sign
from services.status.moments import millis, moment
from services.status.outlook import READING, Outlook, last_known, look_out
from services.status.store import queries, sight
from services.storage.database import Connection

# How soon to look again for the canary that proves a deadline which has passed.
CANARY_WAIT = timedelta(seconds=1)
# How long after the log's horizon a device is judged again from: by then it has an anchor (decision 0005).
SETTLING = timedelta(days=1)


class StatusReading:
    """The measured layer per device: `device_status` for now, `status_interval` for the past."""

    name = READING
    longest_pause = 0.5

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        """Judge the devices that were heard, are due, or are expected otherwise; all when our sight changed.

        What is plainly still up is moved on by the database itself, and never comes here.
        """
        outlook = await look_out(connection, place, now=now)
        if outlook is None:
            return Turn(place, now)
        judged = await _judge(connection, outlook)
        news = outlook.place.upto > place.after
        if judged.changed or news or not outlook.same_sight or judged.due_from != outlook.due_from:
            await _remember(connection, outlook, judged)
        return Turn(outlook.place, now if outlook.lagging else _wake_at(outlook, judged, now))

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Make the rows of the lane's devices in service again from the log, up to the reading's cursor.

        Devices out of service keep theirs: the log does not say when they were taken out. So does what happened before
        the log's horizon.
        """
        read = await connection.fetchrow(queries.log_place, lane, READING)
        if read is None:
            return
        newest = await connection.fetchval(queries.newest_receipt, lane, read["position"])
        outlook = await look_out(
            connection,
            Place(lane, read["position"], read["head"], limit=0),
            received=millis(newest) if newest else None,
            now=now,
        )
        if outlook is None:
            return
        settled = await _settled_until(connection)
        dropped = await tables.keys(connection, queries.drop_statuses, lane, list(settled))
        await tables.drop_intervals(connection, dropped)
        cases = await _in_service(connection, outlook.known)
        tasks = [Task(replace(case, status=None), settled.get(case.key.municipality)) for case in cases]
        judged = await judge(connection, outlook.known, tasks, revision=outlook.revision + 1)
        await _remember(connection, outlook, Judged(judged.changed + len(dropped)))

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        """Say where the lane's rows differ from what the log gives at the time they were judged."""
        place = await connection.fetchrow(queries.log_place, lane, READING)
        known, _ = await last_known(connection, lane, position=place["position"] if place else 0)
        if known is None:
            return []
        cases = {case.key: case for case in await _in_service(connection, known) if not case.waits}
        differences: list[str] = []
        settled = await _settled_until(connection)
        silent = {key for key in cases if key.municipality not in settled}
        tasks = [Task(case.afresh(), settled.get(key.municipality)) for key, case in cases.items()]
        async for verdicts in verdicts_of(connection, known, tasks):
            whole = {verdict.case.key: 0 for verdict in verdicts}
            since = whole | {
                verdict.case.key: verdict.intervals[0].starts_at
                for verdict in verdicts
                if verdict.case.key.municipality in settled
            }
            stored = await tables.intervals_since(connection, since)
            told = [
                _continued(verdict, stored) if since[verdict.case.key] else verdict for verdict in verdicts
            ]
            differences.extend(_differences(told, cases, stored))
            silent -= whole.keys()
        differences += await tables.contradictions(connection, lane)
        return differences + [f"status {' '.join(key)}: the log has nothing of it" for key in sorted(silent)]


async def _settled_until(connection: Connection) -> dict[str, Millis]:
    """Until when nothing is judged again, by municipality, where the log has let go of its beginning."""
    rows = await connection.fetch(queries.horizons)
    return {row["municipality"]: millis(row["kept_from"] + SETTLING) for row in rows}


def _continued(verdict: Verdict, stored: Mapping[Key, list[Interval]]) -> Verdict:
    """A verdict that begins in the middle, joined to what is stored of the time before."""
    intervals = joined(stored.get(verdict.case.key, []), verdict.intervals)
    status = replace(verdict.status, since=intervals[-1].starts_at)
    return replace(verdict, intervals=tuple(intervals), status=status)


async def _judge(connection: Connection, outlook: Outlook) -> Judged:
    """Move on what can be, judge the rest, and say when the next device changes by itself."""
    known, revision = outlook.known, outlook.revision + 1
    seen_until = None if outlook.seen_from is None else known.observed.until
    moved = await tables.move_on(connection, outlook.place, seen_until=seen_until, revision=revision)
    heard = moved.left
    turned = 0
    if outlook.turned is not None:
        turned = await tables.turn(connection, outlook.place, outlook.turned, revision=revision)
    late, due, due_from = await _due(connection, outlook, revision=revision)
    concerned = set(heard) | due | outlook.recheck.keys
    if not outlook.same_sight:
        concerned |= await tables.keys(connection, sight.rest_of_lane, known.lane, revision)
    tasks: list[Task] = []
    idle: list[Key] = []
    up: list[tuple[Key, Millis, Millis]] = []
    for case in await tables.cases(connection, concerned):
        signs = heard.get(case.key, [])
        late_at = still_up(case, signs, seen_until=seen_until) if seen_until is not None and signs else None
        if not case.judged:
            idle.append(case.key)
        elif late_at is not None:
            up.append((case.key, max(sign.time for sign in signs), late_at))
        else:
            tasks.append(Task(case, case.judged_from(_settled(outlook, signs))))
    await tables.leave_unjudged(connection, idle)
    await tables.keep_up(connection, revision, up)
    await tables.rechecked(connection, outlook.recheck.rows)
    judged = await judge(connection, known, tasks, revision=revision)
    nexts = [due_from, moved.due_from, judged.due_from, *(late_at for _, _, late_at in up)]
    return Judged(
        moved.number + turned + late + len(up) + judged.changed,
        min(instant for instant in nexts if instant is not None),
    )


async def _due(connection: Connection, outlook: Outlook, *, revision: int) -> tuple[int, set[Key], Millis]:
    """How many devices are late by now, which others' time has come, and when that of the next one will."""
    lane, until, late = outlook.known.lane, outlook.known.observed.until, 0
    if outlook.turned is None and outlook.due_from is not None and outlook.due_from > until:
        return late, set(), outlook.due_from
    if outlook.seen_from is not None:
        late = await tables.become_late(
            connection, lane, seen_from=outlook.seen_from, seen_until=until, revision=revision
        )
    return late, *await tables.due(connection, lane, until)


def _settled(outlook: Outlook, signs: Sequence[Sign]) -> Millis | None:
    settled = outlook.settled
    return None if settled is None else min([settled, *(sign.time for sign in signs)])


async def _remember(connection: Connection, outlook: Outlook, judged: Judged) -> None:
    """Store how the lane was judged and, when anything changed, say so to whoever listens."""
    known, revision = outlook.known, outlook.revision + (1 if judged.changed else 0)
    due_from = None if judged.due_from is None else moment(judged.due_from)
    await connection.execute(
        queries.put_lane,
        known.lane,
        moment(known.as_of),
        revision,
        known.observed.text(),
        due_from,
        judged.changed > 0,
    )


def _wake_at(outlook: Outlook, judged: Judged, now: datetime) -> datetime | None:
    """When time alone changes something: a device is due, or the newest canary has grown too old."""
    if not outlook.known.observed.open:
        return None
    blind_at = moment(outlook.known.observed.until + PROOF_GAP + 1)
    if judged.due_from is None:
        return blind_at
    return min(blind_at, max(moment(judged.due_from), now + CANARY_WAIT))


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
