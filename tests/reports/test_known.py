"""What is known goes into the report as it is counted: to the millisecond, and nothing of anybody else."""

from datetime import date

from services.reports.known import known_of
from services.reports.making import contents
from services.reports.models import Availability, Outage
from services.reports.naming import ReportPeriod
from services.storage.database import Lane, Role
from tests.reports.reporting import AUGUST, DAY_MS, HOME, POINT, USAGE, YEAR, Desk

GOAL = """
INSERT INTO bypunkt.goal (municipality, id, metric, point, comparator, target, period, owner, visibility, valid_from)
VALUES ('0781', $1, $2, $3, 'at_least', 99, 'month', 'Kommunen', 'staff', '2026-01-01')
"""
RESULT = """
INSERT INTO bypunkt.goal_result (municipality, goal, first_day, last_day, is_over, status, value_part, value_whole,
    coverage_part, coverage_whole, parts, evaluated_at)
VALUES ('0781', $1, '2026-08-01', '2026-08-31', true, 'met', 9973, 100, 1, 1, '[]', now())
"""


async def test_month_of_a_point_is_its_days(at_desk: Desk) -> None:
    at_desk.outage = Outage(start=1, end=7_200_001)
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        known = await known_of(connection, at_desk.sources, HOME, AUGUST)
    (point,) = known.points
    assert (known.name, point.id, point.synthetic, point.longest) == ("Ljungby", POINT, True, at_desk.outage)
    assert len(point.steps) == 31
    assert point.steps[2].availability is not None
    assert point.steps[2].availability.clock.down == 7_200_000
    assert point.availability == Availability.total(step.availability for step in point.steps)
    assert point.availability is not None
    assert point.availability.clock.up == 31 * DAY_MS - 7_200_000 - 3_600_000
    assert (known.usage, point.usage) == (USAGE, USAGE)
    assert at_desk.asked == [HOME]


async def test_days_that_are_not_counted_are_none_and_not_nought(at_desk: Desk) -> None:
    await at_desk.admin.execute("DELETE FROM bypunkt.availability_day WHERE day = '2026-08-09'")
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        (point,) = (await known_of(connection, at_desk.sources, HOME, AUGUST)).points
    assert point.steps[8].availability is None
    assert point.availability is not None
    assert point.availability.days == 30


async def test_year_is_its_months_and_says_the_same(at_desk: Desk) -> None:
    for month, days in ((3, 31), (4, 30)):
        await at_desk.month(date(2025, month, 1), days=days)
    await at_desk.counted(date(2026, 9, 5))
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        year = await known_of(connection, at_desk.sources, HOME, YEAR)
        months = [
            await known_of(connection, at_desk.sources, HOME, ReportPeriod(f"2025-{month:02}"))
            for month in (3, 4)
        ]
    (point,) = year.points
    assert [step.availability is not None for step in point.steps] == [
        month in (3, 4) for month in range(1, 13)
    ]
    assert point.availability == Availability.total(known.points[0].availability for known in months)


async def test_municipality_is_the_sum_of_its_points_and_each_point_has_its_own(at_desk: Desk) -> None:
    await at_desk.admin.execute(
        "INSERT INTO bypunkt.service_point (municipality, id, kind, names)"
        """ VALUES ('0781', 'dp-agunnaryd', 'digital', '{"sv": "Agunnaryd"}')""",
    )
    for day in AUGUST.steps:
        await at_desk.day(day.first, down=1000, point="dp-agunnaryd")
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        whole, *each = contents(await known_of(connection, at_desk.sources, HOME, AUGUST))
    assert [(one.point, len(one.points)) for one in each] == [("dp-agunnaryd", 1), (POINT, 1)]
    assert whole.availability == Availability.total(one.availability for one in each)
    assert whole.availability is not None
    assert whole.availability.clock.down == 31_000 + 7_200_000
    assert [step.availability for step in whole.steps] == [
        Availability.total(one.steps[number].availability for one in each) for number in range(31)
    ]


async def test_goals_of_the_period_are_told_and_counts_of_visits_are_not(at_desk: Desk) -> None:
    for goal, metric, point in (("goal-1", "wifi_availability", POINT), ("goal-2", "visitor_days", None)):
        await at_desk.admin.execute(GOAL, goal, metric, point)
        await at_desk.admin.execute(RESULT, goal)
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        whole, of_point = contents(await known_of(connection, at_desk.sources, HOME, AUGUST))
        year = await known_of(connection, at_desk.sources, HOME, YEAR)
    assert [(goal.id, goal.value, goal.coverage, goal.status) for goal in whole.goals] == [
        ("goal-1", "9973/100", "1/1", "met"),
        ("goal-2", None, "1/1", "met"),
    ]
    assert [goal.id for goal in of_point.goals] == ["goal-1"]
    assert year.goals == ()
