"""A day of a device as a bar: stretches of time as parts of a whole, for a drawing made on the server."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.live.frames import Row
from dashboard.web.times import clock

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
    def time(self) -> timedelta:
        """How long it lasted within the time shown."""
        return self.ends_at - self.starts_at


@dataclass(frozen=True, slots=True)
class Spent:
    """How long a device was in a state within the time shown."""

    state: str
    time: timedelta


def spent(drawn: Iterable[Stretch], order: Iterable[str]) -> list[Spent]:
    """The time in each state that occurred, in the order given; what nobody knows of is in none of them."""
    times: dict[str, timedelta] = {}
    for stretch in drawn:
        times[stretch.state] = times.get(stretch.state, timedelta()) + stretch.time
    return [Spent(state, times[state]) for state in order if state in times]


def hours_of(first: datetime, last: datetime, *, every: int) -> list[str]:
    """The clock under a bar, from its beginning to its end: 13:00, 19:00, 01:00, 07:00, 13:00."""
    count = round((last - first) / timedelta(hours=every))
    return [clock(first + timedelta(hours=every) * number) for number in range(count + 1)]


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
