"""Goals as the page shows them: the worst first, each with what it rests on and how it has gone before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dashboard.charts.strip import Cell, Strip, strip_of_days
from dashboard.charts.table import About, Key, Table
from dashboard.goal_words import (
    MARKS,
    budget_words,
    coverage_words,
    every_words,
    metric_notes,
    metric_words,
    period_name,
    scope_words,
    short_period,
    status_words,
    target_words,
    trend_words,
    value_words,
    why_words,
)
from dashboard.web.language import language
from dashboard.words import in_order
from services.goals.evaluation import trend
from services.goals.models import Goal, Part, Status, Verdict, Why
from services.goals.store import Result, Standing

LONGEST_HISTORY = 24
"""So many periods are shown."""
_ORDER = tuple(Status)


@dataclass(frozen=True, slots=True)
class PartView:
    """What one point contributed."""

    point: str
    name: str
    value: str
    coverage: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a goal in the period that is shown; `value` is empty where too little is known."""

    status: str
    mark: str
    words: str
    why: str
    period: str
    is_over: bool
    counted_to: date | None
    value: str
    coverage: str
    projected: str
    budget: str
    trend: str
    before: str
    version: int
    parts: Sequence[PartView]


@dataclass(frozen=True, slots=True)
class GoalView:
    """One goal; `said` is empty before its first period has begun."""

    id: str
    anchor: str
    municipality: str
    title: str
    point: str
    scope: str
    note: str
    target: str
    every: str
    owner: str
    visibility: str
    valid_from: date
    valid_until: date | None
    is_ended: bool
    synthetic: bool
    said: Said | None
    history: Strip | None


@dataclass(frozen=True, slots=True)
class Names:
    """What points and municipalities are called."""

    points: Mapping[tuple[str, str], str]
    municipalities: Mapping[str, str]


def goal_views(standings: Iterable[Standing], names: Names, today: date, *, lang: str) -> list[GoalView]:
    """All goals: those that hold by what is said of them, the worst first; then those that have ended."""
    return [_view(standing, names, today, lang) for standing in sorted(standings, key=_by_need(names, today))]


def counts(views: Iterable[GoalView], lang: str) -> list[tuple[str, int, str]]:
    """How many of the goals that hold are in each status, the worst first: status, number, words."""
    found = [view.said.status for view in views if view.said and not view.is_ended]
    return [(status, found.count(status), status_words(status, lang)) for status in _ORDER if status in found]


def shown(results: Sequence[Result]) -> Result | None:
    """The newest result of which a day is counted, or the newest."""
    begun = (result for result in results if result.verdict.why is not Why.NOTHING_YET)
    return next(begun, results[0] if results else None)


def _by_need(names: Names, today: date) -> Callable[[Standing], tuple[object, ...]]:
    def key(standing: Standing) -> tuple[object, ...]:
        goal, result = standing.goal, shown(standing.results)
        rank = _ORDER.index(result.verdict.status) if result else len(_ORDER)
        return (
            _is_ended(goal, today),
            rank,
            in_order(names.municipalities.get(goal.municipality, goal.municipality)),
            in_order(names.points.get((goal.municipality, goal.scope.point or ""), "")),
            goal.id,
        )

    return key


def _is_ended(goal: Goal, today: date) -> bool:
    return goal.valid_until is not None and goal.valid_until < today


def _view(standing: Standing, names: Names, today: date, lang: str) -> GoalView:
    _ = language(lang).gettext
    goal, result = standing.goal, shown(standing.results)
    return GoalView(
        id=goal.id,
        anchor=f"{goal.municipality}-{goal.id}",
        municipality=goal.municipality,
        title=metric_words(goal.metric, lang),
        point=goal.scope.point or "",
        scope=scope_words(
            goal.scope,
            lang,
            point=names.points.get((goal.municipality, goal.scope.point or "")),
            municipality=names.municipalities.get(goal.municipality, goal.municipality),
        ),
        note=metric_notes(goal.metric, lang),
        target=target_words(goal, lang),
        every=every_words(goal.period, lang),
        owner=goal.owner,
        visibility=_("får visas för alla") if goal.visibility == "public" else _("bara för personal"),
        valid_from=goal.valid_from,
        valid_until=goal.valid_until,
        is_ended=_is_ended(goal, today),
        synthetic=goal.synthetic,
        said=_said(standing, result, names, lang) if result else None,
        history=_history(goal, standing.results, lang) if len(standing.results) > 1 else None,
    )


def _said(standing: Standing, result: Result, names: Names, lang: str) -> Said:
    goal, verdict = standing.goal, result.verdict
    ends = verdict.value if verdict.projected is None else verdict.projected
    before = next((each for each in standing.results if each.period.last < result.period.first), None)
    towards = trend(goal.comparator, ends, before.verdict.value if before else None)
    return Said(
        status=verdict.status,
        mark=MARKS[verdict.status],
        words=status_words(verdict.status, lang),
        why=why_words(verdict.why, lang) if verdict.why else "",
        period=period_name(goal.period, result.period, lang),
        is_over=result.is_over,
        counted_to=result.counted_to,
        value=_value(goal, verdict, lang),
        coverage=coverage_words(verdict.coverage, lang),
        projected=_projected(goal, verdict, lang),
        budget=budget_words(verdict.budget, lang) if verdict.budget else "",
        trend=trend_words(towards, lang) if towards else "",
        before=_outcome(goal, before.verdict, lang) if before else "",
        version=result.version,
        parts=[_part(goal, part, names, lang) for part in verdict.parts],
    )


def _value(goal: Goal, verdict: Verdict, lang: str) -> str:
    if verdict.value is None:
        return ""
    return value_words(verdict.value, goal.metric, goal.comparator, lang=lang)


def _projected(goal: Goal, verdict: Verdict, lang: str) -> str:
    """Where it ends at this pace, if that is another value than it has."""
    if verdict.projected is None or verdict.projected == verdict.value:
        return ""
    return value_words(verdict.projected, goal.metric, goal.comparator, lang=lang)


def _outcome(goal: Goal, verdict: Verdict, lang: str) -> str:
    """What was said, with its value if there is one."""
    return ", ".join(filter(None, (status_words(verdict.status, lang), _value(goal, verdict, lang))))


def _part(goal: Goal, part: Part, names: Names, lang: str) -> PartView:
    _ = language(lang).gettext
    return PartView(
        part.point,
        names.points.get((goal.municipality, part.point), part.point),
        _("Inte känt")
        if part.value is None
        else value_words(part.value, goal.metric, goal.comparator, lang=lang),
        coverage_words(part.coverage, lang),
    )


def _history(goal: Goal, results: Sequence[Result], lang: str) -> Strip:
    """The periods from left to right, and as a table with the newest first."""
    _ = language(lang).gettext
    latest = results[:LONGEST_HISTORY]
    cells = [_cell(goal, result, lang) for result in reversed(latest)]
    found = [status for status in _ORDER if any(each.verdict.status is status for each in latest)]
    number = {status: sum(each.verdict.status is status for each in latest) for status in found}
    marks: dict[str, list[str]] = {}
    for status in found:
        marks.setdefault(MARKS[status], []).append(status_words(status, lang))
    return strip_of_days(
        cells,
        About(
            f"goal-{goal.municipality}-{goal.id}",
            _("Period för period"),
            ", ".join(f"{status_words(status, lang)}: {number[status]}" for status in found) + ".",
            tuple(Key(mark, " · ".join(words)) for mark, words in marks.items()),
            Table(
                (_("Period"), _("Resultat"), _("Värde"), _("Täckning"), _("Version")),
                tuple(_row(goal, result, lang) for result in latest),
            ),
            _("Perioderna som tabell"),
        ),
        labels=6,
    )


def _cell(goal: Goal, result: Result, lang: str) -> Cell:
    name = period_name(goal.period, result.period, lang)
    short = short_period(goal.period, result.period, lang)
    return Cell(MARKS[result.verdict.status], "", f"{name}: {_outcome(goal, result.verdict, lang)}", short)


def _row(goal: Goal, result: Result, lang: str) -> tuple[str, ...]:
    _ = language(lang).gettext
    name = period_name(goal.period, result.period, lang)
    return (
        name if result.is_over else f"{name} ({_('pågår')})",
        status_words(result.verdict.status, lang),
        _value(goal, result.verdict, lang) or "–",
        coverage_words(result.verdict.coverage, lang),
        str(result.version),
    )
