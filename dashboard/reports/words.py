"""Names, times and amounts of a report in the reader's language."""

from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from dashboard.charts.units import unit_for
from dashboard.figure_words import time_words
from dashboard.web.language import language
from dashboard.web.times import clock, day
from services.availability.figures import Figures, Times
from services.reports.models import Availability, Clock, Content, Outage, PointPart, Range
from services.reports.naming import ReportPeriod
from services.status.moments import moment
from services.usage.suppression import FEWEST


def figures_of(availability: Availability | None) -> Figures:
    """A report's availability as figures; nothing where nothing is counted."""
    if availability is None:
        return Figures()
    return Figures(
        days=availability.days,
        clock=_times(availability.clock),
        service=_times(availability.service),
        hours_known=availability.hours_known,
        outages=availability.outages,
    )


def _times(clock_times: Clock) -> Times:
    return Times(**clock_times.model_dump())


def period_words(period: ReportPeriod, lang: str) -> str:
    """A month as oktober 2026, a year as 2026."""
    if period.is_year:
        return period.written
    return str(format_date(period.first, "MMMM y", locale=locale_of(lang)))


def point_name(point: PointPart, lang: str) -> str:
    """What a point is called."""
    return point.names.get(lang) or point.names.get("sv") or point.id


def subject_name(content: Content, lang: str) -> str:
    """Whom a report is about."""
    if content.point is not None:
        return point_name(content.points[0], lang)
    return language(lang).gettext("%(name)s kommun") % {"name": content.name}


def title_of(content: Content, lang: str) -> str:
    """What a report is called."""
    words = {"period": period_words(ReportPeriod(content.period), lang), "name": subject_name(content, lang)}
    return language(lang).gettext("%(name)s, %(period)s") % words


def range_words(number: Range, lang: str) -> str:
    """A number as it may be published: 17, <5 or 31–34."""
    if number.low == number.high:
        return str(format_decimal(number.low, locale=lang))
    if (number.low, number.high) == (1, FEWEST - 1):
        return f"<{FEWEST}"
    return f"{format_decimal(number.low, locale=lang)}–{format_decimal(number.high, locale=lang)}"


def bytes_words(amount: int, lang: str) -> str:
    """A volume in the unit that fits, with one decimal, cut: 12,3 GB."""
    unit = unit_for(amount)
    tenths = amount * 10 // unit.size
    pattern = "#,##0" if unit.size == 1 else "#,##0.0"
    return f"{format_decimal(Decimal(tenths) / 10, format=pattern, locale=lang)}\N{NO-BREAK SPACE}{unit.sign}"


def outage_words(outage: Outage, lang: str) -> str:
    """How long an outage lasted, and from when to when."""
    start, end = moment(outage.start), moment(outage.end)
    words = {
        "length": time_words(outage.end - outage.start),
        "start": f"{day(start, lang)} {clock(start)}",
        "end": clock(end) if day(start, lang) == day(end, lang) else f"{day(end, lang)} {clock(end)}",
    }
    return language(lang).gettext("%(length)s, från %(start)s till %(end)s") % words


def locale_of(lang: str) -> str:
    """Babel's locale."""
    return "sv_SE" if lang == "sv" else "en_GB"
