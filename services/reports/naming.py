"""What a report is about: a local month or year that is over, of a municipality or of one of its points."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.tenants.periods import Period, periods_of

_WRITTEN = re.compile(r"(20\d\d)(?:-(0[1-9]|1[0-2]))?", re.ASCII)


class ReportRefused(Exception):
    """There is no such report, and none can be made; the message says why."""


class Kind(StrEnum):
    """The kinds of reports."""

    MUNICIPALITY_MONTHLY = "municipality_monthly"
    MUNICIPALITY_YEARLY = "municipality_yearly"
    POINT_MONTHLY = "point_monthly"
    POINT_YEARLY = "point_yearly"

    @property
    def is_of_point(self) -> bool:
        """Whether it is about one point."""
        return self in (Kind.POINT_MONTHLY, Kind.POINT_YEARLY)


@dataclass(frozen=True, slots=True, order=True)
class ReportPeriod:
    """A month, written 2026-10, or a year, written 2026."""

    written: str

    @classmethod
    def parse(cls, written: str) -> "ReportPeriod":
        """Read a period; raises `ReportRefused`."""
        if _WRITTEN.fullmatch(written) is None:
            raise ReportRefused(f"{written[:40]} is no period: a month is written 2026-10, a year 2026")
        return cls(written)

    @property
    def is_year(self) -> bool:
        """Whether it is a year; otherwise it is a month."""
        return len(self.written) == 4

    @property
    def first(self) -> date:
        """Its first day."""
        return date(int(self.written[:4]), 1 if self.is_year else int(self.written[5:]), 1)

    @property
    def ends(self) -> date:
        """The day after its last one."""
        if self.is_year:
            return date(self.first.year + 1, 1, 1)
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.ends - timedelta(days=1)

    @property
    def steps(self) -> list[Period]:
        """What it is told by: the days of a month, the months of a year."""
        if self.is_year:
            return list(periods_of("month", self.first, self.last))
        days = (self.first + timedelta(days=number) for number in range((self.ends - self.first).days))
        return [Period(day, day) for day in days]

    def kind(self, *, of_point: bool) -> Kind:
        """The kind of a report of it."""
        if of_point:
            return Kind.POINT_YEARLY if self.is_year else Kind.POINT_MONTHLY
        return Kind.MUNICIPALITY_YEARLY if self.is_year else Kind.MUNICIPALITY_MONTHLY
