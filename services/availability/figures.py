"""Time added up, and the figures that are made of it; whole milliseconds until something is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from services.availability.conditions import Condition, Stretch

ENOUGH_PERCENT = 80
"""With less of the time known than this there is no figure: not enough data."""


class Times(NamedTuple):
    """Milliseconds by what was said of them; together they are the window that was looked at."""

    up: int = 0
    degraded: int = 0
    lost: int = 0
    down: int = 0
    blind: int = 0
    maintenance: int = 0

    @classmethod
    def of(cls, stretches: Iterable[Stretch]) -> "Times":
        """Add up stretches that do not overlap, closed time left out."""
        found = [0] * len(Condition)
        for start, end, condition in stretches:
            found[condition] += end - start
        return cls(
            found[Condition.UP],
            found[Condition.DEGRADED],
            found[Condition.LOST],
            found[Condition.DOWN],
            found[Condition.BLIND],
            found[Condition.MAINTENANCE],
        )

    def plus(self, other: "Times") -> "Times":
        """Both together."""
        return Times(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def window(self) -> int:
        """All of the time."""
        return sum(self)

    @property
    def available(self) -> int:
        """What worked for visitors."""
        return self.up + self.degraded

    @property
    def unavailable(self) -> int:
        """What is known not to have worked for them."""
        return self.lost + self.down

    @property
    def known(self) -> int:
        """What a figure rests on."""
        return self.available + self.unavailable

    @property
    def counted(self) -> int:
        """All of the time but maintenance."""
        return self.known + self.blind

    @property
    def enough(self) -> bool:
        """Whether enough is known for a figure; without it there is none."""
        return self.known > 0 and self.known * 100 >= self.counted * ENOUGH_PERCENT

    @property
    def availability(self) -> Decimal | None:
        """The share of the known time that was available, in percent as it is shown; None: not enough data."""
        return percent(self.available, self.known) if self.enough else None

    @property
    def coverage(self) -> Decimal:
        """The share of the counted time that is known, in percent as it is shown; 0 where nothing is counted."""
        return percent(self.known, self.counted) if self.counted else Decimal("0.00")


NOTHING = Times()


@dataclass(frozen=True, slots=True)
class Figures:
    """A subject over some of its days: by the whole clock, and within its hours.

    `hours_known`: on each of the days; otherwise `service` is no figure. `outages` began on these days.
    """

    days: int = 0
    clock: Times = NOTHING
    service: Times = NOTHING
    hours_known: bool = True
    outages: int = 0

    def plus(self, other: "Figures") -> "Figures":
        """Both together, exactly."""
        return Figures(
            days=self.days + other.days,
            clock=self.clock.plus(other.clock),
            service=self.service.plus(other.service),
            hours_known=self.hours_known and other.hours_known,
            outages=self.outages + other.outages,
        )


def percent(part: int, whole: int) -> Decimal:
    """A share in percent with two decimals, rounded down: 100.00 is all of it and nothing less.

    The one place where a figure is rounded; `whole` is not 0.
    """
    return Decimal(part * 10_000 // whole).scaleb(-2)
