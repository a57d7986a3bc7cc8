"""Shares of time, as points on a scale that ends at 100 % and begins where there is something to see.

Shares are whole hundredths of a per cent, cut, so that only what is whole stands at the top.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from babel.numbers import format_decimal

from dashboard.charts.scale import PLACES, Scale, every, nice_scale
from dashboard.charts.table import About, Label

WHOLE = 10_000
_EDGES = (9_900, 9_500, 9_000, 8_000, 5_000, 0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A share at its place, both in per cent of the drawing, counted from the upper left."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """From one dot to the next."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Series:
    """One share over time; `gaps` is where nothing is said, in per cent."""

    look: str
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    gaps: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """A chart of shares; `low` is where its axis begins, in whole per cent."""

    about: About
    series: tuple[Series, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]
    low: int


@dataclass(frozen=True, slots=True)
class Values:
    """What one series says at each place: hundredths of a per cent, or none where too little is known, and words."""

    look: str
    shares: Sequence[int | None]
    words: Sequence[str]


def shares_chart(
    several: Sequence[Values], names: Sequence[str], about: About, *, lang: str, labels: int = 5
) -> Shares:
    """Each series on the same scale; `names` are those of the places."""
    scale = share_scale(share for values in several for share in values.shares if share is not None)
    return Shares(
        about,
        tuple(_series(values, scale) for values in several),
        tuple(Label(100 - scale.place(tick), percent_number(tick, lang)) for tick in scale.ticks),
        tuple(Label(_middle(index, len(names)), names[index]) for index in every(len(names), most=labels)),
        scale.low // 100,
    )


def share_scale(shares: Iterable[int]) -> Scale:
    """From the highest sensible edge that lies below every share; from nought when nothing is known."""
    least = min(shares, default=0)
    return nice_scale(next(edge for edge in _EDGES if edge <= least), WHOLE)


def _series(values: Values, scale: Scale) -> Series:
    number = len(values.shares)
    placed = [
        None if share is None else Dot(_middle(index, number), round(100 - scale.place(share), PLACES), words)
        for index, (share, words) in enumerate(zip(values.shares, values.words, strict=True))
    ]
    return Series(
        values.look,
        tuple(dot for dot in placed if dot),
        tuple(Line(one.x, one.y, next_.x, next_.y) for one, next_ in pairwise(placed) if one and next_),
        tuple(
            Dot(_middle(index, number), 100, words)
            for index, (dot, words) in enumerate(zip(placed, values.words, strict=True))
            if dot is None
        ),
    )


def _middle(index: int, number: int) -> float:
    return round(100 * (index + 0.5) / number, PLACES)


def percent_number(hundredths: int, lang: str) -> str:
    """Hundredths of a per cent as a number of per cent, with no more decimals than it has."""
    return format_decimal(Decimal(hundredths) / 100, locale=lang)
