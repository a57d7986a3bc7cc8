"""Stretches in which something did not work for visitors, from a line of conditions."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.availability.conditions import UNAVAILABLE, Condition, Stretch


@dataclass(frozen=True, slots=True)
class Outage:
    """From when until when (milliseconds since 1970 UTC) it did not work; `end` is None while it goes on.

    `silent`: nothing was heard at some time of it; `without_internet`: it was on without internet at some time.
    """

    start: int
    end: int | None
    lasted: int
    silent: bool
    without_internet: bool


def outages(line: Iterable[Stretch], *, until: int) -> list[Outage]:
    """The outages of stretches in order, the newest first; what reaches `until` goes on."""
    found: list[list[Stretch]] = []
    for stretch in line:
        if stretch.condition not in UNAVAILABLE:
            continue
        if found and found[-1][-1].end == stretch.start:
            found[-1].append(stretch)
        else:
            found.append([stretch])
    return [_outage(those, until) for those in reversed(found)]


def _outage(those: list[Stretch], until: int) -> Outage:
    conditions = {stretch.condition for stretch in those}
    start, end = those[0].start, those[-1].end
    return Outage(
        start,
        None if end >= until else end,
        end - start,
        silent=Condition.DOWN in conditions,
        without_internet=Condition.LOST in conditions,
    )
