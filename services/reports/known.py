"""What is known of a municipality in a period: what reports are made of."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from services.reports.models import Availability, Clock, GoalPart, Outage, PointPart, Step, Usage
from services.reports.naming import ReportPeriod, ReportRefused
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)

# Of these goals the value may be told: it counts nobody's visits.
_TOLD = ("wifi_availability", "wifi_availability_open", "hours_per_week", "basic_services", "wifi_data_gb")


@dataclass(frozen=True, slots=True)
class UsageFound:
    """Use of a municipality and of its points, as it may be published."""

    whole: Usage | None = None
    points: Mapping[str, Usage] = field(default_factory=dict)


LongestOf: TypeAlias = Callable[[Connection, str, date, date], Awaitable[Mapping[str, Outage]]]
UsageOf: TypeAlias = Callable[[Connection, str, date, date], Awaitable[UsageFound]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What other parts answer about a municipality from a first to a last local day.

    `longest`: the longest outage of each point. `rules`: by which version of which rule figures are made.
    """

    longest: LongestOf
    usage: UsageOf
    rules: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a municipality in a period; its points carry their steps."""

    municipality: str
    name: str
    period: ReportPeriod
    points: tuple[PointPart, ...]
    usage: Usage | None
    goals: tuple[GoalPart, ...]
    rules: Mapping[str, int]


async def known_of(
    connection: Connection, sources: Sources, municipality: str, period: ReportPeriod
) -> Known:
    """Ask for all that is known of a municipality in a period (role worker, in its lane)."""
    name = await name_of(connection, municipality)
    days = (municipality, period.first, period.last)
    counted = await _steps(connection, period, municipality)
    usage = await sources.usage(connection, *days)
    longest = await sources.longest(connection, *days)
    points = tuple(
        PointPart(
            id=point["id"],
            names=point["names"],
            synthetic=point["synthetic"],
            availability=Availability.total(counted[point["id"]].values()),
            longest=longest.get(point["id"]),
            usage=usage.points.get(point["id"]),
            steps=tuple(
                Step(first=step.first, availability=counted[point["id"]].get(step.first))
                for step in period.steps
            ),
        )
        for point in await connection.fetch(queries.points, municipality)
        if point["id"] in counted or point["id"] in usage.points
    )
    goals = await connection.fetch(queries.goals, *days, _TOLD)
    return Known(
        municipality=municipality,
        name=name,
        period=period,
        points=points,
        usage=usage.whole,
        goals=tuple(GoalPart(**goal) for goal in goals),
        rules=sources.rules,
    )


async def name_of(connection: Connection, municipality: str) -> str:
    """What a municipality is called; raises `ReportRefused` when there is none with this code."""
    name: str | None = await connection.fetchval(queries.municipality, municipality)
    if name is None:
        raise ReportRefused(
            f"there is no municipality {municipality[:40]} here: `bypunkt import` brings it in"
        )
    return name


async def _steps(
    connection: Connection, period: ReportPeriod, municipality: str
) -> Mapping[str, Mapping[date, Availability]]:
    """The days of a month or the months of a year, by point, each as it is stored."""
    statement = queries.months if period.is_year else queries.days
    found: defaultdict[str, dict[date, Availability]] = defaultdict(dict)
    for row in await connection.fetch(statement, municipality, period.first, period.last):
        found[row["subject"]][row["first"]] = Availability(
            days=row["days"],
            clock=_clock(row, ""),
            service=_clock(row, "open_"),
            hours_known=row["hours_known"],
            outages=row["outages"],
        )
    return found


def _clock(row: Any, of: str) -> Clock:  # noqa: ANN401 - a row
    return Clock(**{name: row[f"{of}{name}_ms"] for name in Clock.model_fields})
