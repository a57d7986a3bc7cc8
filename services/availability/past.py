"""A stretch of the past as it is known: what was measured, who stood where, and by which calendars."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from services.availability.conditions import Condition, Line, Stretch, best, condition_of, said
from services.availability.days import HOTSPOT, Share, counted, counting, device_line, point_line, span_of
from services.availability.figures import Figures
from services.availability.standing import DEVICE, FOREVER, POINT, Key, Placed, Standing, Subject, standing
from services.runtime.spans import Span, common, without
from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.calendar import Calendar, Calendars, calendars
from services.tenants.wallclock import whole_days

queries = load_queries(__package__)

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a subject: its line (with the millisecond before), and its calendar."""

    day: date
    line: Line
    calendar: Calendar

    @property
    def figures(self) -> Figures:
        """The day in figures."""
        return counted(self.line, self.calendar.open, span_of(self.day))

    @property
    def shown(self) -> Line:
        """What is shown of the day: maintenance, else closed, else what was measured."""
        span = span_of(self.day)
        closed = () if self.calendar.open is None else without((span,), self.calendar.open)
        return best([*self.line, *said(closed, Condition.CLOSED)], span)


@dataclass(frozen=True, slots=True)
class Past:
    """What days are counted from, and nothing else: equal pasts give equal days.

    `measured`: the intervals of each device, in order.
    """

    standing: Standing
    measured: Mapping[Key, Sequence[Stretch]]
    calendars: Calendars

    def shares(self, subject: Subject, span: Span, calendars: Calendars) -> list[Share]:
        """The devices' parts in a subject's stretch of time, with what was measured just before it."""
        return [
            Share(
                presence.kind,
                _around(self.measured.get(presence.device, ()), span),
                presence.there,
                calendars.of_device(*presence.device).maintenance,
            )
            for presence in self.standing.presences.get(subject, ())
            if common(presence.there, (Span(span.start - 1, span.end),))
        ]

    def devices(self, subject: Subject, day: date) -> list[str]:
        """The names of the devices that a subject's day is counted from."""
        whole = (whole_days(day, day),)
        there = [one for one in self.standing.presences.get(subject, ()) if common(one.there, whole)]
        hotspots = [one for one in there if one.kind == HOTSPOT]
        return sorted({one.device.name for one in hotspots or there})

    def day(self, subject: Subject, day: date) -> Day | None:
        """A day of a subject; None when nothing of it stood in service on that day."""
        span = whole_days(day, day)
        # Work until midnight decides whether what follows it had begun before.
        around = replace(self.calendars, first=day - _DAY, last=day)
        shares = self.shares(subject, span, around)
        if not counting(shares, span):
            return None
        if subject.kind == DEVICE:
            line = device_line(shares[0] if len(shares) == 1 else _one_of(shares), span)
        else:
            line = point_line(shares, around.of_point(*subject.key).maintenance, span)
        on = self.calendars.on(day)
        return Day(day, line, (on.of_device if subject.kind == DEVICE else on.of_point)(*subject.key))


def _one_of(shares: Sequence[Share]) -> Share:
    """A device that was of several kinds in turn is one all the same."""
    there = tuple(sorted(span for share in shares for span in share.there))
    return Share(shares[0].kind, shares[0].measured, there, shares[0].maintenance)


def _around(stretches: Sequence[Stretch], span: Span) -> Sequence[Stretch]:
    """Those that reach into a stretch of time or the millisecond before."""
    if len(stretches) < 4:
        return stretches
    first = bisect_right(stretches, (span.start - 1, FOREVER, 0))
    return stretches[max(0, first - 1) : bisect_right(stretches, (span.end, 0, 0))]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose standing is asked for: a device, a point, or (neither) all of a municipality."""

    municipality: str
    point: str | None = None
    device: str | None = None


async def standing_of(
    connection: Connection,
    asked: Collection[Asked] | None = None,
    *,
    first_known: Mapping[Key, int] | None = None,
) -> Standing:
    """Who stood where: of those that are asked for and all that they share a point with; None: of all in scope.

    `first_known`: the first instant that is known of each device, if not by the intervals that are stored.
    """
    columns: tuple[object, ...] = (None, None, None)
    if asked is not None:
        columns = ([a.municipality for a in asked], [a.point for a in asked], [a.device for a in asked])
    rows = await connection.fetch(queries.stays, *columns)
    placed = [
        Placed(
            Key(row["municipality"], row["device"]),
            row["since"],
            row["point"],
            row["kind"],
            row["in_service"],
        )
        for row in rows
    ]
    if first_known is None:
        first_known = {
            Key(row["municipality"], row["device"]): row["first_at"]
            for row in rows
            if row["first_at"] is not None
        }
    return standing(placed, first_known)


async def past_of(
    connection: Connection,
    known: Standing,
    first: date,
    last: date,
    *,
    subjects: Collection[Subject],
    everybody: bool = False,
) -> Past:
    """What the days of subjects are counted from, first to last; `everybody`: that is all subjects."""
    devices = known.devices_of(subjects)
    measured = await measured_of(connection, devices, whole_days(first, last))
    if everybody:
        return Past(known, measured, await calendars(connection, first - _DAY, last))
    points = [subject.name for subject in subjects if subject.kind == POINT]
    names = {device.name for device in devices} | {one.name for one in subjects if one.kind == DEVICE}
    return Past(
        known, measured, await calendars(connection, first - _DAY, last, points=points, devices=sorted(names))
    )


class Measured(NamedTuple):
    """A measured interval of a device (docs/status.md); the newest has no end. Milliseconds since 1970 UTC."""

    start: int
    end: int | None
    state: str
    reason: str


def stretches(intervals: Iterable[Measured]) -> list[Stretch]:
    """What intervals say, in order."""
    return sorted(
        Stretch(start, FOREVER if end is None else end, condition_of(state, reason))
        for start, end, state, reason in intervals
    )


async def measured_of(connection: Connection, devices: Sequence[Key], span: Span) -> dict[Key, list[Stretch]]:
    """What was measured of devices over a stretch of time and the millisecond before."""
    found = await intervals_of(connection, devices, span)
    return {device: stretches(intervals) for device, intervals in found.items()}


async def intervals_of(
    connection: Connection, devices: Sequence[Key], span: Span
) -> dict[Key, list[Measured]]:
    """The intervals of devices that reach into a stretch of time or the millisecond before, in order."""
    found: dict[Key, list[Measured]] = defaultdict(list)
    if devices:
        rows = await connection.fetch(
            queries.intervals,
            [device.municipality for device in devices],
            [device.name for device in devices],
            moment(span.start - 1),
            moment(span.end),
        )
        for municipality, device, state, reason, start, end in rows:
            found[Key(municipality, device)].append(Measured(start, end, state, reason))
    return found


def moment(instant: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=instant)


def subjects_of(known: Standing) -> Iterable[Subject]:
    """All that have days, in a fixed order."""
    return sorted(known.presences)
