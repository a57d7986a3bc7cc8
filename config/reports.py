"""Where reports get their figures from: the parts that know them, put together here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date

from dashboard.reports.letter import letter_of
from services.availability.conditions import RULE, UNAVAILABLE, Stretch
from services.availability.days import days_between
from services.availability.past import Asked, Past, past_of, standing_of
from services.availability.standing import POINT, Subject
from services.reports.known import Sources, UsageFound
from services.reports.mailing import ReportMailer
from services.reports.models import Outage, Range, Usage
from services.reports.options import ReportOptions
from services.reports.schedule import ReportMaker
from services.runtime.clock import Clock
from services.runtime.spans import Span
from services.storage.database import Connection, Database
from services.tenants.periods import periods_of
from services.tenants.wallclock import whole_days
from services.usage import store
from services.usage.store import By, Which
from services.usage.suppression import Count, Published

SMALL_NUMBERS = 1
"""The rule by which small numbers are told (docs/decisions/0029)."""

# So many days of points are looked at before others on the same event loop have their turn.
_BREATH = 200


def report_sources() -> Sources:
    """What a report is made of."""
    return Sources(
        longest=longest_outages,
        usage=published_usage,
        rules={"availability": RULE, "small_numbers": SMALL_NUMBERS},
    )


def report_jobs(
    database: Database, options: ReportOptions, *, clock: Clock
) -> dict[str, Callable[[], Awaitable[None]]]:
    """What makes reports, and mails them where a mail server is set."""
    jobs: dict[str, Callable[[], Awaitable[None]]] = {
        "reports": ReportMaker(database, report_sources(), options, clock=clock).run
    }
    if options.smtp_host is not None:
        jobs["report mail"] = ReportMailer(database, letter_of, options, clock=clock).run
    return jobs


async def longest_outages(
    connection: Connection, municipality: str, first: date, last: date
) -> Mapping[str, Outage]:
    """The longest outage of each point, from the lines that its days are counted from."""
    known = await standing_of(connection, [Asked(municipality)])
    subjects = sorted(
        subject
        for subject in known.presences
        if subject.kind == POINT and subject.municipality == municipality
    )
    if not subjects:
        return {}
    lines: dict[str, list[Stretch]] = {subject.name: [] for subject in subjects}
    for month in periods_of("month", first, last):
        past = await past_of(connection, known, *month, subjects=subjects)
        for number, subject in enumerate(subjects):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            if _ever_out(past, subject):
                lines[subject.name] += _stretches(past, subject, *month)
    found = {point: longest(stretches) for point, stretches in lines.items()}
    return {point: outage for point, outage in found.items() if outage is not None}


def longest(stretches: Iterable[Stretch]) -> Outage | None:
    """The longest time without a break in which it did not work, the first of several; stretches come in order."""
    found: Outage | None = None
    start = end = 0
    for stretch in stretches:
        if stretch.condition not in UNAVAILABLE:
            continue
        start, end = (start if stretch.start == end else stretch.start), stretch.end
        if found is None or end - start > found.end - found.start:
            found = Outage(start=start, end=end)
    return found


def _ever_out(past: Past, subject: Subject) -> bool:
    return any(
        stretch.condition in UNAVAILABLE
        for presence in past.standing.presences[subject]
        for stretch in past.measured.get(presence.device, ())
    )


def _stretches(past: Past, subject: Subject, first: date, last: date) -> Iterable[Stretch]:
    for day in days_between(first, last):
        found, span = past.day(subject, day), whole_days(day, day)
        if found is not None:
            yield from _within(found.line, span)


def _within(line: Iterable[Stretch], span: Span) -> Iterable[Stretch]:
    """A day's line comes with the millisecond before it."""
    for start, end, condition in line:
        if end > span.start:
            yield Stretch(max(start, span.start), end, condition)


async def published_usage(connection: Connection, municipality: str, first: date, last: date) -> UsageFound:
    """Use in whole months, as everybody may know it."""
    which = Which(municipalities=[municipality])
    by_subject: dict[By, dict[str, Usage]] = {}
    sides: tuple[By, ...] = ("municipality", "point")
    for by in sides:
        views: dict[str, Published] = {}
        for page in await store.published_pages_of(connection, first, last, by=by, which=which):
            views[page.subject] = views.get(page.subject, Published(0, 0)) + page.views
        by_subject[by] = {
            usage.subject: _usage(usage, views.get(usage.subject, Published(0, 0)))
            for usage in await store.usage_of(connection, first, last, by=by, which=which)
        }
    return UsageFound(by_subject["municipality"].get(municipality), by_subject["point"])


def _usage(usage: store.Usage, views: Published) -> Usage:
    # Volumes are as they are, whatever the counts: docs/decisions/0029 says why, and what that leaves open.
    return Usage(
        down_bytes=usage.traffic.down_bytes,
        up_bytes=usage.traffic.up_bytes,
        estimated=usage.traffic.estimated,
        sessions=_range(usage.sessions),
        visitor_days=_range(usage.visitor_days.count),
        reported_days=usage.visitor_days.reported,
        expected_days=usage.visitor_days.expected,
        covered=usage.visitor_days.covered,
        kiosk_sessions=_range(usage.kiosk_sessions),
        kiosk_views=Range(low=views.low, high=views.high),
    )


def _range(count: Count) -> Range:
    published = count.published
    return Range(low=published.low, high=published.high)
