"""Metrics that the registry itself answers: published hours a week, and basic services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from services.goals.models import Measured, Part, Scope, Why, Window
from services.goals.standing import fewest, points_in, within
from services.runtime.spans import Span, Spans, common, length
from services.storage.database import Connection
from services.tenants.calendar import calendars
from services.tenants.periods import Period
from services.tenants.wallclock import midnight, whole_days

_HOUR_MS = 3_600_000
_THURSDAY = 3
NOTHING = Measured(None, Fraction(0), why=Why.NOTHING_KNOWN)
NOTHING_YET = Measured(None, Fraction(0), why=Why.NOTHING_YET)


async def measure_hours(
    connection: Connection, scopes: Sequence[Scope], window: Window
) -> Mapping[Scope, Measured]:
    """Measure the mean published open hours a week, of the whole period: what will be open is published too."""
    weeks = weeks_of(window.period)
    points = await points_in(connection, weeks)
    calendar = await calendars(connection, *weeks)
    open_time = {
        (point.municipality, point.id): calendar.of_point(point.municipality, point.id).open
        for point in points
    }
    return {
        scope: hours_a_week(
            {point.id: open_time[point.municipality, point.id] for point in within(scope, points)},
            weeks,
            been_until=midnight(window.until),
        )
        for scope in scopes
    }


async def measure_basic_services(
    connection: Connection, scopes: Sequence[Scope], window: Window
) -> Mapping[Scope, Measured]:
    """Measure how many of the five basic services stood there all the time: the fewest at any one."""
    days = window.measured
    if days is None:
        return dict.fromkeys(scopes, NOTHING_YET)
    points = await points_in(connection, days)
    measured = {}
    for scope in scopes:
        those = within(scope, points)
        number = Fraction(fewest(those, whole_days(*days)))
        # It can only become fewer.
        found = Measured(number, Fraction(1), projected=number, least=Fraction(0), most=number)
        measured[scope] = found if those else NOTHING
    return measured


def weeks_of(period: Period) -> Period:
    """The whole weeks that belong to a period: those whose Thursday lies in it, as ISO 8601 gives weeks to years.

    A month has four or five of them; parts of weeks would let a month with five Sundays seem less open than another.
    """
    first = period.first + timedelta(days=(_THURSDAY - period.first.weekday()) % 7)
    last = period.last - timedelta(days=(period.last.weekday() - _THURSDAY) % 7)
    return Period(first - timedelta(days=3), last + timedelta(days=3))


def hours_a_week(points: Mapping[str, Spans | None], weeks: Period, *, been_until: int) -> Measured:
    """The mean of points' published hours a week; of a point whose hours are not known, nothing.

    What lies before `been_until` (milliseconds since 1970 UTC) has been; the rest may still be published otherwise.
    """
    known = {point: spans for point, spans in points.items() if spans is not None}
    coverage = Fraction(len(known), len(points)) if points else Fraction(0)
    if not known:
        return Measured(None, coverage, why=Why.NOTHING_KNOWN)
    days = whole_days(*weeks)
    ahead = max(0, days.end - max(days.start, been_until))
    been = (Span(days.start, max(days.start, been_until)),)
    mean = _Mean(points=len(known), weeks=weeks.days // 7)
    total = mean.of(sum(length(spans) for spans in known.values()))
    fixed = sum(length(common(spans, been)) for spans in known.values())
    parts = tuple(
        Part(
            point,
            None if spans is None else _Mean(points=1, weeks=mean.weeks).of(length(spans)),
            Fraction(spans is not None),
        )
        for point, spans in sorted(points.items())
    )
    return Measured(
        value=total,
        coverage=coverage,
        projected=total,
        least=mean.of(fixed),
        most=mean.of(fixed + ahead * len(known)),
        parts=parts if len(parts) > 1 else (),
    )


@dataclass(frozen=True, slots=True)
class _Mean:
    points: int
    weeks: int

    def of(self, milliseconds: int) -> Fraction:
        return Fraction(milliseconds, self.points * self.weeks * _HOUR_MS)
