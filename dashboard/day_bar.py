"""A day of a device as a bar: stretches of time as parts of a whole, for a drawing made on the server."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.live.frames import Row

WIDTH = 960
"""The drawing's width; a day is that wide."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one state, cut to the time shown; `open` means that it goes on."""

    state: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    open: bool
    x: float
    width: float

    @property
    def minutes(self) -> int:
        """Its length in whole minutes, at least one of what lasted at all."""
        return max(1, round((self.ends_at - self.starts_at) / timedelta(minutes=1)))


def stretches(intervals: Iterable[Row], *, first: datetime, last: datetime) -> tuple[Stretch, ...]:
    """Cut intervals to the time from `first` to `last` and place them; where nothing is known nothing is drawn."""
    whole = (last - first) / timedelta(milliseconds=1)
    found = []
    for interval in intervals:
        starts, ends = max(interval["starts_at"], first), min(interval["ends_at"] or last, last)
        if ends <= starts:
            continue
        offset, length = (
            (moment - begin) / timedelta(milliseconds=1)
            for moment, begin in ((starts, first), (ends, starts))
        )
        found.append(
            Stretch(
                interval["state"],
                interval["reason"],
                starts,
                ends,
                interval["ends_at"] is None,
                round(offset / whole * WIDTH, 2),
                round(length / whole * WIDTH, 2),
            )
        )
    return tuple(found)
