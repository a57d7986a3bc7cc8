"""Days that are over are counted once, and again when something of them has changed since.

One process at a time in a lane, so many days at a time that no transaction takes long. Whatever the order in which
measurements, calendars and the registry changed: what is stored is what counting everything afresh gives (`verify`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from services.availability.conditions import RULE
from services.availability.days import day_of, days_between
from services.availability.figures import Figures
from services.availability.past import Asked, past_of, queries, standing_of, subjects_of
from services.availability.standing import Standing, Subject
from services.log.lanes import lanes_in_use
from services.runtime.clock import Clock
from services.storage.database import Connection, Database, Lane, Role
from services.tenants.wallclock import midnight, milliseconds

log = structlog.get_logger()

COUNTED = Counter("bypunkt_availability_days_total", "Days of devices and points that were counted")
UNTIL = Gauge(
    "bypunkt_availability_counted_until_seconds",
    "Until when the days of a lane are counted, unix time",
    ["lane"],
)

EVERY_S = 60.0
# A day is over for good so long after midnight: what was late or on its way then has mostly come.
GRACE = timedelta(minutes=10)
# Days of subjects in one transaction; at least one day of all that is concerned.
AT_A_TIME = 5_000
_NOTES = 5_000
# So many subjects are counted before others on the same event loop have their turn.
# For so many subjects it is asked by name, whoever else there is.
_FEW = 50
_BREATH = 50
_BUSY = "availability lane {lane}: somebody else is counting, try again"

Row = tuple[Subject, date, Figures | None]


@dataclass(frozen=True, slots=True)
class Cell:
    """The days of a subject, from the first to the last."""

    subject: Subject
    first: date
    last: date


_Work = Callable[[Connection, Standing, Sequence[Cell], date, date], Awaitable[Sequence[str]]]


class DayCounter:
    """Counts the days of every lane until cancelled."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Count what is to be counted now, and every minute."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """Count all that is to be counted, lane by lane."""
        lanes = await lanes_in_use(self._database)
        # In any order: a lane that cannot be counted then does not hold up the same others for ever.
        for lane in random.sample(lanes, len(lanes)):
            while await self.turn(lane):
                pass

    async def turn(self, lane: int) -> bool:
        """Count some days of a lane, in one transaction, and say whether there is more to count."""
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(queries.begin_lane, lane)
            held = await connection.fetchrow(queries.hold_lane, lane)
            if held is None:
                return False
            until: date | None = held["counted_until"]
            await connection.execute(queries.forget_untouched, until)
            more = until is not None and await self._again(connection, until)
            due = _due(held["judged_until"])
            if not more and due is not None:
                until, more = await self._on(connection, lane, until, due)
        if until is not None:
            UNTIL.labels(lane).set(midnight(until) / 1000)
        return more

    async def verify(self, lane: int) -> list[str]:
        """Return where the lane's days differ from what counting them afresh gives; none means equal."""
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            wrong = await connection.fetch(queries.wrong_months)
        return [
            *(
                f"availability month {row['month']} {row['municipality']} {row['subject']}: not the sum of its days"
                for row in wrong
            ),
            *await self._all(lane, _differences),
        ]

    async def rebuild(self, lane: int) -> list[str]:
        """Count all of the lane's days again, what differs as the next version; return why it could not, if so."""
        troubles = await self._all(lane, self._count)
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            if await connection.fetchrow(queries.hold_lane, lane) is None:
                return [*troubles, _BUSY.format(lane=lane)]
            await connection.execute(queries.drop_months)
            await connection.execute(queries.add_up_months, self._clock())
        return troubles

    async def _all(self, lane: int, work: _Work) -> list[str]:
        """Do something with all of a lane's days, some in each transaction, while nobody else counts there."""
        found: list[str] = []
        start: date | None = None
        while True:
            async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
                await connection.execute(queries.begin_lane, lane)
                held = await connection.fetchrow(queries.hold_lane, lane)
                if held is None:
                    return [*found, _BUSY.format(lane=lane)]
                known = await standing_of(connection)
                start, until = start or await _floor(connection, known), held["counted_until"]
                if start is None or until is None or start >= until:
                    return found
                first, last = next(_blocks(start, until - timedelta(days=1), len(known.touching)))
                cells = [Cell(subject, first, last) for subject in sorted(known.touching)]
                found += await work(connection, known, cells, first, last)
                start = last + timedelta(days=1)

    async def _on(
        self, connection: Connection, lane: int, until: date | None, due: date
    ) -> tuple[date, bool]:
        """Count the next days that are over; return until when days are counted, and whether there are more."""
        if until is not None and until >= due:
            return until, False
        known = await standing_of(connection)
        start = until or min(known.first_days.values(), default=due)
        if start >= due:
            await connection.execute(queries.put_lane, lane, due)
            return due, False
        first, last = next(_blocks(start, due - timedelta(days=1), len(known.presences)))
        cells = [Cell(subject, first, last) for subject in subjects_of(known)]
        await self._count(connection, known, cells, first, last)
        counted_until = last + timedelta(days=1)
        await connection.execute(queries.put_lane, lane, counted_until)
        log.info("days_counted", lane=lane, first=str(first), last=str(last), subjects=len(cells))
        return counted_until, counted_until < due

    async def _again(self, connection: Connection, until: date) -> bool:
        """Count the first of the days that have changed again, and say whether there are more."""
        notes = await connection.fetch(queries.touched, until, _NOTES)
        if not notes:
            return False
        asked = {Asked(note["municipality"], note["point"], note["device"]) for note in notes}
        known = await standing_of(connection, asked)
        floor = await _floor(connection, known)
        last = upto = until - timedelta(days=1)
        wanted = _wanted(notes, known, floor or until, last)
        if wanted:
            first = min(cell.first for cell in wanted)
            _, upto = next(_blocks(first, last, len(wanted)))
            cells = [Cell(w.subject, w.first, min(w.last, upto)) for w in wanted if w.first <= upto]
            await self._count(connection, known, cells, first, upto)
            log.info("days_counted_again", first=str(first), last=str(upto), subjects=len(cells))
        done = notes if upto == last else [note for note in notes if note["last"] <= upto]
        await connection.execute(queries.touched_done, *_columns(done, "municipality", "id"))
        later = [note for note in notes if note["last"] > upto >= note["first"] and upto < last]
        await connection.execute(
            queries.touched_partly, *_columns(later, "municipality", "id"), upto + timedelta(days=1)
        )
        return upto < last or len(notes) == _NOTES

    async def _count(
        self, connection: Connection, known: Standing, cells: Sequence[Cell], first: date, last: date
    ) -> Sequence[str]:
        rows = await _counted(connection, known, cells, first, last)
        done = await connection.fetchrow(queries.put_days, RULE, *_columns_of(rows), self._clock())
        if done is not None and done["gone"]:
            await connection.execute(queries.drop_empty_months)
        COUNTED.inc(len(rows))
        return ()


async def _counted(
    connection: Connection, known: Standing, cells: Sequence[Cell], first: date, last: date
) -> list[Row]:
    """The days of these cells, from what is known now; None where there is none."""
    subjects = {cell.subject for cell in cells}
    everybody = len(subjects) == len(known.presences) > _FEW
    past = await past_of(connection, known, first, last, subjects=subjects, everybody=everybody)
    rows: list[Row] = []
    for number, cell in enumerate(cells):
        if number % _BREATH == 0:
            await asyncio.sleep(0)
        for day in days_between(cell.first, cell.last):
            found = past.day(cell.subject, day)
            rows.append((cell.subject, day, None if found is None else found.figures))
    return rows


def _due(judged_until: datetime | None) -> date | None:
    """The first day that is not over for good."""
    return None if judged_until is None else day_of(milliseconds(judged_until - GRACE))


def _blocks(first: date, last: date, subjects: int) -> Iterator[tuple[date, date]]:
    """Stretches of days of which none is too much for one transaction."""
    step = max(1, AT_A_TIME // max(1, subjects))
    for number in range(0, (last - first).days + 1, step):
        start = first + timedelta(days=number)
        yield start, min(last, start + timedelta(days=step - 1))


async def _floor(connection: Connection, known: Standing) -> date | None:
    """The first day of which there is, or was, anything to count."""
    stored: date | None = await connection.fetchval(queries.first_counted, _codes(known))
    return min([*known.first_days.values(), *([stored] if stored else [])], default=None)


def _codes(known: Standing) -> list[str]:
    return sorted({subject.municipality for subject in known.touching})


def _wanted(notes: Iterable[asyncpg.Record], known: Standing, floor: date, last: date) -> list[Cell]:
    """For every subject that the notes concern, one stretch of days that holds all of theirs."""
    found: dict[Subject, tuple[date, date]] = {}
    for note in notes:
        first, until = max(note["first"], floor), min(note["last"], last)
        if first > until:
            continue
        for subject in _concerned(note, known):
            before = found.get(subject, (first, until))
            found[subject] = min(first, before[0]), max(until, before[1])
    return [Cell(subject, *days) for subject, days in sorted(found.items())]


def _concerned(note: asyncpg.Record, known: Standing) -> Iterable[Subject]:
    """The subjects that a note concerns: itself, and who stands there or where it stands."""
    code = note["municipality"]
    if note["device"] is not None:
        return known.touching.get(Subject(code, "device", note["device"]), ())
    if note["point"] is not None:
        return known.touching.get(Subject(code, "point", note["point"]), ())
    return [subject for subject in known.touching if subject.municipality == code]


async def _differences(
    connection: Connection, known: Standing, cells: Sequence[Cell], first: date, last: date
) -> list[str]:
    """Where the stored days of all subjects in the lane are not what counting them afresh gives."""
    afresh = await _counted(connection, known, cells, first, last)
    rows = await connection.fetch(queries.held_days, _codes(known), first, last)
    held = {tuple(row)[:4]: tuple(row)[4:] for row in rows}
    counted = {(*subject, day): (RULE, *_numbers(figures)) for subject, day, figures in afresh if figures}
    return [
        f"availability {' '.join(map(str, key))}: table {held.get(key)}, counted {counted.get(key)}"
        for key in sorted({*held, *counted})
        if held.get(key) != counted.get(key)
    ]


def _numbers(figures: Figures) -> tuple[object, ...]:
    return (*figures.clock, *figures.service, figures.hours_known, figures.outages)


def _columns_of(rows: Sequence[Row]) -> list[list[Any]]:
    nothing = (None,) * 14
    wide = [(*subject, day, *(_numbers(figures) if figures else nothing)) for subject, day, figures in rows]
    return [list(column) for column in zip(*wide, strict=True)] if wide else [[] for _ in range(18)]


def _columns(rows: Sequence[Any], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]
