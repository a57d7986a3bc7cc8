"""Sessions, visitor-days and pages: what is kept of them, and what is not counted twice."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from services.ingest.models import Accepted
from services.log.follow import Follower, LaneSignals, rebuild_lane, verify_lane
from services.log.options import RetentionOptions
from services.log.retention import Retention
from services.storage.database import Connection, Database, Lane, Role
from services.usage.parts import PARTS, Read, Rows, count_again
from services.usage.reading import UsageReading
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TODAY = NOON.date()


def ended(number: int, *, hours: float = 0.0, seconds: int = 60) -> Accepted:
    """Return the end of a session, some hours after noon."""
    data = {"duration_s": seconds, "end_reason": "idle"}
    return heartbeat(
        number,
        type="wifi.session_end",
        retention="short",
        at=NOON + hours * HOUR + number * timedelta(seconds=1),
        data=data,
    )


def told(number: int, day: date, distinct: int, *, hours: float = 0.0) -> Accepted:
    """Return a device's count of a day."""
    data = {"day": day.isoformat(), "distinct": distinct, "coverage_pct": 99.5}
    return heartbeat(number, id=f"v-{number:03}", type="wifi.visitors", at=NOON + hours * HOUR, data=data)


async def read(database: Database, *, days: float = 0.0) -> None:
    """Read all that has come, by a worker that has just been started, some days later."""
    lane = await lane_of(database, "0781")
    follower = Follower(
        database, UsageReading(), lane, clock=lambda: NOON + days * DAY, signals=LaneSignals()
    )
    while (await follower.step()).events:
        pass
    assert await verify_lane(database, UsageReading(), lane) == []


async def rows(admin_url: str, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    """Look at what is stored, or change it."""
    admin = await asyncpg.connect(admin_url, server_settings={"search_path": "bypunkt"})
    try:
        return [tuple(row) for row in await admin.fetch(statement, *arguments)]
    finally:
        await admin.close()


async def test_sessions_are_counted_in_the_hour_of_their_end(database_url: str, admin_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, ended(1), ended(2, seconds=30), ended(3, hours=1))
        await read(database)
        await add(database, ended(2, seconds=30), ended(4))
        await read(database)
    found = await rows(admin_url, "SELECT hour, sessions, session_seconds FROM usage_session ORDER BY hour")
    assert found == [(NOON, 3, 150), (NOON + HOUR, 1, 60)]


async def test_the_newest_report_of_a_day_counts_in_whatever_order_they_come(
    database_url: str, admin_url: str
) -> None:
    async with villages(database_url) as database:
        await add(database, told(1, TODAY, 4, hours=1), told(3, TODAY, 6, hours=3), told(9, TODAY - DAY, 8))
        await read(database)
        await add(database, told(2, TODAY, 5, hours=2), told(1, TODAY, 4, hours=1))
        await read(database)
        # Of the same instant the greater id counts, whichever comes first.
        await add(database, told(8, TODAY - DAY, 7))
        await read(database)
    found = await rows(admin_url, "SELECT day, visitors, coverage FROM usage_visitors ORDER BY day")
    assert found == [(TODAY - DAY, 8, 9950), (TODAY, 6, 9950)]


async def test_a_day_that_a_device_cannot_know_is_not_counted(database_url: str, admin_url: str) -> None:
    async with villages(database_url) as database:
        days = (TODAY + DAY, TODAY - 32 * DAY, date(1970, 1, 1), TODAY - 31 * DAY)
        await add(database, *(told(number, day, 5) for number, day in enumerate(days)))
        await read(database, days=2)
    assert await rows(admin_url, "SELECT day FROM usage_visitors") == [(TODAY - 31 * DAY,)]


async def test_pages_are_counted_by_local_day_and_language(database_url: str, admin_url: str) -> None:
    midnight = NOON + 10 * HOUR  # 00:00 in Sweden
    said = [("start", "sv", -1), ("start", "sv", -2), ("start", "en", -1), ("buss/tider", "sv", 0)]
    async with villages(database_url) as database:
        await add(
            database,
            *(
                heartbeat(
                    number, type="kiosk.view", at=midnight + seconds * timedelta(seconds=1),
                    data={"page": page, "lang": lang},
                )
                for number, (page, lang, seconds) in enumerate(said)
            ),
        )  # fmt: skip
        await read(database, days=2)
    found = await rows(admin_url, "SELECT day, page, lang, views FROM usage_page_day ORDER BY 1, 2, 3")
    assert found == [
        (TODAY, "start", "en", 1),
        (TODAY, "start", "sv", 2),
        (TODAY + DAY, "buss/tider", "sv", 1),
    ]
    month = await rows(admin_url, "SELECT sum(views) FROM usage_page_month")
    assert month == [(4,)]


async def test_a_day_is_counted_after_its_midnight_and_again_when_something_comes_late(
    database_url: str, admin_url: str
) -> None:
    days = "SELECT day, sessions, visitors FROM usage_day ORDER BY day"
    async with villages(database_url) as database:
        await add(database, ended(1))
        await read(database, days=0.4)
        assert await rows(admin_url, days) == []
        await read(database, days=0.5)  # 00:00 in Sweden has passed
        assert await rows(admin_url, days) == [(TODAY, 1, None)]
        await add(database, told(5, TODAY, 7, hours=13), ended(2), ended(3, hours=13))
        await read(database, days=0.6)
        assert await rows(admin_url, days) == [(TODAY, 2, 7)]
        month = await rows(
            admin_url, "SELECT days, sessions, sessions_few, visitors, visitors_days FROM usage_month"
        )
        assert month == [(1, 2, 2, 7, 1)]
        await read(database, days=3)
        assert await rows(admin_url, days) == [(TODAY, 2, 7), (TODAY + DAY, 1, None)]


async def test_sessions_are_erased_only_when_they_have_been_counted_and_stay_counted(
    database_url: str, admin_url: str
) -> None:
    kept = "SELECT hour, sessions, session_seconds FROM usage_session"
    later = NOON + 49 * HOUR
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        job = Retention(database, RetentionOptions(), readings=("usage",), clock=lambda: later)
        await add(database, ended(1), ended(2))
        await job.once()
        assert await rows(admin_url, "SELECT count(*) FROM event WHERE data <> '{}'") == [(2,)]
        await read(database)
        await job.once()
        assert await rows(admin_url, "SELECT count(*) FROM event WHERE data <> '{}'") == [(0,)]
        assert await rows(admin_url, kept) == [(NOON, 2, 120)]
        # One more of the same hour comes late: the hour can never be counted again from the log.
        await add(database, ended(3))
        await read(database)
        await rebuild_lane(database, UsageReading(), lane, now=NOON)
        assert await rows(admin_url, kept) == [(NOON, 3, 180)]
        assert await verify_lane(database, UsageReading(), lane) == []
        # What the log has all of is looked at.
        await add(database, ended(4, hours=2))
        await read(database)
        await rows(admin_url, "UPDATE usage_session SET sessions = 9")
        assert len(await verify_lane(database, UsageReading(), lane)) == 1


async def test_what_is_erased_while_it_is_counted_again_is_not_lost(
    database_url: str, admin_url: str
) -> None:
    kept = "SELECT hour, sessions, session_seconds FROM usage_session"
    (sessions,) = (part for part in PARTS if part.name == "sessions")
    looks = 0

    def then_erase(look: Read) -> Read:
        """Erase between the two looks at the log, whichever comes first."""

        async def looked(connection: Connection, lane: int, upto: int) -> Rows:
            nonlocal looks
            found, looks = await look(connection, lane, upto), looks + 1
            if looks == 1:
                await rows(admin_url, "UPDATE event SET data = '{}' WHERE type = 'wifi.session_end'")
            return found

        return looked

    meanwhile = replace(sessions, counted=then_erase(sessions.counted), kept=then_erase(sessions.kept))
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, ended(1), ended(2))
        await read(database)
        with pytest.raises(asyncpg.UniqueViolationError):
            async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                await count_again(connection, meanwhile, lane, 2**62)
        assert looks == 2
        assert await rows(admin_url, kept) == [(NOON, 2, 120)]
        # Tried again, it is done: the hour stays as it was counted.
        await rebuild_lane(database, UsageReading(), lane, now=NOON)
        assert await rows(admin_url, kept) == [(NOON, 2, 120)]


async def test_what_was_tampered_with_is_found_in_every_table(database_url: str, admin_url: str) -> None:
    page = heartbeat(7, type="kiosk.view", at=NOON, data={"page": "start", "lang": "sv"})
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, ended(1), told(2, TODAY, 7), page)
        await read(database, days=2)
        for table, change in (
            ("session", "session_seconds = 1"), ("visitors", "coverage = 1"), ("page_day", "views = 9"),
            ("day", "kiosk_views = 9"), ("month", "visitors_few = 9"), ("page_month", "lang = 'en'"),
        ):  # fmt: skip
            await rows(admin_url, f"UPDATE usage_{table} SET {change}")  # noqa: S608 - written above
            assert await verify_lane(database, UsageReading(), lane) != [], table
            await rebuild_lane(database, UsageReading(), lane, now=NOON + 2 * DAY)
            assert await verify_lane(database, UsageReading(), lane) == [], table


async def test_a_late_counter_changes_the_day_of_the_reading_after_it(
    database_url: str, admin_url: str
) -> None:
    def counter(number: int, hours: float, total: int) -> Accepted:
        data = {"iface": "wlan0", "clients": 1, "down_bytes_total": total}
        return heartbeat(number, type="wifi.usage", at=NOON + hours * HOUR, data=data)

    days = "SELECT day, down_bytes FROM usage_day ORDER BY day"
    async with villages(database_url) as database:
        await add(database, counter(1, 0, 100), counter(3, 24, 1_100))
        await read(database, days=3)
        assert await rows(admin_url, days) == [(TODAY, 0), (TODAY + DAY, 1_000)]
        await add(database, counter(2, 9, 800))
        await read(database, days=3)
    assert await rows(admin_url, days) == [(TODAY, 700), (TODAY + DAY, 300)]
