"""Every goal is judged again every quarter of an hour, in all its periods: so late truth reaches them all.

What is stored is what judging everything afresh gives; what is as it was is not written. One process at a time in a
lane, and several do no harm.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
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
NO_DATA_YET = Measured(None, Fraction(0), why=Why.NO_DATA_YET)
_NEVER = date(2000, 1, 1)

Measure: TypeAlias = Callable[[Connection, Sequence[Scope], Window], Awaitable[Mapping[Scope, Measured]]]
"""Measures a metric for several scopes at once, in the open transaction; a scope may be left out: nothing is known."""


class GoalKeeper:
    """Judges the goals of every lane until cancelled; a metric without a measure has no data yet."""

    def __init__(self, database: Database, *, measures: Mapping[MetricName, Measure], clock: Clock) -> None:
        self._database = database
        self._measures = measures
        self._clock = clock

    async def run(self) -> None:
        """Judge all goals now, and every quarter of an hour."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> list[News]:
        """Judge all goals, lane by lane, and return what is new."""
        lanes = await lanes_in_use(self._database)
        # In any order: a lane that cannot be judged then does not hold up the same others for ever.
        return [news for lane in random.sample(lanes, len(lanes)) for news in await self.turn(lane)]

    async def turn(self, lane: int) -> list[News]:
        """Judge the goals of a lane in one transaction; nothing where another process is at it."""
        now = self._clock()
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            if not await connection.fetchval(queries.take_turn, lane):
                return []
            goals = await goals_of(connection)
            if not goals:
                return []
            said = await self._say(connection, goals, await _counted(connection, lane, now), now)
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

    async def _say(
        self, connection: Connection, goals: Iterable[Goal], counted: Mapping[Source, date], now: datetime
    ) -> list[Said]:
        said = []
        for (metric, period), those in _by_question(goals, now.astimezone(SWEDEN).date()).items():
            window = Window(period, counted[METRICS[metric].source])
            measured = await self._measured(connection, metric, {goal.scope for goal in those}, window)
            said += [
                Said(goal, window, evaluate(goal, measured[goal.scope], is_over=window.is_over))
                for goal in those
            ]
        return said

    async def _measured(
        self, connection: Connection, metric: MetricName, scopes: set[Scope], window: Window
    ) -> Mapping[Scope, Measured]:
        measure = self._measures.get(metric)
        if measure is None:
            return dict.fromkeys(scopes, NO_DATA_YET)
        asked = sorted(scopes, key=str)
        nothing = Measured(None, Fraction(0), why=Why.NOTHING_KNOWN)
        return dict.fromkeys(scopes, nothing) | dict(await measure(connection, asked, window))


def _by_question(goals: Iterable[Goal], today: date) -> Mapping[tuple[MetricName, Period], list[Goal]]:
    """The goals by what has to be measured for them: a metric in a period that has begun."""
    questions: dict[tuple[MetricName, Period], list[Goal]] = defaultdict(list)
    for goal in goals:
        for period in periods_of(goal.period, goal.valid_from, min(goal.valid_until or today, today)):
            questions[goal.metric, period].append(goal)
    return questions


async def _counted(connection: Connection, lane: int, now: datetime) -> Mapping[Source, date]:
    """Until which day (not included) each source can be measured; never what is not over yet."""
    today = now.astimezone(SWEDEN).date()
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
