"""Usage of a stretch of days is the sum of its days, wherever the devices stood, and says how much of it is known."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import pytest

from services.storage.database import Connection, Database, Role, Tenants
from services.usage.store import Usage, Which, counted_until, hours_of, pages_of, published_pages_of, usage_of
from services.usage.suppression import Count, Published, count
from tests.support.villages import lane_of, villages
from tests.usage.counted import DAY, local, sessions, settled, views, visitors

HOTSPOT, OTHER = "hs-lidhult-1", "hs-lidhult-2"
FIRST, TODAY = date(2026, 1, 20), date(2026, 4, 8)
MOVE = "INSERT INTO bypunkt.placement VALUES ('0781', $1, $2, $3, 'hotspot', $3::text IS NOT NULL)"


@pytest.fixture
async def admin(admin_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with villages(database_url) as opened:
        yield opened


@asynccontextmanager
async def asking(database: Database, *municipalities: str) -> AsyncIterator[Connection]:
    """Ask as the web does."""
    async with database.transaction(Role.WEB, Tenants(municipalities or ("0781", "0583"))) as connection:
        yield connection


async def settle(database: Database, today: date = TODAY) -> None:
    await settled(database, await lane_of(database, "0781"), today)


def days(first: date, last: date) -> list[date]:
    return [first + number * DAY for number in range((last - first).days + 1)]


async def test_any_stretch_of_days_is_the_sum_of_its_days_and_is_published_as_their_sum(
    database: Database, admin: asyncpg.Connection
) -> None:
    """So the difference of two published figures is a published figure, and tells nothing more."""
    chance = Random(3)
    cells = {
        device: {day: chance.choice([0, 1, 3, 4, 5, 9, 30]) for day in days(FIRST, TODAY)}
        for device in (HOTSPOT, OTHER)
    }
    for device, told in cells.items():
        await sessions(admin, device, told.items())
        await visitors(admin, device, ((day, number, 1.0) for day, number in told.items()))
    await settle(database)
    async with asking(database) as connection:
        for _ in range(40):
            first, last = sorted(chance.choices(days(FIRST - 5 * DAY, TODAY + 5 * DAY), k=2))
            inside = [
                told[day] for told in cells.values() for day in told if first <= day <= last and day < TODAY
            ]
            found = await usage_of(connection, first, last, by="municipality")
            assert [(one.sessions, one.visitor_days.count) for one in found] == (
                [(count(inside), count(inside))] if inside else []
            )
            for one in await usage_of(connection, first, last, by="device"):
                its = [
                    cells[one.subject][day]
                    for day in cells[one.subject]
                    if first <= day <= last and day < TODAY
                ]
                assert one.sessions == count(its)
                assert one.session_seconds == 600 * sum(its)
    whole = count(number for told in cells.values() for day, number in told.items() if day < TODAY)
    assert whole.published.exact is None


async def test_a_day_belongs_to_the_point_where_its_end_saw_the_device(
    database: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "INSERT INTO bypunkt.service_point (municipality, id, kind, names, lat, lon)"
        " VALUES ('0781', 'dp-hamneda', 'digital', '{\"sv\": \"Hamneda (demo)\"}', 56.69, 13.85)"
    )
    await sessions(admin, HOTSPOT, ((day, 1 + day.month) for day in days(FIRST, TODAY)))
    moved, stored, back = date(2026, 2, 10), date(2026, 3, 3), date(2026, 3, 20)
    await admin.execute(MOVE, HOTSPOT, local(moved, 14), "dp-hamneda")
    await admin.execute(MOVE, HOTSPOT, local(stored, 9), None)
    await admin.execute(MOVE, HOTSPOT, local(back, 9), "dp-lidhult")
    await settle(database)
    first, last = FIRST, TODAY
    async with asking(database) as connection:
        found = {one.subject: one for one in await usage_of(connection, first, last, by="point")}
        (device,) = await usage_of(connection, first, last, by="device")
        (there,) = await usage_of(connection, first, last, by="device", which=Which(points=["dp-hamneda"]))
        none = await usage_of(connection, first, last, by="point", which=Which(devices=[OTHER]))
    lidhult = [*days(FIRST, moved - DAY), *days(back, TODAY - DAY)]
    hamneda = days(moved, stored - DAY)
    assert found["dp-lidhult"].sessions == count(1 + day.month for day in lidhult)
    assert found["dp-hamneda"].sessions == there.sessions == count(1 + day.month for day in hamneda)
    assert found.keys() == {"dp-lidhult", "dp-hamneda"}
    assert device.sessions.total == sum(1 + day.month for day in days(FIRST, TODAY - DAY))
    assert (found["dp-hamneda"].visitor_days.expected, found["dp-lidhult"].visitor_days.expected) == (
        len(hamneda),
        len(lidhult),
    )
    assert none == []


async def test_visitor_days_say_how_many_days_of_devices_they_know(
    database: Database, admin: asyncpg.Connection
) -> None:
    begun = date(2026, 2, 2)
    # Heard of from its first day on, told every other day, and half of each.
    await sessions(admin, HOTSPOT, [(begun, 1)])
    await visitors(admin, HOTSPOT, ((day, 7, 0.5) for day in days(begun, begun + 27 * DAY)[::2]))
    await settle(database)
    async with asking(database) as connection:
        (found,) = await usage_of(connection, FIRST, begun + 27 * DAY, by="point")
        (later,) = await usage_of(connection, FIRST, TODAY + 300 * DAY, by="point")
    assert found.visitor_days.count == Count(98)
    assert (found.visitor_days.reported, found.visitor_days.expected) == (14, 28)
    assert found.visitor_days.coverage == 0.25
    assert later.visitor_days.expected == (TODAY - begun).days
    async with asking(database) as connection:
        assert (await counted_until(connection)) == {"0781": TODAY}


async def test_traffic_of_the_nights_on_which_the_clock_moves(
    database: Database, admin: asyncpg.Connection
) -> None:
    """A radio carries 1 byte and 2 clients in every hour: the days have 23, 24 and 25 of them."""
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    for day in (spring, spring + DAY, autumn, autumn + DAY):
        await admin.execute(
            "INSERT INTO bypunkt.usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum,"
            " clients_n, down_bytes, up_bytes, estimated, kiosk_sessions, kiosk_views)"
            " SELECT '0781', $1, h, 'wlan0', 12, 3, 24, 12, 1, 2, false, 0, 0"
            " FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 second', interval '1 hour') AS h",
            HOTSPOT,
            local(day),
            local(day + DAY),
        )
    await settle(database, date(2026, 12, 1))
    async with asking(database) as connection:
        for day, hours in ((spring, 23), (spring + DAY, 24), (autumn, 25), (autumn + DAY, 24)):
            (one,) = await usage_of(connection, day, day, by="device")
            assert (one.traffic.down_bytes, one.traffic.up_bytes, one.traffic.client_hours) == (
                hours,
                2 * hours,
                hours,
            )
            assert (one.traffic.clients_max, one.traffic.clients_mean) == (3, 2.0)
            assert len(await hours_of(connection, local(day), local(day + DAY), by="point")) == hours
        (year,) = await usage_of(connection, date(2026, 1, 1), date(2026, 12, 31), by="point")
    assert year.traffic.down_bytes == 96


async def test_hours_are_there_at_once_and_put_radios_and_sessions_together(
    database: Database, admin: asyncpg.Connection
) -> None:
    for device, iface, most in ((HOTSPOT, "wlan0", 4), (HOTSPOT, "wlan1", 3), (OTHER, "wlan0", 9)):
        await admin.execute(
            "INSERT INTO bypunkt.usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum,"
            " clients_n, down_bytes, up_bytes, estimated, kiosk_sessions, kiosk_views)"
            " VALUES ('0781', $1, $2, $3, 1, $4, 2, 1, 10, 1, $5, 1, 2)",
            device, local(TODAY, 12), iface, most, device == OTHER,
        )  # fmt: skip
    await sessions(admin, HOTSPOT, [(TODAY, 2)])
    async with asking(database) as connection:
        (hour,) = await hours_of(connection, local(TODAY), local(TODAY + DAY), by="point")
        nothing = await hours_of(connection, local(TODAY + DAY), local(TODAY + 2 * DAY), by="point")
    assert nothing == []
    assert (hour.subject, hour.hour) == ("dp-lidhult", local(TODAY, 12).astimezone(UTC))
    assert (hour.traffic.clients_max, hour.traffic.clients_mean) == (9, 3.0)
    assert (hour.traffic.down_bytes, hour.traffic.estimated) == (30, True)
    assert (hour.sessions, hour.session_seconds, hour.kiosk_sessions, hour.kiosk_views) == (2, 1200, 3, 6)


async def test_pages_by_language_and_what_is_published_of_them(
    database: Database, admin: asyncpg.Connection
) -> None:
    january, march = date(2026, 1, 25), date(2026, 3, 5)
    await views(
        admin, HOTSPOT, [(january, "start", "sv", 9), (january, "buss", "sv", 2), (january, "buss", "en", 4)]
    )
    await views(admin, OTHER, [(january, "start", "sv", 3), (january, "buss", "sv", 6)])
    await views(
        admin,
        HOTSPOT,
        [(march, "start", "sv", 8), (TODAY - DAY, "start", "sv", 100), (TODAY, "start", "sv", 5)],
    )
    await settle(database)
    async with asking(database) as connection:
        found = await pages_of(connection, FIRST, TODAY, by="point")
        (few,) = await pages_of(connection, march, TODAY - 2 * DAY, by="point")
        public = await published_pages_of(connection, FIRST, TODAY, by="point")
    assert {(one.page, one.lang): one.views for one in found} == {
        ("start", "sv"): 120, ("buss", "sv"): 8, ("buss", "en"): 4,
    }  # fmt: skip
    assert few.views == 8
    # April is not over.
    assert {(one.page, one.lang): one.views for one in public} == {
        ("start", "sv"): Published(18, 21), ("buss", "sv"): Published(7, 10), ("buss", "en"): Published(1, 4),
    }  # fmt: skip


async def test_nobody_sees_another_municipality(database: Database, admin: asyncpg.Connection) -> None:
    await sessions(admin, HOTSPOT, [(FIRST, 8)])
    await views(admin, HOTSPOT, [(FIRST, "start", "sv", 8)])
    await settle(database)
    async with asking(database, "0583") as connection:
        everything: list[object] = [
            *await usage_of(connection, FIRST, TODAY, by="municipality"),
            *await hours_of(connection, local(FIRST), local(TODAY), by="municipality"),
            *await pages_of(connection, FIRST, TODAY, by="municipality"),
            *await published_pages_of(connection, FIRST, TODAY, by="municipality"),
        ]
    assert everything == []
    async with asking(database, "0781") as connection:
        assert isinstance((await usage_of(connection, FIRST, TODAY, by="municipality"))[0], Usage)


async def test_what_is_not_over_is_not_in_it(database: Database, admin: asyncpg.Connection) -> None:
    await sessions(admin, HOTSPOT, [(TODAY - DAY, 8), (TODAY, 9)])
    await settle(database)
    async with asking(database) as connection:
        (found,) = await usage_of(connection, TODAY - DAY, TODAY, by="device")
        assert found.sessions.total == 8
        hours = await hours_of(
            connection, datetime.min.replace(tzinfo=UTC) + timedelta(days=2), local(TODAY + DAY), by="device"
        )
    assert [hour.sessions for hour in hours] == [8, 9]
