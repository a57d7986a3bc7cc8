"""A point's past as its pages show it: the line of the last 24 hours or of days, and work that is planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboard.outages import outages
from dashboard.web.times import local
from services.availability.conditions import Condition, Stretch, clipped
from services.availability.days import days_between
from services.availability.figures import Figures, Times
from services.availability.past import Asked, Day, Past, past_of, standing_of
from services.availability.standing import POINT, Subject
from services.runtime.spans import Span, Spans, union, without
from services.storage.database import Connection
from services.tenants.maintenance import Maintenance, queries, windows
from services.tenants.wallclock import milliseconds, swedish, whole_days

AHEAD = timedelta(days=60)
"""So far ahead planned work is shown."""

_MINUTE = 60_000
_DAY = 1440 * _MINUTE


@dataclass(frozen=True, slots=True)
class Live:
    """The time until now: its window, what is shown of it but for closed time, when it was closed, and its figures."""

    window: Span
    line: Sequence[Stretch]
    closed: Spans
    figures: Figures


@dataclass(frozen=True, slots=True)
class Planned:
    """Work on a point, on a device in it or on its municipality, with its next stretch of time."""

    work: Maintenance
    next: Span


def subject_of(municipality: str, point: str) -> Subject:
    """A point as something that has days."""
    return Subject(municipality, POINT, point)


async def past_of_point(connection: Connection, subject: Subject, first: date, last: date) -> Past:
    """All that is known of a point over local days."""
    known = await standing_of(connection, [Asked(subject.municipality, point=subject.name)])
    return await past_of(connection, known, first, last, subjects=[subject])


def last_day(until: int) -> Span:
    """The 24 hours until an instant, cut to its minute: who looks again within it sees the same."""
    end = until // _MINUTE * _MINUTE
    return Span(end - _DAY, end)


def line_of(past: Past, subject: Subject, window: Span) -> list[Stretch]:
    """What is shown of a point over time, without gaps, closed time left out; `BLIND` where it has no day."""
    line: list[Stretch] = []
    for span, day in _days(past, subject, window):
        for each in clipped(day.line, (span,)) if day else [Stretch(*span, Condition.BLIND)]:
            if line and line[-1].condition is each.condition:
                line[-1] = line[-1]._replace(end=each.end)
            else:
                line.append(each)
    return line


def live_of(past: Past, subject: Subject, window: Span) -> Live | None:
    """What is shown of a point over a stretch of time that ends now; None when nothing of it is known at all."""
    days = _days(past, subject, window)
    if not any(day for _span, day in days):
        return None
    line = line_of(past, subject, window)
    opened = [day.calendar.open if day else None for _span, day in days]
    hours_known = all(each is not None for each in opened)
    hours = union(*(each for each in opened if each is not None))
    figures = Figures(
        days=1,
        clock=Times.of(line),
        service=Times.of(clipped(line, hours)) if hours_known and hours else Times(),
        hours_known=hours_known,
        outages=len(outages(line, until=window.end)),
    )
    return Live(window, line, without((window,), hours) if hours_known else (), figures)


def _days(past: Past, subject: Subject, window: Span) -> list[tuple[Span, Day | None]]:
    """The days of a stretch of time, each with the part of it that lies within."""
    first, last = swedish(window.start).date(), swedish(window.end - 1).date()
    found = []
    for day in days_between(first, last):
        whole = whole_days(day, day)
        found.append(
            (Span(max(whole.start, window.start), min(whole.end, window.end)), past.day(subject, day))
        )
    return found


async def planned_for(
    connection: Connection, subject: Subject, devices: Sequence[str], now: datetime
) -> list[Planned]:
    """The work that is under way or comes within the next weeks, the next first."""
    today = local(now).date()
    last = (now + AHEAD).date()
    found = []
    for row in await connection.fetch(queries.planned, today, last):
        work = Maintenance(**row)
        if work.municipality != subject.municipality or not _concerns(work, subject, devices):
            continue
        ahead = (span for span in windows(work, today, last) if span.end > milliseconds(now))
        following = next(ahead, None)
        if following is not None:
            found.append(Planned(work, following))
    return sorted(found, key=lambda planned: (planned.next, planned.work.id))


def _concerns(work: Maintenance, subject: Subject, devices: Sequence[str]) -> bool:
    if work.point is None and work.device is None:
        return True
    return work.point == subject.name or work.device in devices
