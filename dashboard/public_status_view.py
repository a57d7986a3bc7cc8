"""The public status page as values: every point with its state now and its last days, worst first; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby

from dashboard.availability_charts import mark_words
from dashboard.charts.scale import part
from dashboard.figure_words import figure_words, mark_of, percent_words
from dashboard.points import PointView
from dashboard.public_history import LONG, SHORT, Overview, Summary
from dashboard.web.language import language
from dashboard.words import in_order
from services.availability.figures import Times
from services.status.points import PointReason, PointState

LATELY = 7
"""Days that are told of in words."""
MOST_TOLD = 10
"""So many points are named of a day."""

WORST_FIRST = (
    PointReason.NO_CONTACT,
    PointReason.WIFI_DOWN,
    PointReason.UPLINK_LOST,
    PointReason.WIFI_PARTLY,
    PointReason.PARTLY_NO_WIFI,
    PointReason.WIFI_UNKNOWN,
    PointReason.WIFI_UNSTEADY,
    PointReason.OTHERS_SILENT,
    PointReason.NOTHING_KNOWN,
)
"""By what it means to somebody who thinks of going there; what works stands behind."""

GROUPS = ("trouble", "unknown", "working", "paused")

Run = tuple[float, float, str]
"""Equal cells that follow each other: where they begin and how wide they are in per cent, and their mark."""


@dataclass(frozen=True, slots=True)
class FigureText:
    """A period's availability with its coverage; `counted` says of how many days when some are missing."""

    days: int
    number: str
    coverage: str
    mark: str
    counted: int | None


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A point with its last days: what was measured and what the calendar says, and the same in words."""

    view: PointView
    measured: tuple[Run, ...]
    calendar: tuple[Run, ...]
    says: str
    figures: tuple[FigureText, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A point that was not there for some time of a day (milliseconds); without `outages` it began before."""

    view: PointView
    unavailable: int
    outages: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """Of how many points something of a day is not known, and how long at most (milliseconds)."""

    points: int
    longest: int


@dataclass(frozen=True, slots=True)
class DayTold:
    """A day in words: the points that were away longest, how many more were, and what is not known."""

    day: date
    told: tuple[Told, ...]
    more: int
    unseen: Unseen | None


def status_rows(
    views: Iterable[PointView], overview: Overview, lang: str
) -> list[tuple[str, list[StatusRow]]]:
    """Points by their state now, worst first, those that are closed for a time last; each group in its order."""
    rows = [_row(view, overview, lang) for view in sorted(views, key=_place)]
    return [(group, list(those)) for group, those in groupby(rows, key=lambda row: _group(row.view))]


def lately(views: Sequence[PointView], overview: Overview) -> list[DayTold]:
    """The last days on which not everything worked or was known, the newest first."""
    since = _lately_since(overview)
    away: dict[date, list[Told]] = defaultdict(list)
    blind: dict[date, list[int]] = defaultdict(list)
    for view in views:
        for day in _summary(view, overview).since(since):
            if day.unavailable:
                away[day.day].append(Told(view, day.unavailable, day.outages))
            if day.blind:
                blind[day.day].append(day.blind)
    return [
        DayTold(
            day,
            tuple(sorted(away[day], key=lambda each: (-each.unavailable, each.view.id))[:MOST_TOLD]),
            max(0, len(away[day]) - MOST_TOLD),
            Unseen(len(blind[day]), max(blind[day])) if blind[day] else None,
        )
        for day in sorted(away.keys() | blind.keys(), reverse=True)
    ]


def is_lately_counted(views: Iterable[PointView], overview: Overview) -> bool:
    """Whether any of the last days is counted for any of these points: without one, no outage means nothing."""
    since = _lately_since(overview)
    return any(_summary(view, overview).since(since) for view in views)


def _lately_since(overview: Overview) -> date:
    return overview.period.last - timedelta(days=LATELY - 1)


# Asked for with every reader of the page, and the same for all of them.
@lru_cache(maxsize=8192)
def figure_text(times: Times, counted: int, days: int, lang: str) -> FigureText:
    """A period in words: the number or why there is none, never without its coverage."""
    return FigureText(
        days,
        figure_words(times, lang),
        percent_words(times.coverage, lang),
        mark_of(times),
        counted if counted < days else None,
    )


def _place(view: PointView) -> tuple[int, int, str, str, str]:
    reason = view.status.reason
    rank = WORST_FIRST.index(reason) if reason in WORST_FIRST else len(WORST_FIRST)
    return (
        GROUPS.index(_group(view)),
        0 if view.is_paused else rank,
        in_order(view.municipality.name),
        in_order(view.name("sv")),
        view.id,
    )


def _group(view: PointView) -> str:
    if view.is_paused:
        return "paused"
    # Down and partly both need somebody; which it is stands in each row.
    return "trouble" if view.status.state in (PointState.DOWN, PointState.PARTLY) else view.status.state.value


def _row(view: PointView, overview: Overview, lang: str) -> StatusRow:
    summary = _summary(view, overview)
    by_day = {each.day: each for each in summary.days}
    days = [by_day.get(day) for day in overview.period.all_days]
    marks = [day.mark if day else "" for day in days]
    recent = overview.period.last - timedelta(days=SHORT - 1)
    return StatusRow(
        view,
        _runs(marks),
        _runs([day.calendar if day else "" for day in days]),
        _says(marks, sum(day is not None and day.calendar == "maintenance" for day in days), lang),
        (
            figure_text(summary.short, len(summary.since(recent)), SHORT, lang),
            figure_text(summary.long, len(summary.days), LONG, lang),
        ),
    )


def _summary(view: PointView, overview: Overview) -> Summary:
    return overview.summaries.get((view.municipality.code, view.id), Summary(Times(), Times(), ()))


def _runs(marks: Sequence[str]) -> tuple[Run, ...]:
    runs, first = [], 0
    for mark, run in groupby(marks):
        length = len(list(run))
        if mark:
            runs.append((part(first, len(marks)), part(length, len(marks)), mark))
        first += length
    return tuple(runs)


def _says(marks: Sequence[str], maintained: int, lang: str) -> str:
    words = {**mark_words(lang), "": language(lang).gettext("Inte räknat")}
    parts = [f"{words[mark]}: {_days(marks.count(mark), lang)}" for mark in words if mark in marks]
    if maintained and "maintenance" not in marks:
        parts.append(f"{words['maintenance']}: {_days(maintained, lang)}")
    return ", ".join(parts)


def _days(number: int, lang: str) -> str:
    return language(lang).ngettext("%(num)s dygn", "%(num)s dygn", number) % {"num": number}
