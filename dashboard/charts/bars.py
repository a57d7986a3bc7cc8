"""Amounts as bars from nought, one on top of the other where there are several of one time."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_decimal

from dashboard.charts.scale import PLACES, every, nice_scale
from dashboard.charts.table import About, Label
from dashboard.charts.units import Unit, unit_for

_APART = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in per cent of the drawing, counted from the upper left."""

    x: float
    width: float
    y: float
    height: float
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars; `unknown` are the places where nothing was said, which is not the same as nothing."""

    about: About
    bars: tuple[Bar, ...]
    unknown: tuple[Bar, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Pile:
    """The amounts of one time, the lowest first, or none where nothing was said; its name and words."""

    amounts: tuple[int, ...] | None
    name: str
    words: str


def volume_chart(
    piles: Sequence[Pile], looks: Sequence[str], about: About, *, lang: str, labels: int = 5
) -> Bars:
    """Bytes over time in a fitting unit; `looks` are those of the amounts in a pile."""
    most = max((sum(pile.amounts) for pile in piles if pile.amounts), default=0)
    scale = nice_scale(0, max(most, 5))
    top = scale.high
    unit = unit_for(top)
    return Bars(
        about,
        tuple(
            bar
            for index, pile in enumerate(piles)
            for bar in _pile(pile, looks, index=index, number=len(piles), high=top)
        ),
        tuple(
            Bar(*_across(index, len(piles)), y=100, height=0, look="unknown", words=pile.words)
            for index, pile in enumerate(piles)
            if pile.amounts is None
        ),
        tuple(
            Label(100 - scale.place(tick), _amount(tick, unit, lang=lang, signed=tick == top))
            for tick in scale.ticks
        ),
        tuple(
            Label(round(100 * (index + 0.5) / len(piles), PLACES), piles[index].name)
            for index in every(len(piles), most=labels)
        ),
    )


def _pile(pile: Pile, looks: Sequence[str], *, index: int, number: int, high: int) -> list[Bar]:
    bars, below = [], 0
    x, width = _across(index, number)
    for amount, look in zip(pile.amounts or (), looks, strict=False):
        if amount:
            height = round(100 * amount / high, PLACES)
            y = round(100 - 100 * below / high - height, PLACES)
            bars.append(Bar(x, width, y, height, look, pile.words))
        below += amount
    return bars


def _across(index: int, number: int) -> tuple[float, float]:
    return (
        round(100 * (index + _APART / 2) / number, PLACES),
        round(100 * (1 - _APART) / number, PLACES),
    )


def _amount(value: int, unit: Unit, *, lang: str, signed: bool) -> str:
    number = format_decimal(Decimal(value) / unit.size, locale=lang)
    return f"{number} {unit.sign}" if signed else number
