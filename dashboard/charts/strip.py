"""Time as a strip: stretches from left to right by what was measured, and below them what the calendar says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from dashboard.charts.scale import PLACES, every, part
from dashboard.charts.table import About, Label

_APART = 0.16
"""How much of a day's width stays empty between days that can be told apart."""
_TOLD_APART = 100
"""More days than this stand without a gap, and equal ones as one."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a strip in per cent of its width; `mark` is a state of `shapes.html`, `words` what it was."""

    x: float
    width: float
    mark: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A day: what was measured, what the calendar says ("" for nothing), and both in words."""

    mark: str
    calendar: str
    words: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip with its calendar and the labels under it."""

    about: About
    measured: tuple[Stretch, ...]
    calendar: tuple[Stretch, ...]
    labels: tuple[Label, ...]


def strip_of_days(cells: Sequence[Cell], about: About, *, labels: int = 5) -> Strip:
    """One cell a day, from left to right; of very many days those that are equal and follow each other are one."""
    number = len(cells)
    gap = _APART if number <= _TOLD_APART else 0.0
    runs = list(_runs([cell.mark for cell in cells], joined=number > _TOLD_APART))
    return Strip(
        about,
        tuple(_stretch(cells, first, length, number, gap=gap) for first, length in runs),
        tuple(
            Stretch(part(first, number), part(length, number), mark, mark)
            for mark, first, length in _named_runs([cell.calendar for cell in cells])
        ),
        tuple(
            Label(round(100 * (index + 0.5) / number, PLACES), cells[index].label)
            for index in every(number, most=labels)
            if cells[index].label
        ),
    )


def stretches(spans: Iterable[tuple[int, int, str, str]], *, first: int, last: int) -> tuple[Stretch, ...]:
    """Stretches (start, end, mark, words) in milliseconds, cut to the time from `first` to `last` and placed."""
    found = []
    for start, end, mark, words in spans:
        begins, ends = max(start, first), min(end, last)
        if begins < ends:
            found.append(
                Stretch(part(begins - first, last - first), part(ends - begins, last - first), mark, words)
            )
    return tuple(found)


def _stretch(cells: Sequence[Cell], first: int, length: int, number: int, *, gap: float) -> Stretch:
    cell = cells[first]
    return Stretch(
        round(100 * (first + gap / 2) / number, PLACES),
        round(100 * (length - gap) / number, PLACES),
        cell.mark,
        cell.words if length == 1 else "",
    )


def _runs(marks: Sequence[str], *, joined: bool) -> Iterable[tuple[int, int]]:
    if not joined:
        return ((index, 1) for index in range(len(marks)))
    return ((first, length) for _mark, first, length in _named_runs(marks, empty=True))


def _named_runs(marks: Sequence[str], *, empty: bool = False) -> Iterable[tuple[str, int, int]]:
    """Equal marks that follow each other, with the first one's place and how many they are."""
    for mark, run in groupby(enumerate(marks), key=lambda pair: pair[1]):
        places = [place for place, _mark in run]
        if mark or empty:
            yield mark, places[0], len(places)
