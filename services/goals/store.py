"""Goals and what is said of them, as they stand in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.goals.models import Budget, Goal, Part, Scope, Status, Verdict, Why, Window
from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.periods import Period

queries = load_queries(__package__)


@dataclass(frozen=True, slots=True)
class Result:
    """What is said of a goal in a period; `counted_to` is the last day in it, None where there is none yet."""

    municipality: str
    goal: str
    period: Period
    counted_to: date | None
    is_over: bool
    verdict: Verdict
    version: int
    evaluated_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A goal, and its results, the newest period first."""

    goal: Goal
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict on a goal in a window, about to be stored."""

    goal: Goal
    window: Window
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class News:
    """A result that is new, or says something else than before."""

    municipality: str
    goal: str
    first_day: date
    status: Status
    is_over: bool
    version: int


async def goals_of(connection: Connection) -> list[Goal]:
    """Return the goals of the municipalities in scope."""
    return [_goal(row) for row in await connection.fetch(queries.goals)]


async def standings_of(connection: Connection, *, periods: int) -> list[Standing]:
    """Return every goal in scope with what is said of it in its newest periods."""
    results: dict[tuple[str, str], list[Result]] = {}
    for row in await connection.fetch(queries.results, periods):
        results.setdefault((row["municipality"], row["goal"]), []).append(_result(row))
    return [
        Standing(goal, tuple(results.get((goal.municipality, goal.id), ())))
        for goal in await goals_of(connection)
    ]


async def keep_results(connection: Connection, said: Sequence[Said], *, now: datetime) -> list[News]:
    """Store what is said, and return what is new; of periods that were over, earlier versions stay."""
    columns = list(zip(*(_row(each) for each in said), strict=True)) or [()] * 17
    rows = await connection.fetch(queries.put_results, now, *(list(column) for column in columns))
    return [News(**{**row, "status": Status(row["status"])}) for row in rows]


def _row(said: Said) -> tuple[object, ...]:
    goal, window, verdict = said.goal, said.window, said.verdict
    days = window.measured
    budget = verdict.budget or (None, None)
    return (
        goal.municipality,
        goal.id,
        *window.period,
        days.last if days else None,
        window.is_over,
        verdict.status,
        verdict.why,
        *_numbers(verdict.value),
        *_numbers(verdict.projected),
        *_numbers(verdict.coverage),
        *budget,
        {
            part.point: {
                "value": None if part.value is None else str(part.value),
                "coverage": str(part.coverage),
            }
            for part in verdict.parts
        },
    )


def _numbers(value: Fraction | None) -> tuple[Decimal | None, Decimal | None]:
    return (None, None) if value is None else (Decimal(value.numerator), Decimal(value.denominator))


def _exact(part: Decimal | None, whole: Decimal | None) -> Fraction | None:
    return None if part is None or whole is None else Fraction(int(part), int(whole))


def _goal(row: Any) -> Goal:  # noqa: ANN401 - a row
    return Goal(
        municipality=row["municipality"],
        id=row["id"],
        metric=row["metric"],
        scope=Scope(row["municipality"], row["point"], row["point_kind"]),
        comparator=row["comparator"],
        target=Fraction(row["target"]),
        period=row["period"],
        owner=row["owner"],
        visibility=row["visibility"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        synthetic=row["synthetic"],
    )


def _result(row: Any) -> Result:  # noqa: ANN401 - a row
    return Result(
        municipality=row["municipality"],
        goal=row["goal"],
        period=Period(row["first_day"], row["last_day"]),
        counted_to=row["counted_to"],
        is_over=row["is_over"],
        verdict=Verdict(
            status=Status(row["status"]),
            coverage=Fraction(int(row["coverage_part"]), int(row["coverage_whole"])),
            value=_exact(row["value_part"], row["value_whole"]),
            projected=_exact(row["projected_part"], row["projected_whole"]),
            budget=None if row["allowance_ms"] is None else Budget(row["allowance_ms"], row["used_ms"]),
            why=None if row["why"] is None else Why(row["why"]),
            parts=tuple(
                Part(
                    point,
                    None if part["value"] is None else Fraction(part["value"]),
                    Fraction(part["coverage"]),
                )
                for point, part in sorted(row["parts"].items())
            ),
        ),
        version=row["version"],
        evaluated_at=row["evaluated_at"],
    )
