"""Small numbers in what is published (rule R32): one to four cannot be told apart, by no subtraction (decision 0029).

Every quantity has one grain: the smallest cells that are ever published of it, for example the sessions of one device
on one local day. A cell of 0, or of 5 and more, is published as it is; one of 1 to 4 as `<5`. Whatever is published
above, in time or in space, is the sum of these published cells and of nothing else: known cells, and a range for the
others. So it says nothing that the cells do not say.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from typing_extensions import override

FEWEST = 5
"""The smallest number of people that is told."""


@dataclass(frozen=True, slots=True)
class Published:
    """A number as everybody may know it: it lies from `low` to `high`."""

    low: int
    high: int

    @property
    def exact(self) -> int | None:
        """The number, where it is told."""
        return self.low if self.low == self.high else None

    @override
    def __str__(self) -> str:
        """Return `0`, `<5`, `17` or `31–34`."""
        if self.exact is not None:
            return str(self.low)
        return f"<{FEWEST}" if (self.low, self.high) == (1, FEWEST - 1) else f"{self.low}\u2013{self.high}"

    def __add__(self, other: "Published") -> "Published":
        return Published(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Count:
    """A sum of cells: `total` for those who may know; `few` of it lies in `few_cells` cells of one to four each."""

    total: int = 0
    few: int = 0
    few_cells: int = 0

    @property
    def published(self) -> Published:
        """The same as everybody may know it."""
        told = self.total - self.few
        return Published(told + self.few_cells, told + self.few_cells * (FEWEST - 1))

    def __add__(self, other: "Count") -> "Count":
        return Count(self.total + other.total, self.few + other.few, self.few_cells + other.few_cells)


def count(cells: Iterable[int]) -> Count:
    """Return the sum of cells of one grain."""
    each = list(cells)
    few = [cell for cell in each if 0 < cell < FEWEST]
    return Count(sum(each), sum(few), len(few))
