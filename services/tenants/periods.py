"""The calendar's own periods, in local days: weeks from Monday, months, quarters and years."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

PeriodKind = Literal["week", "month", "quarter", "year"]

_DAY = timedelta(days=1)
_MONTHS: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "year": 12}


class Period(NamedTuple):
    """Whole local days, the first and the last one included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


def period_at(kind: PeriodKind, day: date) -> Period:
    """The period that a day lies in."""
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    months = _MONTHS[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return Period(first, _months_later(first, months) - _DAY)


def periods_of(kind: PeriodKind, first: date, last: date) -> Iterator[Period]:
    """The periods that hold a day from `first` to `last`, in order."""
    while first <= last:
        period = period_at(kind, first)
        yield period
        first = period.last + _DAY


def _months_later(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
