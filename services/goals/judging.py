"""Goals are judged every quarter of an hour, in each period of which something may have changed; once a day in all.

What is stored is what judging everything afresh gives; what is as it was is not written. One question to the database
answers for all goals of a metric and period, in a transaction of its own. Several workers do no harm.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TypeAlias

import structlog

from services.goals.evaluation import evaluate
from services.goals.metrics import METRICS, Source
from services.goals.models import Goal, Measured, Scope, Why, Window
from services.goals.store import News, Said, goals_of, keep_results, queries
from services.log.lanes import lanes_in_use
from services.runtime.clock import Clock
from services.storage.database import Connection, Database, Lane, Role
from services.tenants.models import MetricName
from services.tenants.periods import Period, periods_of
from services.tenants.wallclock import SWEDEN

log = structlog.get_logger()

EVERY_S = 900.0
MARGIN = timedelta(hours=1)
NO_DATA_YET = Measured(None, Fraction(0), why=Why.NO_DATA_YET)
_NEVER = date(2000, 1, 1)

Measure: TypeAlias = Callable[[Connection, Sequence[Scope], Window], Awaitable[Mapping[Scope, Measured]]]
"""Measures a metric for several scopes at once, in the open transaction; a scope may be left out: nothing is known."""


@dataclass(frozen=True, slots=True)
class Question:
    """A metric in a window, and the goals that wait for the answer."""

    metric: MetricName
    window: Window
    goals: Sequence[Goal]


@dataclass(frozen=True, slots=True)
class Work:
    """The questions that are due, all (municipality, goal, first day) that there are, and when all were last asked."""

    due: Sequence[Question]
    periods: Sequence[tuple[str, str, date]]
    whole_on: date


class GoalKeeper:
    """Judges the goals of every lane until cancelled; a metric without a measure has no data yet."""

    def __init__(self, database: Database, *, measures: Mapping[MetricName, Measure], clock: Clock) -> None:
        self._database = database
        self._measures = measures
        self._clock = clock

    async def run(self) -> None:
        """Judge goals now, and every quarter of an hour."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self, *, everything: bool = False) -> list[News]:
        """Judge the goals of all lanes, and return what is new; `everything`: whether or not something has changed."""
        lanes = await lanes_in_use(self._database)
        # In any order: a lane that cannot be judged then does not hold up the same others for ever.
        return [
            news
            for lane in random.sample(lanes, len(lanes))
            for news in await self.turn(lane, everything=everything)
        ]

    async def turn(self, lane: int, *, everything: bool = False) -> list[News]:
        """Judge the goals of a lane; what another process is judging is left to it."""
        now = self._clock()
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            goals = await goals_of(connection)
            if not goals:
                return []
            work = await _work(connection, lane, goals, now=now, everything=everything)
        news: list[News] = []
        # In any order: one that cannot be answered then does not hold up the same others for ever.
        for question in random.sample(work.due, len(work.due)):
            answered = await self._answer(lane, question, now)
            if answered is None:
                return news
            news += answered
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(queries.drop_results, *_columns(work.periods))
            await connection.execute(queries.put_judged, lane, now, work.whole_on)
        return news

    async def _answer(self, lane: int, question: Question, now: datetime) -> list[News] | None:
        """Measure what a question asks, judge its goals by it and store that; None: another process is at it."""
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            if not await connection.fetchval(queries.take_turn, lane):
                return None
            scopes = {goal.scope for goal in question.goals}
            measured = await self._measured(connection, question.metric, scopes, question.window)
            said = [
                Said(
                    goal,
                    question.window,
                    evaluate(goal, measured[goal.scope], is_over=question.window.is_over),
                )
                for goal in question.goals
            ]
            news = await keep_results(connection, said, now=now)
        for each in news:
            log.info(
                "goal_judged",
                municipality=each.municipality,
                goal=each.goal,
                period=str(each.first_day),
                status=each.status,
                version=each.version,
            )
        return news

    async def _measured(
        self, connection: Connection, metric: MetricName, scopes: set[Scope], window: Window
    ) -> Mapping[Scope, Measured]:
        measure = self._measures.get(metric)
        if measure is None:
            return dict.fromkeys(scopes, NO_DATA_YET)
        asked = sorted(scopes, key=str)
        nothing = Measured(None, Fraction(0), why=Why.NOTHING_KNOWN)
        return dict.fromkeys(scopes, nothing) | dict(await measure(connection, asked, window))


async def _work(
    connection: Connection, lane: int, goals: Sequence[Goal], *, now: datetime, everything: bool
) -> Work:
    """What there is to judge in a lane, and of it what may have changed since the last time."""
    today = now.astimezone(SWEDEN).date()
    counted = await _counted(connection, lane, today)
    questions = _questions(goals, counted, today)
    periods = [
        (goal.municipality, goal.id, question.window.period.first)
        for question in questions
        for goal in question.goals
    ]
    last = await connection.fetchrow(queries.judged, lane)
    if everything or last is None or last["whole_on"] < today:
        return Work(questions, periods, today)
    held = {
        (row["municipality"], row["goal"], row["first_day"]): (row["counted_to"], row["is_over"])
        for row in await connection.fetch(queries.held)
    }
    # Who counted days before that may have made them known only afterwards.
    since = last["judged_at"] - MARGIN
    months = {row["month"] for row in await connection.fetch(queries.changed_months, since)}
    due = [question for question in questions if _is_due(question, held, months)]
    return Work(due, periods, last["whole_on"])


def _is_due(
    question: Question, held: Mapping[tuple[str, str, date], tuple[date | None, bool]], months: set[date]
) -> bool:
    window = question.window
    if METRICS[question.metric].source is Source.REGISTRY and not window.is_over:
        return True  # whoever changes the registry sees on the same day what becomes of it
    days = window.measured
    stands = (days.last if days else None, window.is_over)
    if any(held.get((goal.municipality, goal.id, window.period.first)) != stands for goal in question.goals):
        return True
    first = window.period.first.replace(day=1)
    return any(first <= month <= window.period.last for month in months)


def _questions(goals: Iterable[Goal], counted: Mapping[Source, date], today: date) -> list[Question]:
    """What has to be measured for goals: each metric in each period that has begun."""
    asked: dict[tuple[MetricName, Period], list[Goal]] = defaultdict(list)
    for goal in goals:
        for period in periods_of(goal.period, goal.valid_from, min(goal.valid_until or today, today)):
            asked[goal.metric, period].append(goal)
    return [
        Question(metric, Window(period, counted[METRICS[metric].source]), those)
        for (metric, period), those in asked.items()
    ]


async def _counted(connection: Connection, lane: int, today: date) -> Mapping[Source, date]:
    """Until which day (not included) each source can be measured; never what is not over yet."""
    row = await connection.fetchrow(queries.counted, lane)
    days = dict(row or {})
    availability = min(days.get("availability") or _NEVER, today)
    return {
        Source.AVAILABILITY: availability,
        # How much of the usage is known is a question to availability.
        Source.USAGE: min(days.get("usage") or _NEVER, availability),
        Source.REGISTRY: today,
        Source.NONE: today,
    }


def _columns(periods: Sequence[tuple[str, str, date]]) -> tuple[list[str], list[str], list[date]]:
    return [each[0] for each in periods], [each[1] for each in periods], [each[2] for each in periods]
