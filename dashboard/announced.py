"""Planned work as everyone may know of it: when it goes on or begins next, where, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.web.times import local
from services.tenants.maintenance import Work
from services.tenants.repeating import occurrences
from services.tenants.wallclock import ends_at, starts_at, swedish

AHEAD = timedelta(days=14)
"""So long before it begins work is announced."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Work on a point, or on all points of its municipality, from when until when (aware, Swedish time)."""

    municipality: str
    point: str | None
    starts: datetime
    ends: datetime
    reason: str

    def concerns(self, municipality: str, point: str) -> bool:
        """Whether it is work on this point too."""
        return self.municipality == municipality and self.point in (None, point)

    def is_now(self, now: datetime) -> bool:
        """Whether it goes on."""
        return self.starts <= now < self.ends


def announced(works: Iterable[Work], now: datetime) -> tuple[Announced, ...]:
    """What goes on or begins soon, the first first."""
    found = (
        Announced(work.municipality, work.point, starts, ends, work.reason)
        for work in works
        for starts, ends in _times(work, now)
        if now < ends and starts <= now + AHEAD
    )
    return tuple(
        sorted(found, key=lambda each: (each.starts, each.municipality, each.point or "", each.ends))
    )


def _times(work: Work, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    length = work.ends - work.starts
    begins: Iterable[datetime] = [work.starts]
    if work.rule is not None:
        here = local(now).replace(tzinfo=None)
        # A day more on both sides, for the hour by which the clock moves.
        begins = occurrences(
            work.rule,
            work.starts,
            after=here - length - timedelta(days=1),
            before=here + AHEAD + timedelta(days=1),
        )
    for begin in begins:
        yield swedish(starts_at(begin)), swedish(ends_at(begin + length))
