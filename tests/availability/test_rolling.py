"""Days are counted when they are over, once, and again when something of them has changed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from asyncpg import Connection as Asyncpg

from services.storage.database import Lane, Role
from tests.availability.counting import DAY, DEVICE, HOME, OTHER, POINT, at, counting, moment, wall

HOUR = 3_600_000


async def test_days_that_are_over_and_judged_are_counted_for_devices_and_points(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"), (at(1, 8), "silent"), (at(1, 9.5), "heard"))
        await lane.judged(at(1))
        await lane.count()
        assert await lane.rows() == []
        await lane.over(1)
        await lane.count()
        assert [(row["subject"], row["day"], row["up_ms"]) for row in await lane.rows()] == [
            (DEVICE, DAY, 24 * HOUR),
            (POINT, DAY, 24 * HOUR),
        ]
        await lane.over(3)
        await lane.count()
        assert [row["day"] - DAY for row in await lane.rows(POINT)] == [timedelta(n) for n in range(3)]
        for subject in (DEVICE, POINT):
            day = await lane.day(subject, 1)
            assert day is not None
            assert (day["up_ms"], day["down_ms"], day["outages"]) == (22.5 * HOUR, 1.5 * HOUR, 1)
            assert (day["open_up_ms"], day["hours_known"], day["version"]) == (22.5 * HOUR, True, 1)
        assert await lane.rows(OTHER) == []
        assert await lane.differences() == []


async def test_what_came_late_makes_a_new_version_and_the_old_one_stays_on_record(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"), (at(0, 6), "silent"), (at(2), "heard"))
        await lane.over(5)
        await lane.count()
        await lane.measure(
            DEVICE, (at(0), "heard"), (at(0, 6), "silent"), (at(1), "uplink_lost"), (at(2), "heard")
        )
        await lane.count()
        after = await lane.day(DEVICE, 1)
        assert after is not None
        assert (after["down_ms"], after["lost_ms"], after["version"]) == (0, 24 * HOUR, 2)
        (before,) = await lane.versions(DEVICE, 1)
        assert (before["version"], '"down_ms": 86400000' in before["figures"]) == (1, True)
        # Nothing else has changed: written again is not changed.
        assert [row["version"] for row in await lane.rows(DEVICE)] == [1, 2, 1, 1, 1]
        assert await lane.notes() == 0
        assert await lane.differences() == []


async def test_history_from_before_the_first_day_is_counted_too_and_taken_away_again(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.over(3)
        await lane.count()
        await lane.measure(DEVICE, (at(-40), "uplink_lost"), (at(0), "heard"))
        await lane.count()
        assert len(await lane.rows(POINT)) == 43
        assert await lane.differences() == []
        await lane.measure(DEVICE, (at(1), "heard"))
        await lane.count()
        assert [row["day"] for row in await lane.rows()] == [DAY + timedelta(n) for n in (1, 2)] * 2
        assert await lane.differences() == []
        assert len(await lane.admin.fetch("SELECT FROM bypunkt.availability_month")) == 2
        # What comes back goes on counting its versions.
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.count()
        again = await lane.day(POINT)
        assert again is not None
        assert again["version"] == 2


async def test_a_long_history_is_counted_in_parts(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(-1300), "heard"))
        await lane.measure(OTHER, (at(-1300), "silent"))
        await lane.over(1)
        # Two devices and a point have room for 1,666 days in a transaction, one and the point for 2,500.
        assert await lane.count() == 1
        await lane.measure(OTHER, (at(-4000), "silent"))
        assert await lane.count() == 2
        assert len(await lane.rows(POINT)) == 4001
        assert await lane.notes() == 0
        assert await lane.differences() == []


async def test_only_one_process_counts_in_a_lane(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.over(2)
        await lane.admin.execute("INSERT INTO bypunkt.availability_lane VALUES ($1)", lane.lane)
        async with lane.database.transaction(Role.WORKER, Lane(lane.lane)) as connection:
            await connection.execute("SELECT FROM availability_lane WHERE lane = $1 FOR UPDATE", lane.lane)
            assert not await lane.counter.turn(lane.lane)
            assert await lane.rows() == []
            assert await lane.differences() == [
                f"availability lane {lane.lane}: somebody else is counting, try again"
            ]
        await lane.count()
        assert len(await lane.rows(POINT)) == 2


async def test_calendars_are_laid_over_and_a_change_of_them_counts_anew(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"), (at(0, 12), "silent"))
        await lane.measure(OTHER, (at(0), "heard"))
        await lane.over(1)
        await lane.count()
        await lane.hours("09:00-13:00")
        assert await lane.differences() != []
        await lane.work(wall(0, 10), wall(0, 14), device=OTHER)
        await lane.count()
        assert await lane.differences() == []
        other, point = await lane.day(OTHER), await lane.day(POINT)
        assert other is not None
        assert point is not None
        assert (other["maintenance_ms"], other["up_ms"], other["open_up_ms"]) == (4 * HOUR, 20 * HOUR, HOUR)
        # From 12 to 14 only the one that is down is left at the point; from 9 to 13 it is open.
        assert (point["down_ms"], point["maintenance_ms"], point["version"]) == (2 * HOUR, 0, 2)
        assert (point["open_up_ms"], point["open_down_ms"]) == (3 * HOUR, HOUR)


async def test_a_rewritten_calendar_touches_what_it_said_before_as_well(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.over(20)
        await lane.count()
        await lane.work(wall(1, 10), wall(1, 14), point=POINT)
        await lane.count()
        await lane.admin.execute("UPDATE bypunkt.maintenance SET starts = '2026-09-20', ends = '2026-09-21'")
        touched = await lane.admin.fetch(
            "SELECT from_at::text, until_at::text FROM bypunkt.availability_touched ORDER BY 1"
        )
        assert [tuple(row) for row in touched] == [
            ("2026-09-07 08:00:00+00", "2026-09-09 12:00:00+00"),
            ("2026-09-18 22:00:00+00", "2026-09-21 22:00:00+00"),
        ]
        await lane.count()
        await lane.admin.execute(
            "INSERT INTO bypunkt.hours_exception VALUES ($1, $2, '2026-09-09', 'off')", HOME, POINT
        )
        await lane.admin.execute("UPDATE bypunkt.hours_exception SET day = '2026-09-12'")
        await lane.admin.execute("DELETE FROM bypunkt.hours_exception")
        days = await lane.admin.fetch("SELECT from_at::text FROM bypunkt.availability_touched ORDER BY id")
        assert [row[0][:10] for row in days] == ["2026-09-08", "2026-09-08", "2026-09-11", "2026-09-11"]
        await lane.count()
        assert await lane.notes() == 0


async def test_devices_that_move_or_go_out_of_service_count_where_and_while_they_stood(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "silent"))
        await lane.measure(OTHER, (at(0), "heard"))
        await lane.over(4)
        await lane.count()
        await lane.admin.execute(
            "INSERT INTO bypunkt.placement VALUES ($1, $2, $3, NULL, 'hotspot', true),"
            " ($1, $2, $4, NULL, 'hotspot', false)",
            HOME, OTHER, DAY + timedelta(days=1), DAY + timedelta(days=2),
        )  # fmt: skip
        await lane.admin.execute("SELECT bypunkt.touch($1, NULL, $2, '2026-09-07', 'infinity')", HOME, OTHER)
        await lane.count()
        assert await lane.differences() == []
        ups = [(row["up_ms"], row["down_ms"]) for row in await lane.rows(POINT)]
        # The device was moved at midnight UTC: two hours later in Sweden.
        assert ups == [(24 * HOUR, 0), (2 * HOUR, 22 * HOUR), (0, 24 * HOUR), (0, 24 * HOUR)]
        assert [row["blind_ms"] for row in await lane.rows(OTHER)] == [0, 0, 22 * HOUR]


async def test_a_table_that_was_tampered_with_is_found_out_and_counted_again(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.over(3)
        await lane.count()
        right = await lane.rows()
        await lane.admin.execute("UPDATE bypunkt.availability_day SET up_ms = 0 WHERE day = $1", DAY)
        await lane.admin.execute(
            "DELETE FROM bypunkt.availability_day WHERE day = $1", DAY + timedelta(days=2)
        )
        found = await lane.differences()
        assert len(found) == 6
        assert found[0].startswith("availability month 2026-09-01 0781")
        assert await lane.counter.rebuild(lane.lane) == []
        assert await lane.differences() == []
        assert [tuple(row)[:-1] for row in await lane.rows()] == [tuple(row)[:-1] for row in right]


async def test_a_day_of_many_devices_takes_no_more_statements(
    database_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        ask = getattr(Asyncpg, name)

        async def counted(
            self: object,
            query: str,
            *arguments: object,
            _ask: Callable[..., Awaitable[object]] = ask,
            **more: object,
        ) -> object:
            said.append(query)
            return await _ask(self, query, *arguments, **more)

        monkeypatch.setattr(Asyncpg, name, counted)
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        numbers = []
        for day in range(1, 4):
            await lane.over(day)
            said.clear()
            assert not await lane.counter.turn(lane.lane)
            numbers.append(len(said))
            await lane.admin.execute(
                "INSERT INTO bypunkt.device (municipality, id, kind, point, offline_after_s)"
                " SELECT $1, 'hs-many-' || $2 || '-' || n, 'hotspot', $3, 180 FROM generate_series(1, 40) AS n",
                HOME, str(day), POINT,
            )  # fmt: skip
            await lane.admin.execute(
                "INSERT INTO bypunkt.status_interval SELECT municipality, id, $1, NULL, 'up', 'heard'"
                " FROM bypunkt.device WHERE id LIKE 'hs-many-' || $2 || '-%'", moment(at(day)), str(day),
            )  # fmt: skip
            await lane.admin.execute("TRUNCATE bypunkt.availability_touched")
        assert len(await lane.rows()) == 2 + 42 + 82
    # The first time there is nothing yet that could have changed.
    assert numbers[0] + 1 == numbers[1] == numbers[2] < 20
