"""A scale with round ticks, in whole numbers: what is drawn is placed on it in per cent of its length."""

from dataclasses import dataclass
from itertools import count

PLACES = 3
"""Decimals of a place: a thousandth of a per cent of a wide screen is a fiftieth of a pixel."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From the first of its ticks to the last; the ticks stand equally far apart."""

    ticks: tuple[int, ...]

    @property
    def low(self) -> int:
        """Where it begins."""
        return self.ticks[0]

    @property
    def high(self) -> int:
        """Where it ends."""
        return self.ticks[-1]

    def place(self, value: int) -> float:
        """How far along the scale a value lies, 0 to 100; what lies beyond an end stands at it."""
        within = min(max(value, self.low), self.high)
        return part(within - self.low, self.high - self.low)


def nice_scale(low: int, high: int, *, steps: int = 5) -> Scale:
    """The shortest scale over `low` to `high` whose at most so many steps are 1, 2 or 5 times a power of ten."""
    high = max(high, low + 1)
    for step in (digit * 10**power for power in count() for digit in (1, 2, 5)):
        first, last = low // step, -(-high // step)
        if last - first <= steps:
            return Scale(tuple(number * step for number in range(first, last + 1)))
    raise AssertionError  # a step as long as the whole always fits


def part(value: int, whole: int) -> float:
    """A part of a whole in per cent, as it stands in a drawing."""
    return round(100 * value / whole, PLACES)


def every(number: int, *, most: int) -> range:
    """Which of so many places in a row get a label, so that at most `most` do, equally far apart."""
    return range(0, number, max(1, -(-number // most)))
