"""A goal, what was measured for it in a period, and what is said of that; all figures are exact."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from services.tenants.models import Comparator, MetricName
from services.tenants.periods import Period, PeriodKind


class Scope(NamedTuple):
    """What a goal is about: one point, or all points of a municipality, of one kind if one is named."""

    municipality: str
    point: str | None = None
    point_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What was promised; `target` is in the metric's unit. It holds for whole periods, both ends included."""

    municipality: str
    id: str
    metric: MetricName
    scope: Scope
    comparator: Comparator
    target: Fraction
    period: PeriodKind
    owner: str
    visibility: str
    valid_from: date
    valid_until: date | None = None
    synthetic: bool = False


class Status(StrEnum):
    """What is said of a goal in a period, worst first; a period that goes on is on track, at risk or lost already."""

    NOT_MET = "not_met"
    AT_RISK = "at_risk"
    INSUFFICIENT_DATA = "insufficient_data"
    ON_TRACK = "on_track"
    MET = "met"


class Why(StrEnum):
    """Why there is no figure."""

    NOTHING_YET = "nothing_yet"
    """No day of the period is counted."""
    NOTHING_KNOWN = "nothing_known"
    LOW_COVERAGE = "low_coverage"
    NO_DATA_YET = "no_data_yet"
    """The installation has no data for the metric."""


class Window(NamedTuple):
    """A period, and until which day (not included) its days can be measured by now."""

    period: Period
    until: date

    @property
    def is_over(self) -> bool:
        """Whether all of it can be measured."""
        return self.until > self.period.last

    @property
    def last(self) -> date:
        """The last day that can be measured; before the first where there is none."""
        return min(self.period.last, date.fromordinal(self.until.toordinal() - 1))

    @property
    def measured(self) -> Period | None:
        """The days that can be measured, if there are any."""
        return Period(self.period.first, self.last) if self.last >= self.period.first else None


class Spent(NamedTuple):
    """Time in whole milliseconds: known not to have worked, known at all, and still to come in the period."""

    unavailable: int
    known: int
    rest: int


class Budget(NamedTuple):
    """How long it may be out of order in the period, and how long it was, in whole milliseconds."""

    allowance: int
    used: int

    @property
    def left(self) -> int:
        """What is left; below nothing the goal is missed unless something that is not known turns out well."""
        return self.allowance - self.used


class Part(NamedTuple):
    """What one point contributed: its own value, where it has one, and coverage."""

    point: str
    value: Fraction | None
    coverage: Fraction


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric in a window, in its unit.

    `coverage` (0 to 1) is how much of what the value should rest on is known. `projected` is where it ends if it goes
    on like this. `least` and `most` are the lowest and highest that can still come; None: there is no such bound.
    """

    value: Fraction | None
    coverage: Fraction
    projected: Fraction | None = None
    least: Fraction | None = None
    most: Fraction | None = None
    spent: Spent | None = None
    parts: tuple[Part, ...] = ()
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a goal in a window; without enough data there is no value, no projection and no budget."""

    status: Status
    coverage: Fraction
    value: Fraction | None = None
    projected: Fraction | None = None
    budget: Budget | None = None
    why: Why | None = None
    parts: tuple[Part, ...] = ()


class Trend(StrEnum):
    """How a value compares with that of the period before."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
