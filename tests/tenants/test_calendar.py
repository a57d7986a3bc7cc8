"""Calendars as they were at each instant: hours, status, places, planned work."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from services.runtime.spans import Span, Spans, length
from services.storage.database import Database, Lane, Role, Scope, Tenants
from services.tenants.calendar import Calendars, PointTerms, Standing, calendars, open_time
from services.tenants.importing import import_registry
from services.tenants.maintenance import Work, plan
from services.tenants.models import RegistryFile
from services.tenants.wallclock import swedish, whole_days
from tests.support.villages import lane_of, registry, villages

HOUR = 3_600_000
MONDAY = date(2026, 9, 14)
TUESDAY = MONDAY + timedelta(days=1)
FRIDAY = MONDAY + timedelta(days=4)
WHOLE_WEEK = whole_days(MONDAY, MONDAY + timedelta(days=6))


def noon(day: date) -> int:
    return whole_days(day, day).start + 12 * HOUR


def hours(spans: Spans | None) -> float:
    assert spans is not None
    return length(spans) / HOUR


def of_day(spans: Spans | None) -> list[str]:
    assert spans is not None
    return [f"{swedish(edge):%d %H:%M}" for span in spans for edge in span]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([PointTerms(WHOLE_WEEK, "Mo-Fr 09:00-18:00", "active")], 45.0),
        ([PointTerms(WHOLE_WEEK, "Mo-Fr 09:00-18:00", "pilot")], 45.0),
        ([PointTerms(WHOLE_WEEK, "Mo-Fr 09:00-18:00", "paused")], 0.0),
        ([PointTerms(WHOLE_WEEK, "Mo-Fr 09:00-18:00", "planned")], 0.0),
        ([PointTerms(WHOLE_WEEK, None, "closed")], 0.0),
        ([PointTerms(WHOLE_WEEK, None, "active")], None),
        ([], None),
        # Other hours from Tuesday noon on, and none after Friday noon.
        (
            [
                PointTerms(Span(0, noon(TUESDAY)), "Mo-Fr 09:00-18:00", "active"),
                PointTerms(Span(noon(TUESDAY), noon(FRIDAY)), "24/7", "active"),
                PointTerms(Span(noon(FRIDAY), WHOLE_WEEK.end), "24/7", "paused"),
            ],
            9 + 3 + 72,
        ),
        (
            [
                PointTerms(Span(0, noon(TUESDAY)), None, "active"),
                PointTerms(Span(noon(TUESDAY), WHOLE_WEEK.end), "24/7", "active"),
            ],
            None,
        ),
    ],
    ids=range(9),
)
def test_a_point_is_open_by_the_hours_and_the_status_of_each_instant(
    terms: list[PointTerms], expected: float | None
) -> None:
    spans = open_time(terms, {}, MONDAY, MONDAY + timedelta(days=6))
    assert (None if spans is None else hours(spans)) == expected


def test_an_exception_holds_in_the_open_time_of_a_point() -> None:
    terms = [PointTerms(WHOLE_WEEK, "Mo-Fr 09:00-18:00", "active")]
    assert hours(open_time(terms, {FRIDAY: "off"}, MONDAY, FRIDAY)) == 36.0


async def read(database: Database, role: Role, scope: Scope, first: date, last: date) -> Calendars:
    async with database.transaction(role, scope) as connection:
        return await calendars(connection, first, last)


async def plan_for(database: Database, municipality: str, starts: str, ends: str, **on: str) -> None:
    async with database.transaction(Role.WEB, Tenants((municipality,))) as connection:
        await plan(
            connection,
            Work(
                municipality=municipality,
                starts=datetime.fromisoformat(starts),
                ends=datetime.fromisoformat(ends),
                reason="New antenna",
                **on,
            ),
        )


async def test_worker_and_web_read_the_same_and_nobody_else_s(database_url: str) -> None:
    async with villages(database_url) as database:
        await plan_for(database, "0583", "2026-09-15T08:00", "2026-09-15T10:00")
        lane = await lane_of(database, "0583")
        as_worker = await read(database, Role.WORKER, Lane(lane), MONDAY, FRIDAY)
        as_web = await read(database, Role.WEB, Tenants(("0583",)), MONDAY, FRIDAY)
        for seen in (as_worker, as_web):
            point = seen.of_point("0583", "sp-fornasa")
            assert hours(point.open) == 45.0
            assert of_day(point.maintenance) == ["15 08:00", "15 10:00"]
            assert seen.of_device("0583", "hs-fornasa-1") == point
            assert seen.of_point("0781", "dp-lidhult").open is None
            assert seen.placements("0781", "dp-lidhult") == ()
        assert as_web.placements("0583", "sp-fornasa") == (
            Standing("hs-fornasa-1", "hotspot", (whole_days(MONDAY, FRIDAY),)),
        )


async def test_work_reaches_what_stands_in_what_is_worked_on(database_url: str) -> None:
    async with villages(database_url) as database:
        await plan_for(database, "0781", "2026-09-14T01:00", "2026-09-14T02:00")
        await plan_for(database, "0781", "2026-09-14T03:00", "2026-09-14T04:00", point="dp-lidhult")
        await plan_for(database, "0781", "2026-09-14T03:30", "2026-09-14T05:00", device="hs-lidhult-1")
        await plan_for(database, "0781", "2026-09-14T23:00", "2026-09-15T01:00", rule="FREQ=DAILY;COUNT=2")
        seen = await read(database, Role.WEB, Tenants(("0781",)), MONDAY, TUESDAY)
    nightly = ["14 23:00", "15 01:00", "15 23:00", "16 00:00"]
    first = ["14 01:00", "14 02:00"]
    assert of_day(seen.of_point("0781", "dp-lidhult").maintenance) == [
        *first,
        "14 03:00",
        "14 04:00",
        *nightly,
    ]
    assert of_day(seen.of_device("0781", "hs-lidhult-2").maintenance) == [
        *first, "14 03:00", "14 04:00", *nightly,
    ]  # fmt: skip
    assert of_day(seen.of_device("0781", "hs-lidhult-1").maintenance) == [
        *first, "14 03:00", "14 05:00", *nightly,
    ]  # fmt: skip
    tuesday = seen.on(TUESDAY)
    assert of_day(tuesday.of_point("0781", "dp-lidhult").maintenance) == [
        "15 00:00", "15 01:00", "15 23:00", "16 00:00",
    ]  # fmt: skip
    assert of_day(tuesday.of_point("0781", "dp-lidhult").open) == ["15 00:00", "16 00:00"]


async def change(url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": "bypunkt"})
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def test_a_device_has_the_calendar_of_where_it_stood(database_url: str, admin_url: str) -> None:
    """hs-lidhult-1 is carried off on Tuesday noon and put into service in Fornåsa's shop on Friday noon."""
    async with villages(database_url) as database:
        await import_registry(
            database,
            RegistryFile.model_validate({"service_points": [
                {"id": "sp-agunnaryd", "kind": "fixed", "municipality": "0781", "name": {"sv": "Agunnaryd (demo)"},
                 "opening_hours": "Mo-Su 09:00-18:00"},
            ]}),
        )  # fmt: skip
        for day, then in ((TUESDAY, None), (FRIDAY, "sp-agunnaryd")):
            await change(
                admin_url,
                "INSERT INTO placement VALUES ('0781', 'hs-lidhult-1', $1, $2::text, 'hotspot', $2 IS NOT NULL)",
                datetime.fromtimestamp(noon(day) / 1000, UTC),
                then,
            )
        await plan_for(database, "0781", "2026-09-15T11:00", "2026-09-15T13:00", point="dp-lidhult")
        await plan_for(database, "0781", "2026-09-18T11:00", "2026-09-18T13:00", point="sp-agunnaryd")
        last = FRIDAY + timedelta(days=1)
        seen = await read(database, Role.WEB, Tenants(("0781",)), MONDAY, last)
        async with database.transaction(Role.WEB, Tenants(("0781",))) as connection:
            of_it = await calendars(connection, MONDAY, last, devices=["hs-lidhult-1"], points=[])
            of_shop = await calendars(connection, MONDAY, last, points=["sp-agunnaryd"])
    name = ("0781", "hs-lidhult-1")
    assert seen.of_device(*name).open is None
    assert seen.on(TUESDAY).of_device(*name).open is None
    assert hours(seen.on(MONDAY).of_device(*name).open) == 24.0
    assert hours(seen.on(last).of_device(*name).open) == 9.0
    assert of_day(seen.of_device(*name).maintenance) == ["15 11:00", "15 12:00", "18 12:00", "18 13:00"]
    assert seen.placements("0781", "dp-lidhult") == (
        Standing("hs-lidhult-1", "hotspot", (Span(whole_days(MONDAY, MONDAY).start, noon(TUESDAY)),)),
        Standing("hs-lidhult-2", "hotspot", (whole_days(MONDAY, last),)),
    )
    carried_in = (Standing("hs-lidhult-1", "hotspot", (Span(noon(FRIDAY), whole_days(last, last).end),)),)
    assert seen.placements("0781", "sp-agunnaryd") == of_shop.placements("0781", "sp-agunnaryd") == carried_in
    assert of_it.of_device(*name) == seen.of_device(*name)
    assert of_it.on(last).of_device(*name) == seen.on(last).of_device(*name)
    assert of_shop.of_point("0781", "sp-agunnaryd") == seen.of_point("0781", "sp-agunnaryd")
    assert of_shop.of_point("0781", "dp-lidhult").open is None


async def test_a_device_that_is_not_in_service_does_not_count_where_it_stands(database_url: str) -> None:
    async with villages(database_url, lifecycle="registered") as database:
        seen = await read(database, Role.WEB, Tenants(("0781",)), MONDAY, MONDAY)
    assert seen.placements("0781", "dp-lidhult") == ()
    assert hours(seen.of_device("0781", "hs-lidhult-1").open) == 24.0


async def test_what_changes_today_changes_nothing_of_yesterday(database_url: str) -> None:
    async with villages(database_url) as database:
        yesterday = swedish(int(datetime.now(UTC).timestamp() * 1000)).date() - timedelta(days=1)
        before = await read(database, Role.WEB, Tenants(("0781",)), yesterday, yesterday)
        villages_now = registry().model_dump(exclude_none=True)
        villages_now["service_points"][0] |= {"opening_hours": "Mo 08:00-09:00", "status": "paused"}
        await import_registry(database, RegistryFile.model_validate(villages_now))
        after = await read(database, Role.WEB, Tenants(("0781",)), yesterday, yesterday)
        later = yesterday + timedelta(days=2)
        then = await read(database, Role.WEB, Tenants(("0781",)), later, later)
    assert before.of_point("0781", "dp-lidhult") == after.of_point("0781", "dp-lidhult")
    assert hours(after.of_point("0781", "dp-lidhult").open) in {23.0, 24.0, 25.0}
    assert then.of_point("0781", "dp-lidhult").open == ()


async def test_the_number_of_statements_does_not_grow(database_url: str) -> None:
    async with villages(database_url) as database:
        asked: list[str] = []
        async with database.transaction(Role.WEB, Tenants(("0781", "0583"))) as connection:
            connection.add_query_logger(lambda record: asked.append(record.query))
            await calendars(connection, MONDAY, FRIDAY)
            await calendars(connection, MONDAY, MONDAY, points=["dp-lidhult"])
    # asyncpg tells of a statement a moment later.
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 8
