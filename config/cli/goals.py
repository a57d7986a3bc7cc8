"""`bypunkt goals`: what was promised, what is said of it, and judging it now."""

from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import AsJson, every_municipality, run, settings_for_command, show
from config.goal_measures import MEASURES
from dashboard.goal_views import shown
from dashboard.goal_words import coverage_words, target_words, value_words
from services.goals.judging import GoalKeeper
from services.goals.models import Goal, Status
from services.goals.store import News, Result, Standing, standings_of
from services.runtime.clock import now

_LANG = "en"
# The period that goes on may have no day yet: then the one before is shown.
_PERIODS = 2


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    goals = typer.Typer(help="Service goals: list, evaluate.", no_args_is_help=True)
    app.add_typer(goals, name="goals")
    goals.command("list")(list_goals)
    goals.command("evaluate")(evaluate)


def list_goals(
    municipality: Annotated[str | None, typer.Option(help="Four-digit code; all if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """List goals with what was last said of them, the worst first."""
    rows = [row for row in run(_standings()) if municipality is None or row.goal.municipality == municipality]
    rows.sort(key=_worst_first)
    show(
        [_row(standing) for standing in rows],
        as_json=as_json,
        empty="no goal is registered: name goals in a registry file (docs/goals.md)",
    )


async def _standings() -> list[Standing]:
    async with every_municipality() as connection:
        return await standings_of(connection, periods=_PERIODS)


def evaluate(as_json: AsJson = False) -> None:
    """Judge all goals in all their periods now, and show what is new; what another process is judging is left to it."""
    show(
        [
            {
                "municipality": news.municipality,
                "goal": news.goal,
                "period_from": news.first_day,
                "is_over": news.is_over,
                "status": news.status.value,
                "version": news.version,
            }
            for news in sorted(
                run(_evaluate()), key=lambda news: (news.municipality, news.goal, news.first_day)
            )
        ],
        as_json=as_json,
        empty="nothing new: every goal stands as it was",
    )


async def _evaluate() -> list[News]:
    # Years of periods take as long as they take.
    async with open_database(settings_for_command(), statement_s=None) as database:
        return await GoalKeeper(database, measures=MEASURES, clock=now).once(everything=True)


def _worst_first(standing: Standing) -> tuple[int, str, str]:
    result, order = shown(standing.results), list(Status)
    rank = order.index(result.verdict.status) if result else len(order)
    return rank, standing.goal.municipality, standing.goal.id


def _row(standing: Standing) -> dict[str, object]:
    goal, result = standing.goal, shown(standing.results)
    return {
        "municipality": goal.municipality,
        "goal": goal.id,
        "metric": goal.metric,
        "about": _about(goal),
        "target": target_words(goal, _LANG),
        "every": goal.period,
        **(_said(goal, result) if result else dict.fromkeys(_SAID)),
    }


_SAID = ("period_from", "is_over", "status", "why", "value", "coverage", "version")


def _said(goal: Goal, result: Result) -> dict[str, object]:
    verdict = result.verdict
    value = None
    if verdict.value is not None:
        value = value_words(verdict.value, goal.metric, goal.comparator, lang=_LANG)
    said = (
        result.period.first,
        result.is_over,
        verdict.status.value,
        verdict.why and verdict.why.value,
        value,
        coverage_words(verdict.coverage, _LANG),
        result.version,
    )
    return dict(zip(_SAID, said, strict=True))


def _about(goal: Goal) -> str:
    if goal.scope.point:
        return goal.scope.point
    return f"all {goal.scope.point_kind or ''} points".replace("  ", " ")
