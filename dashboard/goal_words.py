"""Goals as people read them: exact figures rounded against whoever promised them, and never without coverage."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from babel.dates import format_date
from babel.numbers import format_decimal

from dashboard.figure_words import percent_words
from dashboard.web.language import language
from dashboard.web.times import lasting
from services.availability.figures import percent
from services.goals.metrics import METRICS, Unit
from services.goals.models import Budget, Goal, Scope, Status, Trend, Why
from services.tenants.models import Comparator, MetricName
from services.tenants.periods import Period, PeriodKind

_PLACES = {Unit.PERCENT: 2, Unit.HOURS: 2, Unit.GIGABYTES: 2, Unit.NUMBER: 0}
_MS = timedelta(milliseconds=1)

MARKS = {
    Status.NOT_MET: "down",
    Status.AT_RISK: "partly",
    Status.INSUFFICIENT_DATA: "unknown",
    Status.ON_TRACK: "working",
    Status.MET: "working",
}
"""The shape that stands for what is said."""


def metric_words(metric: MetricName, lang: str) -> str:
    """What is measured."""
    _ = language(lang).gettext
    words = {
        "wifi_availability": _("Wifi fungerar"),
        "wifi_availability_open": _("Wifi fungerar när det är öppet"),
        "hours_per_week": _("Öppettimmar per vecka"),
        "basic_services": _("Grundläggande service"),
        "visitor_days": _("Besöksdagar på wifi"),
        "wifi_sessions": _("Uppkopplingar på wifi"),
        "wifi_data_gb": _("Data över wifi"),
        "kiosk_sessions": _("Besök vid kiosken"),
        "notice_board_renewed": _("Anslagstavlan förnyad"),
        "activities": _("Aktiviteter"),
    }
    return words[metric]


def metric_notes(metric: MetricName, lang: str) -> str:
    """How it is counted, in one sentence."""
    _ = language(lang).gettext
    words = {
        "wifi_availability": _("Andel av den kända tiden dygnet runt, utan underhåll."),
        "wifi_availability_open": _("Andel av den kända tiden under öppettiderna, utan underhåll."),
        "hours_per_week": _("Publicerade öppettider i medeltal, med undantag, över hela veckor."),
        "basic_services": _(
            "Dagligvaror, drivmedel, post och paket, apotek, betaltjänster: så många som minst fanns hela tiden."
        ),
        "visitor_days": _("Summan av varje dygns olika enheter, ungefärlig. Ingen följs från dag till dag."),
        "wifi_sessions": _("Antal uppkopplingar som avslutats."),
        "wifi_data_gb": _("Hämtat och skickat tillsammans, sett från besökaren."),
        "kiosk_sessions": _("Antal gånger som någon använt kiosken."),
        "notice_board_renewed": _("Det finns inga uppgifter om detta än."),
        "activities": _("Det finns inga uppgifter om detta än."),
    }
    return words[metric]


def status_words(status: Status, lang: str) -> str:
    """What is said of a goal."""
    _ = language(lang).gettext
    words = {
        Status.NOT_MET: _("Inte uppfyllt"),
        Status.AT_RISK: _("Risk att det missas"),
        Status.INSUFFICIENT_DATA: _("Underlag saknas"),
        Status.ON_TRACK: _("På väg att uppfyllas"),
        Status.MET: _("Uppfyllt"),
    }
    return words[status]


def why_words(why: Why, lang: str) -> str:
    """Why there is no figure."""
    _ = language(lang).gettext
    words = {
        Why.NOTHING_YET: _("Inget dygn i perioden är räknat än."),
        Why.NOTHING_KNOWN: _("Inget är känt om den här perioden."),
        Why.LOW_COVERAGE: _("För lite är känt: under 80 procent av underlaget."),
        Why.NO_DATA_YET: _("Det finns inga uppgifter om detta än."),
    }
    return words[why]


def value_words(value: Fraction, metric: MetricName, comparator: Comparator, *, lang: str) -> str:
    """A value with its unit, rounded so that it never looks better than it is."""
    unit = METRICS[metric].unit
    if unit is Unit.PERCENT:
        return percent_words(percent(value.numerator, 100 * value.denominator), lang)
    places = _PLACES[unit]
    scaled = value * 10**places
    whole = scaled.__floor__() if comparator == "at_least" else scaled.__ceil__()
    number = format_decimal(
        Decimal(whole).scaleb(-places), format="#,##0.00" if places else "#,##0", locale=lang
    )
    return f"{number}\N{NO-BREAK SPACE}{unit}" if unit else number


def target_words(goal: Goal, lang: str) -> str:
    """What was promised: minst 99 %."""
    return promised_words(goal.target, goal.metric, goal.comparator, lang=lang)


def promised_words(target: Fraction, metric: MetricName, comparator: Comparator, *, lang: str) -> str:
    """A target as it was written, not rounded: minst 99,955 %."""
    _ = language(lang).gettext
    unit = METRICS[metric].unit
    written = Decimal(target.numerator) / Decimal(target.denominator)
    number = format_decimal(written, format="#,##0.###", locale=lang)
    said = f"{number}\N{NO-BREAK SPACE}{unit}" if unit else number
    words = _("minst %(target)s") if comparator == "at_least" else _("högst %(target)s")
    return words % {"target": said}


def coverage_words(coverage: Fraction, lang: str) -> str:
    """How much is known, rounded down."""
    return percent_words(percent(coverage.numerator, coverage.denominator), lang)


def budget_words(budget: Budget, lang: str) -> str:
    """What is left of the time that it may be out of order: 5 h 12 min kvar av 7 h 12 min."""
    _ = language(lang).gettext
    times = {"left": lasting(abs(budget.left) * _MS), "allowance": lasting(budget.allowance * _MS)}
    if budget.left < 0:
        return _("%(left)s mer än de %(allowance)s som ryms") % times
    return _("%(left)s kvar av %(allowance)s") % times


def trend_words(trend: Trend, lang: str) -> str:
    """How it compares with the period before."""
    _ = language(lang).gettext
    words = {
        Trend.BETTER: _("bättre än perioden före"),
        Trend.SAME: _("som perioden före"),
        Trend.WORSE: _("sämre än perioden före"),
    }
    return words[trend]


def every_words(kind: PeriodKind, lang: str) -> str:
    """How often it is judged."""
    _ = language(lang).gettext
    words = {
        "week": _("varje vecka"),
        "month": _("varje månad"),
        "quarter": _("varje kvartal"),
        "year": _("varje år"),
    }
    return words[kind]


def period_name(kind: PeriodKind, period: Period, lang: str) -> str:
    """A period's name: november 2026, vecka 47 2026."""
    _ = language(lang).gettext
    names: dict[PeriodKind, Callable[[], str]] = {
        "week": lambda: (
            _("vecka %(week)s %(year)s")
            % {"week": period.first.isocalendar().week, "year": period.first.isocalendar().year}
        ),
        "month": lambda: format_date(period.first, "LLLL y", locale=lang),
        "quarter": lambda: (
            _("kvartal %(quarter)s %(year)s")
            % {"quarter": (period.first.month + 2) // 3, "year": period.first.year}
        ),
        "year": lambda: str(period.first.year),
    }
    return names[kind]()


def short_period(kind: PeriodKind, period: Period, lang: str) -> str:
    """The same where there is little room: nov, v. 47."""
    _ = language(lang).gettext
    if kind == "week":
        return _("v. %(week)s") % {"week": period.first.isocalendar().week}
    if kind == "month":
        return format_date(period.first, "LLL", locale=lang)
    if kind == "quarter":
        return _("kv. %(quarter)s") % {"quarter": (period.first.month + 2) // 3}
    return str(period.first.year)


def scope_words(scope: Scope, lang: str, *, point: str | None, municipality: str) -> str:
    """What a goal is about: the point's name, or all points of the municipality, of a kind."""
    _ = language(lang).gettext
    if scope.point:
        return point or scope.point
    words = {
        None: _("alla servicepunkter i %(name)s"),
        "fixed": _("alla fasta servicepunkter i %(name)s"),
        "mobile": _("alla mobila servicepunkter i %(name)s"),
        "digital": _("alla digitala servicepunkter i %(name)s"),
    }
    return words[scope.point_kind] % {"name": municipality}
