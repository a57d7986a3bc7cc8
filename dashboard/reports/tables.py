"""A report as a table for spreadsheets: one row a point and period, and first the whole.

Swedish spreadsheets divide cells by semicolons and write 99,41, English ones use commas and 99.41. Both get a byte
order mark, without which they take å for Ã¥. A cell of text that would be taken for a formula is marked as text.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from dashboard.reports.words import figures_of, point_name, subject_name
from dashboard.web.times import machine
from services.availability.figures import Times
from services.reports.models import Availability, Content, Outage, PointPart, Range, Usage
from services.reports.naming import ReportPeriod
from services.reports.store import Report
from services.status.moments import moment

_TIMES = ("up", "degraded", "lost", "down", "blind", "maintenance")
_RANGES = ("visitor_days", "sessions", "kiosk_sessions", "kiosk_views")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    *(
        "municipality",
        "municipality_name",
        "point",
        "name",
        "period",
        "first_day",
        "last_day",
        "days_counted",
    ),
    *(
        "availability_percent",
        "coverage_percent",
        "open_availability_percent",
        "open_coverage_percent",
        "hours_known",
    ),
    *("outages", "longest_outage_start", "longest_outage_end"),
    *(f"{name}_ms" for name in _TIMES),
    *(f"open_{name}_ms" for name in _TIMES),
    *("down_bytes", "up_bytes", "volume_estimated"),
    *(f"{name}_{end}" for name in _RANGES for end in ("low", "high")),
    *("visitors_reported_days", "visitors_expected_days"),
    *("report_version", "report_hash"),
)

Cell = str | int | Decimal | bool | date | None


def as_csv(report: Report, lang: str) -> bytes:
    """The table in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if lang == "sv" else ",", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_written(cell, lang) for cell in row] for row in _rows(report, lang))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def safe(text: str) -> str:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(cell: Cell, lang: str) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case Decimal():
            return str(cell).replace(".", ",") if lang == "sv" else str(cell)
        case date():
            return cell.isoformat()
        case str():
            return safe(cell)


def _rows(report: Report, lang: str) -> Iterator[list[Cell]]:
    content = report.content
    period, tail = ReportPeriod(content.period), (report.version, report.hash)
    whole = content.points[0] if content.point is not None else None
    head = _head(content, whole, lang)
    longest = whole.longest if whole else None
    span = (content.period, content.first, content.last)
    yield [*head, *span, *_availability(content.availability, longest), *_usage(content.usage), *tail]
    for step, days in zip(content.steps, period.steps, strict=True):
        written = f"{days.first:%Y-%m}" if period.is_year else days.first.isoformat()
        yield [*head, written, *days, *_availability(step.availability, None), *_usage(None), *tail]
    if whole is None:
        for point in content.points:
            yield [
                *_head(content, point, lang),
                *span,
                *_availability(point.availability, point.longest),
                *_usage(point.usage),
                *tail,
            ]


def _head(content: Content, point: PointPart | None, lang: str) -> list[Cell]:
    name = subject_name(content, lang) if point is None else point_name(point, lang)
    return [content.municipality, content.name, point.id if point else None, name]


def _availability(availability: Availability | None, longest: Outage | None) -> list[Cell]:
    figures = figures_of(availability)
    service = figures.service if figures.hours_known else Times()
    return [
        figures.days,
        *_shares(figures.clock),
        *(_shares(service) if service.window else (None, None)),
        figures.hours_known if availability else None,
        figures.outages if availability else None,
        machine(moment(longest.start)) if longest else None,
        machine(moment(longest.end)) if longest else None,
        *((getattr(figures.clock, name) for name in _TIMES) if availability else (None for _ in _TIMES)),
        *((getattr(figures.service, name) for name in _TIMES) if availability else (None for _ in _TIMES)),
    ]


def _shares(times: Times) -> tuple[Decimal | None, Decimal | None]:
    """Availability, none without enough data, and coverage."""
    return times.availability, times.coverage if times.counted else None


def _usage(usage: Usage | None) -> list[Cell]:
    if usage is None:
        return [None] * (3 + 2 * len(_RANGES) + 2)
    ranges: list[Range | None] = [
        usage.visitor_days if usage.reported_days else None,
        usage.sessions,
        usage.kiosk_sessions,
        usage.kiosk_views,
    ]
    ends = [end for one in ranges for end in ((one.low, one.high) if one else (None, None))]
    return [
        usage.down_bytes,
        usage.up_bytes,
        usage.estimated,
        *ends,
        usage.reported_days,
        usage.expected_days,
    ]
