"""How a number was made: all that is needed to make it again, and the same number made again from the log."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from services.availability.conditions import RULE, Line, clipped
from services.availability.days import days_between
from services.availability.figures import Figures
from services.availability.past import (
    Asked,
    Measured,
    Past,
    intervals_of,
    past_of,
    standing_of,
    stretches,
)
from services.availability.standing import DEVICE, POINT, Key, Standing, Subject
from services.availability.store import EarlierVersion, StoredDay, days_of, versions_of
from services.runtime.spans import Spans, common, union
from services.storage.database import Connection
from services.tenants.maintenance import Maintenance, windows
from services.tenants.maintenance import queries as planning
from services.tenants.wallclock import whole_days

FromLog = Callable[[Connection, Sequence[Key]], Awaitable[Mapping[Key, Sequence[Measured]]]]
"""Gives all intervals of devices, made again from the log; what it no longer holds is as it is stored."""


@dataclass(frozen=True, slots=True)
class Work:
    """Planned work that is left out of the figures: on what, why, and when within the days."""

    point: str | None
    device: str | None
    reason: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """A day: the figures that are stored, the same counted now from the intervals, and from those that the log gives.

    `devices` count on this day. `line` is what is shown of it, `measured` the same with closed time as if it were open,
    which the figures are sums of; `opened` are its hours (None: not known).
    """

    day: date
    devices: tuple[str, ...]
    line: Line
    measured: Line
    opened: Spans | None
    stored: StoredDay | None
    counted: Figures | None
    from_log: Figures | None

    @property
    def agrees(self) -> bool:
        """Whether all three say the same; for a while after something came late they need not."""
        stored = None if self.stored is None else self.stored.figures
        return stored == self.counted == self.from_log


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the figures of a subject over some days were made."""

    subject: Subject
    first: date
    last: date
    rule: int
    days: tuple[ExplainedDay, ...]
    intervals: Mapping[str, Sequence[Measured]]
    works: tuple[Work, ...]
    earlier: tuple[EarlierVersion, ...]

    @property
    def figures(self) -> Figures:
        """The sum of the days that are stored: the number that is explained."""
        return _sum(day.stored.figures for day in self.days if day.stored is not None)

    @property
    def from_log(self) -> Figures:
        """The same, counted again from the log."""
        return _sum(day.from_log for day in self.days if day.from_log is not None)

    @property
    def agrees(self) -> bool:
        """Whether every day is what the log gives."""
        return all(day.agrees for day in self.days)


async def explain(
    connection: Connection, subject: Subject, first: date, last: date, *, from_log: FromLog
) -> Explanation:
    """Explain the figures of a subject from the first to the last day; days of which nothing is known are left out."""
    asked = (
        Asked(subject.municipality, device=subject.name)
        if subject.kind == DEVICE
        else Asked(subject.municipality, point=subject.name)
    )
    known = await standing_of(connection, [asked])
    devices = known.devices_of([subject])
    past = await past_of(connection, known, first, last, subjects=[subject])
    logged = {
        device: stretches(found) for device, found in (await from_log(connection, devices)).items() if found
    }
    begun = {device: found[0].start for device, found in logged.items()}
    again = Past(await standing_of(connection, [asked], first_known=begun), logged, past.calendars)
    kind, municipality, name = subject.kind, subject.municipality, subject.name
    stored = await days_of(connection, kind, municipality, subject=name, first=first, last=last)
    earlier = await versions_of(connection, kind, municipality, subject=name, first=first, last=last)
    by_day = {day.day: day for day in stored}
    days = [_explained(past, again, subject, day, by_day.get(day)) for day in days_between(first, last)]
    intervals = await intervals_of(connection, devices, whole_days(first, last))
    return Explanation(
        subject=subject,
        first=first,
        last=last,
        rule=RULE,
        days=tuple(day for day in days if day.stored or day.counted or day.from_log),
        intervals={device.name: intervals.get(device, []) for device in devices},
        works=await _works(connection, known, subject, first, last),
        earlier=tuple(earlier),
    )


def _explained(
    past: Past, again: Past, subject: Subject, day: date, stored: StoredDay | None
) -> ExplainedDay:
    now, logged = past.day(subject, day), again.day(subject, day)
    return ExplainedDay(
        day=day,
        devices=tuple(past.devices(subject, day)),
        line=now.shown if now else (),
        measured=tuple(clipped(now.line, (whole_days(day, day),))) if now else (),
        opened=now.calendar.open if now else None,
        stored=stored,
        counted=now.figures if now else None,
        from_log=logged.figures if logged else None,
    )


async def _works(
    connection: Connection, known: Standing, subject: Subject, first: date, last: date
) -> tuple[Work, ...]:
    """The work on a subject, on what stands at it or at which it stands, and on its municipality."""
    devices = {device.name for device in known.devices_of([subject])} | {None}
    points = {one.name for one in known.touching.get(subject, ()) if one.kind == POINT} | {None}
    stood: dict[str, Spans] = {}
    for one in known.presences.get(subject, ()):
        stood[one.device.name] = union(stood.get(one.device.name, ()), one.there)
    found = []
    for row in await connection.fetch(planning.planned, first, last):
        work = Maintenance(**row)
        if (
            work.municipality != subject.municipality
            or work.point not in points
            or work.device not in devices
        ):
            continue
        spans = windows(work, first, last)
        if subject.kind == POINT and work.device is not None:
            spans = common(spans, stood.get(work.device, ()))
        if spans:
            found.append(Work(work.point, work.device, work.reason, spans))
    return tuple(sorted(found, key=lambda work: (work.spans, work.point or "", work.device or "")))


def _sum(figures: Iterable[Figures]) -> Figures:
    return reduce(Figures.plus, figures, Figures())
