"""What is known of points over the days that a goal is measured in, whatever feature knows it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from services.availability.figures import Figures
from services.availability.standing import Key
from services.availability.store import figures_of
from services.goals.measures import Worked
from services.goals.models import Scope, Window
from services.goals.standing import Point, awaited_since, points_in, within
from services.runtime.spans import length, without
from services.storage.database import Connection
from services.tenants.calendar import Calendars, calendars
from services.tenants.periods import Period
from services.tenants.wallclock import whole_days

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """What is known of points over the days of a window; `ahead` is the calendar of the days to come."""

    window: Window
    days: Period
    points: Sequence[Point]
    figures: Mapping[Key, Figures]
    awaited: Mapping[tuple[str, str], date]
    ahead: Calendars | None

    def of(self, scope: Scope) -> list["PointDays"]:
        """The points of a scope of which Wi-Fi is to be expected, or known, in these days."""
        found = []
        for point in within(scope, self.points):
            name = Key(point.municipality, point.id)
            figures = self.figures.get(name)
            expected = self.days.days if scope.point else self._expected(name, figures)
            if expected:
                found.append(PointDays(point, figures, expected, self))
        return found

    def _expected(self, name: Key, figures: Figures | None) -> int:
        """From the day on which its hotspot was registered, or from the first that is counted if that is earlier."""
        since = self.awaited.get(name)
        registered = 0 if since is None else (self.days.last - max(since, self.days.first)).days + 1
        return max(registered, 0 if figures is None else figures.days)


@dataclass(frozen=True, slots=True)
class PointDays:
    """What is known of a point; `expected` are the days of which something should be."""

    point: Point
    figures: Figures | None
    expected: int
    known: Days

    @property
    def counted(self) -> int:
        """The days of which something is."""
        return 0 if self.figures is None else self.figures.days

    def worked(self, *, within_hours: bool) -> Worked | None:
        """Its time; None where it cannot be said how much that should be."""
        if self.figures is None:
            span = whole_days(self.known.days.last - (self.expected - 1) * _DAY, self.known.days.last)
            return None if within_hours else Worked(0, 0, Fraction(span.end - span.start), self._ahead())
        if within_hours and not self.figures.hours_known:
            return None
        times = self.figures.service if within_hours else self.figures.clock
        return Worked(
            times.available,
            times.unavailable,
            Fraction(times.counted * max(self.expected, self.counted), self.counted),
            self._open_ahead() if within_hours else self._ahead(),
        )

    def _ahead(self) -> int:
        if self.known.ahead is None:
            return 0
        span = whole_days(self.known.ahead.first, self.known.ahead.last)
        calendar = self.known.ahead.of_point(self.point.municipality, self.point.id)
        return span.end - span.start - length(calendar.maintenance)

    def _open_ahead(self) -> int | None:
        if self.known.ahead is None:
            return 0
        calendar = self.known.ahead.of_point(self.point.municipality, self.point.id)
        return None if calendar.open is None else length(without(calendar.open, calendar.maintenance))


async def days_in(connection: Connection, scopes: Sequence[Scope], window: Window) -> Days | None:
    """Read what is known of the points of these scopes; None: none of the days can be measured yet."""
    days = window.measured
    if days is None:
        return None
    points = await points_in(connection, days)
    return Days(
        window=window,
        days=days,
        points=points,
        figures=await figures_of(connection, "point", *days, subjects=named(points, scopes)),
        awaited=await awaited_since(connection, days),
        ahead=None if window.is_over else await calendars(connection, days.last + _DAY, window.period.last),
    )


def named(points: Collection[Point], scopes: Sequence[Scope]) -> list[tuple[str, str]]:
    """The points that scopes are about, each once."""
    return sorted({(point.municipality, point.id) for scope in scopes for point in within(scope, points)})
