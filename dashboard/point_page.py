"""What the staff page of a point shows of its availability, from figures and lines, in the reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dashboard.availability_charts import Days, availability_chart, days_strip, full_day
from dashboard.charts.shares import Shares
from dashboard.charts.strip import Strip
from dashboard.figure_words import FigureView, figure_views, time_words, total
from dashboard.live_strip import live_strip
from dashboard.outages import Outage
from dashboard.periods import Period
from dashboard.point_past import Live, Planned
from dashboard.web.language import language
from dashboard.web.times import stamp
from services.availability.figures import Figures
from services.runtime.spans import Span
from services.status.moments import moment

MOST_OUTAGES = 20


@dataclass(frozen=True, slots=True)
class AvailabilityView:
    """Two figures, a strip, a chart (not of 24 hours), and in words which time they are of."""

    figures: tuple[FigureView, ...]
    hours_known: bool
    span_words: str
    strip: Strip
    shares: Shares | None


@dataclass(frozen=True, slots=True)
class OutageView:
    """An outage as a row."""

    words: str
    starts_at: datetime
    ends_at: datetime | None
    lasted: str


@dataclass(frozen=True, slots=True)
class PlannedView:
    """Planned work as a row: its next time, whose it is, and why."""

    when: str
    of: str
    reason: str


def live_view(live: Live | None, now: datetime, lang: str) -> AvailabilityView | None:
    """The 24 hours until now; None when there is nothing of them."""
    if live is None:
        return None
    return AvailabilityView(
        figure_views(live.figures, lang),
        live.figures.hours_known,
        window_words(live.window, now, lang),
        live_strip(live, lang),
        None,
    )


def days_view(period: Period, counted: Mapping[date, Figures], lang: str) -> AvailabilityView | None:
    """Whole days that are over; None when none of them is counted."""
    if not counted:
        return None
    days: Days = [(day, counted.get(day)) for day in period.all_days]
    whole = total(list(counted.values()))
    return AvailabilityView(
        figure_views(whole, lang),
        whole.hours_known,
        days_words(period, whole.days, lang),
        days_strip(days, lang),
        availability_chart(days, lang),
    )


def outage_views(found: Sequence[Outage], lang: str) -> list[OutageView]:
    """The newest outages."""
    return [
        OutageView(
            _outage_words(outage, lang),
            moment(outage.start),
            None if outage.end is None else moment(outage.end),
            time_words(outage.lasted),
        )
        for outage in found[:MOST_OUTAGES]
    ]


def planned_views(planned: Sequence[Planned], now: datetime, lang: str) -> list[PlannedView]:
    """Work that comes, the next first."""
    _ = language(lang).gettext
    views = []
    for each in planned:
        starts, ends = (stamp(moment(at), now, lang) for at in each.next)
        again = _(" (återkommer)") if each.work.rule else ""
        whose = each.work.device or (_("hela platsen") if each.work.point else _("hela kommunen"))
        views.append(PlannedView(f"{starts} – {ends}{again}", whose, each.work.reason))
    return views


def window_words(window: Span, now: datetime, lang: str) -> str:
    """From when until when the 24 hours are."""
    starts, ends = (stamp(moment(at), now, lang) for at in window)
    return language(lang).gettext("%(from)s till %(until)s.") % {"from": starts, "until": ends}


def days_words(period: Period, counted: int, lang: str) -> str:
    """Which days a figure is of, and how many of them are counted where not all are."""
    texts = language(lang)
    words = texts.gettext("Hela dygn, %(first)s till %(last)s.") % {
        "first": full_day(period.first, lang),
        "last": full_day(period.last, lang),
    }
    if counted == period.days:
        return words
    few = texts.ngettext(
        "%(counted)s av %(num)s dygn är räknat.", "%(counted)s av %(num)s dygn är räknade.", period.days
    )
    return f"{words} {few % {'counted': counted, 'num': period.days}}"


def _outage_words(outage: Outage, lang: str) -> str:
    _ = language(lang).gettext
    if outage.silent and outage.without_internet:
        return _("Ingen kontakt, en del av tiden utan internet")
    return _("Ingen kontakt") if outage.silent else _("Internet saknas")
