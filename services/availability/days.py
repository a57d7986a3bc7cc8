"""Local days, and what one of them was like for a device or a point.

A day lasts from midnight to midnight in Sweden: 23, 24 or 25 hours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from services.availability.conditions import UNAVAILABLE, Condition, Line, Stretch, best, clipped, said
from services.availability.figures import Figures, Times
from services.runtime.spans import Span, Spans, common, union, without
from services.tenants.wallclock import SWEDEN, whole_days

HOTSPOT = "hotspot"


def span_of(day: date) -> Span:
    """A local day from its beginning to its end."""
    return whole_days(day, day)


def day_of(instant: int) -> date:
    """The local day on which an instant lies, in milliseconds since 1970 UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(SWEDEN).date()


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class Share:
    """A device's part in a subject's day.

    `measured`: its measured line. `there`: when it stood there in service. `maintenance`: when it was worked on.
    """

    kind: str
    measured: Sequence[Stretch]
    there: Spans
    maintenance: Spans = ()


def device_line(share: Share, day: Span) -> Line:
    """What is shown of a device over a day and the millisecond before: maintenance over the measured layer."""
    wide = Span(day.start - 1, day.end)
    measured = clipped(share.measured, share.there)
    return best([*measured, *said(common(share.maintenance, (wide,)), Condition.MAINTENANCE)], wide)


def point_line(shares: Sequence[Share], maintenance: Spans, day: Span) -> Line:
    """What is shown of a point over a day and the millisecond before, by rule 1.

    The best of its hotspots that stand there in service; of its other devices when no hotspot does on that day. One
    that is being worked on is left out; where none is left, the point is in maintenance.
    """
    wide = Span(day.start - 1, day.end)
    those = counting(shares, day)
    left = [without(share.there, common(share.maintenance, (wide,))) for share in those]
    worked_on = without(union(*(share.there for share in those)), union(*left))
    calendars = common(union(maintenance, worked_on), (wide,))
    measured = (clipped(share.measured, spans) for share, spans in zip(those, left, strict=True))
    return best([*chain.from_iterable(measured), *said(calendars, Condition.MAINTENANCE)], wide)


def counting(shares: Sequence[Share], day: Span) -> list[Share]:
    """The devices that a point's day is counted from."""
    there = [share for share in shares if common(share.there, (day,))]
    hotspots = [share for share in there if share.kind == HOTSPOT]
    return hotspots or there


def counted(line: Line, opened: Spans | None, day: Span) -> Figures:
    """A day in figures, from its line and the millisecond before; `opened` is None where the hours are not known."""
    whole = clipped(line, (day,))
    hours = () if opened is None else common(opened, (day,))
    return Figures(
        days=1,
        clock=Times.of(whole),
        service=Times.of(clipped(whole, hours)) if hours else Times(),
        hours_known=opened is not None,
        outages=_begun(line, day.start),
    )


def _begun(line: Iterable[Stretch], start: int) -> int:
    """How many outages began: what went on from the day before began there."""
    begun, going_on = 0, False
    for stretch in line:
        out = stretch.condition in UNAVAILABLE
        if out and not going_on and stretch.start >= start:
            begun += 1
        going_on = out
    return begun
