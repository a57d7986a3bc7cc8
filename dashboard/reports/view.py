"""What the document of a report shows, from its content alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import cast

from babel.dates import format_date
from babel.numbers import format_decimal

from dashboard.availability_charts import full_day, mark_words, short_day
from dashboard.charts.scale import Scale, every
from dashboard.charts.shares import percent_number, share_scale
from dashboard.figure_words import FigureView, figure_views, figure_words, mark_of, percent_words, time_words
from dashboard.goal_words import MARKS, metric_words, promised_words, status_words, value_words
from dashboard.reports.summary import summary
from dashboard.reports.words import (
    bytes_words,
    figures_of,
    locale_of,
    period_words,
    point_name,
    range_words,
    subject_name,
)
from dashboard.web.language import language
from services.availability.figures import percent
from services.goals.models import Status
from services.reports.models import Content, GoalPart, PointPart, Usage
from services.reports.naming import ReportPeriod
from services.reports.store import Report
from services.tenants.models import Comparator, MetricName

_LABELS = 8


@dataclass(frozen=True, slots=True)
class StepView:
    """A day or month: its row, its mark, its name below the strip if it has one, and how far down the chart it stands.

    `y` is in per cent from the top; none where there is no figure.
    """

    name: str
    label: str
    mark: str
    clock: str
    coverage: str
    service: str
    unavailable: str
    blind: str
    maintenance: str
    outages: str
    y: float | None


@dataclass(frozen=True, slots=True)
class PointView:
    """A point as a row."""

    id: str
    name: str
    mark: str
    clock: str
    coverage: str
    service: str
    service_coverage: str
    outages: str
    longest: str
    visitor_days: str
    volume: str


@dataclass(frozen=True, slots=True)
class GoalView:
    """A goal in a period as a row."""

    id: str
    target: str
    period: str
    value: str
    coverage: str
    mark: str
    status: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """The document."""

    name: str
    period: str
    is_year: bool
    of_point: bool
    municipality: str
    synthetic: bool
    summary: Sequence[str]
    figures: Sequence[FigureView]
    steps: Sequence[StepView]
    ticks: Sequence[tuple[float, str]]
    keys: Sequence[tuple[str, str]]
    points: Sequence[PointView]
    usage: Sequence[tuple[str, str]]
    goals: Sequence[GoalView]
    rules: Sequence[str]
    version: int
    revised_by: int | None
    hash: str
    made_at: datetime


def report_view(report: Report, lang: str) -> ReportView:
    """A report in the reader's language."""
    content = report.content
    period = ReportPeriod(content.period)
    scale = share_scale(
        int(share.scaleb(2))
        for step in content.steps
        if (share := figures_of(step.availability).clock.availability) is not None
    )
    steps = _steps(content, period, scale, lang=lang)
    words = {**mark_words(lang), "": language(lang).gettext("Inte räknat")}
    marks = {step.mark for step in steps}
    return ReportView(
        name=subject_name(content, lang),
        period=period_words(period, lang),
        is_year=period.is_year,
        of_point=content.point is not None,
        municipality=content.name,
        synthetic=any(point.synthetic for point in content.points),
        summary=summary(content, lang),
        figures=figure_views(figures_of(content.availability), lang) if content.availability else (),
        steps=steps,
        ticks=[(100 - scale.place(tick), f"{percent_number(tick, lang)} %") for tick in scale.ticks],
        keys=[(mark, said) for mark, said in words.items() if mark in marks],
        points=[] if content.point else [_point(point, lang) for point in content.points],
        usage=_usage(content.usage, lang) if content.usage else [],
        goals=[_goal(goal, lang) for goal in content.goals],
        rules=_rules(content, lang),
        version=report.version,
        revised_by=report.revised_by,
        hash=report.hash,
        made_at=report.made_at,
    )


def _rules(content: Content, lang: str) -> list[str]:
    _ = language(lang).gettext
    names = {"availability": _("Tillgänglighet"), "small_numbers": _("Små tal")}
    return [
        _("Regel för %(what)s: version %(number)s.")
        % {"what": names.get(rule, rule).lower(), "number": number}
        for rule, number in sorted(content.rules.items())
    ]


def _steps(content: Content, period: ReportPeriod, scale: Scale, *, lang: str) -> list[StepView]:
    labelled = set(every(len(content.steps), most=12 if period.is_year else _LABELS))
    views = []
    for number, step in enumerate(content.steps):
        figures = figures_of(step.availability)
        clock, counted = figures.clock, step.availability is not None
        views.append(
            StepView(
                name=_step_name(step.first, period, lang),
                label=_step_label(step.first, period, lang) if number in labelled else "",
                mark=mark_of(clock) if counted else "",
                clock=figure_words(clock, lang) if counted else "–",
                coverage=percent_words(clock.coverage, lang) if counted else "–",
                service=figure_words(figures.service, lang, is_closed=not figures.service.window)
                if counted and figures.hours_known
                else "–",
                unavailable=_time(clock.unavailable),
                blind=_time(clock.blind),
                maintenance=_time(clock.maintenance),
                outages=str(figures.outages) if counted else "–",
                y=None
                if clock.availability is None
                else round(100 - scale.place(int(clock.availability.scaleb(2))), 2),
            )
        )
    return views


def _step_name(first: date, period: ReportPeriod, lang: str) -> str:
    if period.is_year:
        return str(format_date(first, "LLLL", locale=locale_of(lang))).capitalize()
    return full_day(first, lang)


def _step_label(first: date, period: ReportPeriod, lang: str) -> str:
    if period.is_year:
        return str(format_date(first, "LLL", locale=locale_of(lang)))
    return short_day(first, lang)


def _time(milliseconds: int) -> str:
    return time_words(milliseconds) if milliseconds else "–"


def _point(point: PointPart, lang: str) -> PointView:
    figures, usage = figures_of(point.availability), point.usage
    clock, service = figures.clock, figures.service
    has_hours = figures.hours_known and bool(service.window)
    return PointView(
        id=point.id,
        name=point_name(point, lang),
        mark=mark_of(clock),
        clock=figure_words(clock, lang),
        coverage=percent_words(clock.coverage, lang),
        service=figure_words(service, lang) if has_hours else "–",
        service_coverage=percent_words(service.coverage, lang) if has_hours else "–",
        outages=str(figures.outages),
        longest=time_words(point.longest.end - point.longest.start) if point.longest else "–",
        visitor_days=range_words(usage.visitor_days, lang) if usage and usage.reported_days else "–",
        volume=bytes_words(usage.down_bytes + usage.up_bytes, lang) if usage else "–",
    )


def _usage(usage: Usage, lang: str) -> list[tuple[str, str]]:
    _ = language(lang).gettext
    rows = []
    if usage.expected_days:
        told = _("%(reported)s av %(expected)s enhetsdygn räknade") % {
            "reported": format_decimal(usage.reported_days, locale=lang),
            "expected": format_decimal(usage.expected_days, locale=lang),
        }
        number = range_words(usage.visitor_days, lang) if usage.reported_days else "–"
        rows.append((_("Besöksdagar (ungefärligt)"), f"{number} ({told})"))
    rows += [
        (_("Uppkopplingar"), range_words(usage.sessions, lang)),
        (_("Hämtat av besökare"), bytes_words(usage.down_bytes, lang)),
        (_("Skickat av besökare"), bytes_words(usage.up_bytes, lang)),
        (_("Besök vid skärmar"), range_words(usage.kiosk_sessions, lang)),
        (_("Visade sidor på skärmar"), range_words(usage.kiosk_views, lang)),
    ]
    return rows


def _goal(goal: GoalPart, lang: str) -> GoalView:
    metric, comparator = cast(MetricName, goal.metric), cast(Comparator, goal.comparator)
    target = promised_words(Fraction(goal.target), metric, comparator, lang=lang)
    status, coverage = Status(goal.status), Fraction(goal.coverage)
    return GoalView(
        id=goal.id,
        target=f"{metric_words(metric, lang)}, {target}",
        period=f"{short_day(goal.first, lang)} – {full_day(goal.last, lang)}",
        value="–" if goal.value is None else value_words(Fraction(goal.value), metric, comparator, lang=lang),
        coverage=percent_words(percent(coverage.numerator, coverage.denominator), lang),
        mark=MARKS[status],
        status=status_words(status, lang),
    )
