"""Reports are made of what is known, and made again when that has changed."""

from collections.abc import Iterator
from datetime import date, datetime

from services.log.lanes import lanes_for
from services.reports.known import Known, Sources, known_of, name_of
from services.reports.models import Availability, Content, GoalPart, PointPart, Step, Usage
from services.reports.naming import ReportPeriod, ReportRefused
from services.reports.store import Made, keep, queries
from services.storage.database import Connection, Database, Lane, Role
from services.tenants.wallclock import milliseconds, swedish


def contents(known: Known) -> Iterator[Content]:
    """The report of the municipality, and one of each point of which there is anything to say."""
    firsts = [step.first for step in known.period.steps]
    totals = tuple(
        Step(
            first=first,
            availability=Availability.total(point.steps[number].availability for point in known.points),
        )
        for number, first in enumerate(firsts)
    )
    yield _content(
        known,
        point=None,
        availability=Availability.total(point.availability for point in known.points),
        usage=known.usage,
        steps=totals,
        points=tuple(point.model_copy(update={"steps": ()}) for point in known.points),
        goals=known.goals,
    )
    for point in known.points:
        yield _content(
            known,
            point=point.id,
            availability=point.availability,
            usage=point.usage,
            steps=point.steps,
            points=(point.model_copy(update={"steps": ()}),),
            goals=tuple(goal for goal in known.goals if goal.point == point.id),
        )


def _content(
    known: Known,
    *,
    point: str | None,
    availability: Availability | None,
    usage: Usage | None,
    steps: tuple[Step, ...],
    points: tuple[PointPart, ...],
    goals: tuple[GoalPart, ...],
) -> Content:
    return Content(
        kind=known.period.kind(of_point=point is not None),
        municipality=known.municipality,
        name=known.name,
        point=point,
        period=known.period.written,
        first=known.period.first,
        last=known.period.last,
        rules=dict(known.rules),
        availability=availability,
        usage=usage,
        steps=steps,
        points=points,
        goals=goals,
    )


async def make(
    connection: Connection, sources: Sources, municipality: str, *, period: ReportPeriod, now: datetime
) -> list[Made]:
    """Make the reports of a period, whose row this transaction holds, and return the versions that are new."""
    known = await known_of(connection, sources, municipality, period)
    made: list[Made] = []
    if known.points:
        made = await keep(connection, municipality, period, contents=contents(known), now=now)
    await connection.execute(queries.checked, municipality, period.written, now)
    return made


async def make_on_demand(
    database: Database, sources: Sources, municipality: str, *, period: ReportPeriod, now: datetime
) -> list[Made]:
    """Make the reports of a period now; raises `ReportRefused` when it is not over, or its days are not counted yet."""
    if period.ends > swedish(milliseconds(now)).date():
        raise ReportRefused(f"{period.written} is not over: a report is made of whole days that are")
    lane = await _lane(database, municipality)
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        await name_of(connection, municipality)
        counted: date | None = await connection.fetchval(queries.counted_until, lane)
        if counted is None or counted < period.ends:
            until = "no day is" if counted is None else f"only the days before {counted} are"
            raise ReportRefused(f"{until} counted so far: start `bypunkt run --role worker`, or wait for it")
        await connection.execute(queries.hold_period, municipality, period.written, period.first, period.ends)
        return await make(connection, sources, municipality, period=period, now=now)


async def _lane(database: Database, municipality: str) -> int:
    return (await lanes_for(database, [municipality]))[municipality]
