"""Reports are made when they are due, once, by one process; and again when what they say is no longer known."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from services.reports.making import make_on_demand
from services.reports.naming import Kind, ReportPeriod
from services.reports.options import ReportOptions
from services.reports.schedule import LATE, ReportMaker
from tests.reports.reporting import LATER, Desk

MAILED = ReportOptions(
    smtp_host="127.0.0.1", sender="rapport@example.org", recipients={"0781": ["kommunen@example.org"]}
)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def maker(
    desk: Desk, now: datetime = LATER, options: ReportOptions | None = None
) -> tuple[ReportMaker, Clock]:
    clock = Clock(now)
    return ReportMaker(desk.database, desk.sources, options or ReportOptions(), clock=clock), clock


async def made(desk: Desk) -> list[tuple[str, str, int]]:
    return sorted((one.name.period.written, one.name.kind, one.version) for one in await desk.all())


async def test_reports_are_made_three_days_after_the_month(at_desk: Desk) -> None:
    making, clock = maker(at_desk, datetime(2026, 9, 3, 21, 59, tzinfo=UTC))
    await making.once()
    assert await made(at_desk) == []
    clock.now += timedelta(minutes=1)  # midnight in Sweden
    await making.once()
    assert await made(at_desk) == [
        ("2026-08", Kind.MUNICIPALITY_MONTHLY, 1),
        ("2026-08", Kind.POINT_MONTHLY, 1),
    ]


async def test_nothing_is_made_of_days_that_are_not_counted(at_desk: Desk) -> None:
    await at_desk.counted(date(2026, 8, 31))
    await maker(at_desk)[0].once()
    assert await made(at_desk) == []


async def test_year_is_made_of_its_months(at_desk: Desk) -> None:
    await at_desk.month(date(2025, 5, 1))
    await at_desk.counted(date(2026, 9, 5))
    await maker(at_desk)[0].once()
    assert {period for period, _kind, _version in await made(at_desk)} == {"2025-05", "2025", "2026-08"}


async def test_several_workers_make_one_version(at_desk: Desk) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(maker(at_desk)[0].once())
    assert {version for _period, _kind, version in await made(at_desk)} == {1}
    assert len(await made(at_desk)) == 2


async def test_days_that_were_counted_again_make_the_next_version(at_desk: Desk) -> None:
    making, clock = maker(at_desk)
    await making.once()
    clock.now += LATE + timedelta(days=60)
    await making.once()
    assert len(await made(at_desk)) == 2
    await at_desk.day(date(2026, 8, 3))
    await at_desk.counted(date(2026, 9, 5), clock.now)
    clock.now += timedelta(minutes=10)
    await making.once()
    assert {version for _period, _kind, version in await made(at_desk)} == {1, 2}
    revised = {one.version: one.revised_by for one in await at_desk.all()}
    assert revised == {1: 2, 2: None}


async def test_days_that_were_counted_while_reports_were_made_are_not_missed(at_desk: Desk) -> None:
    """Their time of counting may lie before that of the look which did not see them."""
    making, clock = maker(at_desk, LATER + LATE + timedelta(days=60))
    await making.once()
    await at_desk.day(date(2026, 8, 3))
    await at_desk.counted(date(2026, 9, 5), clock.now - timedelta(minutes=1))
    clock.now += timedelta(minutes=10)
    await making.once()
    assert {version for _period, _kind, version in await made(at_desk)} == {1, 2}


async def test_period_that_ended_lately_is_looked_at_every_day(at_desk: Desk) -> None:
    making, clock = maker(at_desk)
    await making.once()
    at_desk.usage = None  # what came late is not in the days
    clock.now += timedelta(hours=23)
    await making.once()
    assert len(await made(at_desk)) == 2
    clock.now += timedelta(hours=2)
    await making.once()
    assert len(await made(at_desk)) == 4


async def test_turns_come_to_an_end(at_desk: Desk) -> None:
    making, _clock = maker(at_desk)
    async with asyncio.timeout(60):
        await making.once()
        await making.once()
    assert at_desk.asked == ["0781"]


@pytest.mark.parametrize(
    ("options", "later", "expected"),
    [
        (MAILED, timedelta(0), ["municipality_monthly"]),
        (MAILED, LATE, []),
        (ReportOptions(recipients={"0781": ["a@example.org"]}), timedelta(0), []),
        (MAILED.model_copy(update={"recipients": {"0583": ["a@example.org"]}}), timedelta(0), []),
    ],
)
async def test_only_the_municipality_report_is_mailed_and_only_where_somebody_waits(
    at_desk: Desk, options: ReportOptions, later: timedelta, expected: list[str]
) -> None:
    await maker(at_desk, LATER + later, options)[0].once()
    rows = await at_desk.admin.fetch("SELECT kind FROM bypunkt.report_mail")
    assert [row["kind"] for row in rows] == expected


async def test_report_that_was_made_by_hand_is_mailed_when_its_time_has_come(at_desk: Desk) -> None:
    making, clock = maker(at_desk, datetime(2026, 9, 2, 3, tzinfo=UTC), MAILED)
    by_hand = await make_on_demand(
        at_desk.database, at_desk.sources, "0781", period=ReportPeriod("2026-08"), now=clock.now
    )
    assert len(by_hand) == 2
    queued = []
    for _ in range(4):
        clock.now += timedelta(hours=25)
        await making.once()
        rows = await at_desk.admin.fetch("SELECT kind, version, due_at FROM bypunkt.report_mail")
        queued.append([tuple(row) for row in rows])
    mail = [("municipality_monthly", 1, datetime(2026, 9, 4, 5, tzinfo=UTC))]
    assert queued == [[], mail, mail, mail]
    assert len(await made(at_desk)) == 2


async def test_one_that_cannot_be_made_does_not_keep_the_others_from_it(at_desk: Desk) -> None:
    await at_desk.month(date(2026, 7, 1))
    await at_desk.counted(date(2026, 9, 5))
    await at_desk.admin.execute("UPDATE bypunkt.availability_day SET up_ms = -1 WHERE day = '2026-07-05'")
    making, _clock = maker(at_desk)
    for _ in range(20):
        try:
            await making.once()
        except ValueError:
            continue
    assert {period for period, _kind, _version in await made(at_desk)} == {ReportPeriod("2026-08").written}
