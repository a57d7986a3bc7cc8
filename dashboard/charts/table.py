"""The table behind a chart: the same in words and figures, for those who cannot see it or want to count."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by their heads, and rows of as many cells; the first cell names its row, the others are figures."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Refuse rows that do not fit their heads."""
        if any(len(row) != len(self.heads) for row in self.rows):
            raise ValueError("a row has another number of cells than the table has columns")


@dataclass(frozen=True, slots=True)
class Key:
    """What a mark in a chart means: the name of its look (`charts.html`) and words."""

    look: str
    words: str


@dataclass(frozen=True, slots=True)
class About:
    """What every chart has: a name for its parts, what it shows, what it says, its key, its table and its name."""

    id: str
    title: str
    says: str
    keys: tuple[Key, ...]
    table: Table
    table_words: str


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place of an axis, in per cent of it."""

    at: float
    words: str
