"""The log lets go of what is due and of nothing else, while others read and write."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.ingest.models import Reason, Refused
from services.log.append import append, make_partitions
from services.log.archive.keeping import turn
from services.log.models import Partition
from services.log.options import LEAST_DAYS, RetentionOptions
from services.log.retention import Retention, log_size, next_drop
from services.runtime.clock import now
from services.storage.database import Database, Lane, Public, Role
from tests.support.villages import add, heartbeat, lane_of, villages

DAY = timedelta(days=1)
# The first of a month that can be let go of.
MONTH = (datetime.now(UTC) - 100 * DAY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
OLD = RetentionOptions(standard_days=LEAST_DAYS)


async def rows(admin_url: str, statement: str) -> list[tuple[Any, ...]]:
    """Look at what is stored, or change it."""
    admin = await asyncpg.connect(admin_url)
    try:
        return [tuple(row) for row in await admin.fetch(statement)]
    finally:
        await admin.close()


async def sizes(database: Database) -> list[Partition]:
    """Return the partitions."""
    async with database.transaction(Role.WEB, Public()) as connection:
        return await log_size(connection)


async def parts(database: Database) -> dict[str, datetime]:
    """Return the partitions by name, with their ends."""
    return {part.name: part.ends_at for part in await sizes(database)}


def names(directory: Path) -> list[str]:
    """Return what lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


def job(database: Database, options: RetentionOptions = OLD, readings: tuple[str, ...] = ()) -> Retention:
    """Return the job, at the present."""
    return Retention(database, options, readings=readings, clock=now)


async def test_what_is_due_goes_and_the_log_says_from_when_it_is_whole(
    database_url: str, admin_url: str
) -> None:
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=now())
        kept = [heartbeat(2, at=now() - DAY), heartbeat(3, at=MONTH, retention="long", id="long")]
        await add(database, heartbeat(1, at=MONTH + DAY), *kept)
        await job(database).once()
        assert {row[0] for row in await rows(admin_url, "SELECT id FROM bypunkt.event")} == {"e-2", "long"}
        left = await parts(database)
        edge = now() - LEAST_DAYS * DAY
        assert all(end > edge for name, end in left.items() if "long" not in name)
        horizon = await rows(admin_url, "SELECT DISTINCT retention, kept_from FROM bypunkt.log_horizon")
        (first_left,) = await rows(
            admin_url, "SELECT min(starts_at) FROM bypunkt.event_partition WHERE retention = 'standard'"
        )
        assert len(horizon) == 1
        assert horizon[0][0] == "standard"
        assert MONTH < horizon[0][1] <= first_left[0]
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            assert await connection.fetchval("SELECT log_whole_from('0781')") == horizon[0][1]
            # Of other lanes a lane sees nothing.
            assert await connection.fetchval("SELECT log_whole_from('0583') < '1900-01-01'")


async def test_what_is_not_due_stays_but_for_empty_partitions(database_url: str, admin_url: str) -> None:
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        await add(database, heartbeat(1, at=MONTH + DAY))
        await rows(admin_url, "ANALYZE bypunkt.event")
        await job(database, RetentionOptions()).once()
        left = await parts(database)
        assert f"event_standard_{MONTH:%Ym%m}" in left
        assert [
            name for name, end in left.items() if name.startswith("event_short") and end < now() - 40 * DAY
        ] == []
        assert await rows(admin_url, "SELECT FROM bypunkt.log_horizon") == []


async def test_what_a_reading_has_not_read_stays(database_url: str, admin_url: str) -> None:
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        await add(database, heartbeat(1, at=MONTH), heartbeat(2, at=MONTH, retention="short"))
        await job(database, readings=("usage",)).once()
        assert await rows(admin_url, "SELECT count(*), min(data::text) <> '{}' FROM bypunkt.event") == [
            (2, True)
        ]
        cursor = "INSERT INTO bypunkt.reading_cursor SELECT 'usage', lane, 1 FROM bypunkt.lane WHERE head > 0"
        await rows(admin_url, cursor)
        await job(database, readings=("usage",)).once()
        assert await rows(admin_url, "SELECT retention FROM bypunkt.event") == [("short",)]
        await rows(admin_url, "UPDATE bypunkt.reading_cursor SET position = 2")
        await job(database, readings=("usage",)).once()
        assert await rows(admin_url, "SELECT FROM bypunkt.event") == []


async def test_short_events_say_nothing_any_more_after_two_days_and_stay_as_signs_of_life(
    database_url: str, admin_url: str
) -> None:
    position = {"lat": 58.5, "lon": 15.0}
    async with villages(database_url, at=now()) as database:
        for number, hours in ((1, 47), (2, 49)):
            at = now() - timedelta(hours=hours)
            await add(
                database, heartbeat(number, at=at, retention="short", type="vehicle.position", data=position)
            )
        await add(database, heartbeat(3, at=now() - timedelta(hours=49)))
        await job(database).once()
        found = await rows(admin_url, "SELECT id, type, data <> '{}' FROM bypunkt.event ORDER BY id")
        assert found == [
            ("e-1", "vehicle.position", True),
            ("e-2", "vehicle.position", False),
            ("e-3", "device.heartbeat", True),
        ]


async def test_dead_letters_go_after_their_days(database_url: str, admin_url: str) -> None:
    async with villages(database_url, at=now()) as database:
        lane = await lane_of(database, "0781")
        letters = [
            Refused("0781", None, "t", Reason.NOT_JSON, "", now() - days * DAY, None, 1, None, False, True)  # noqa: FBT003
            for days in (1, 6, 8, 30)
        ]  # fmt: skip
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await append(connection, lane, [], dead=letters)
        await job(database).once()
        kept = "SELECT extract(epoch FROM now() - received_at) / 86400 FROM bypunkt.dead_letter ORDER BY 1"
        assert [round(days) for (days,) in await rows(admin_url, kept)] == [1, 6]


async def test_the_database_itself_refuses_what_may_still_be_needed(database_url: str) -> None:
    async with villages(database_url, at=now()) as database:
        for name in (
            f"event_standard_{now():%Ym%m}",
            f"event_long_{now():%Y}",
            "event_standard",
            "municipality",
        ):
            with pytest.raises(asyncpg.PostgresError, match=r"late events|ever dropped"):
                async with database.transaction(Role.WORKER, Public()) as connection:
                    await connection.execute("SELECT drop_event_partition($1, NULL, '{}')", name)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.WEB, Public()) as connection:
                await connection.execute("SELECT drop_event_partition('event_standard_2020m01', NULL, '{}')")


async def test_one_process_at_a_time(database_url: str, admin_url: str) -> None:
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        await add(database, heartbeat(1, at=MONTH))
        async with turn(database) as ours, turn(database) as theirs:
            assert (ours, theirs) == (True, False)
            await job(database).once()
        assert len(await rows(admin_url, "SELECT FROM bypunkt.event")) == 1


async def test_archived_first_or_not_let_go_of(database_url: str, admin_url: str, tmp_path: Path) -> None:
    missing = OLD.model_copy(update={"archive_to": tmp_path / "missing"})
    there = OLD.model_copy(update={"archive_to": tmp_path})
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        await add(database, heartbeat(1, at=MONTH))
        await job(database, missing).once()
        assert len(await rows(admin_url, "SELECT FROM bypunkt.event")) == 1
        # Broken off between archive and drop: the archive is there, and is not made twice.
        month = next(one for one in await sizes(database) if one.name == f"event_standard_{MONTH:%Ym%m}")
        assert await job(database, there)._archived(month, now()) == 1
        before = names(tmp_path)
        await job(database, there).once()
        assert await rows(admin_url, "SELECT FROM bypunkt.event") == []
        assert names(tmp_path) == before == [f"standard-{MONTH:%Y-%m-%d}"]


async def test_readers_and_writers_go_on_while_partitions_go(database_url: str, admin_url: str) -> None:
    """No deadlock, no error, nothing lost; a long reader makes the job wait and nobody else for long."""
    slowest, stored, read = 0.0, 0, 0
    async with villages(database_url, at=MONTH + 20 * DAY) as database:
        async with database.transaction(Role.INGEST, Public()) as connection:
            for back in range(0, 400, 30):
                await make_partitions(connection, now=MONTH - back * DAY)
            await make_partitions(connection, now=now())
        for back in range(0, 400, 30):
            await add(database, heartbeat(back, at=MONTH - back * DAY))
        before = len(await parts(database))
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def write(first: int) -> None:
            nonlocal slowest, stored
            number = first
            while not done.is_set():
                began = loop.time()
                done_now = await add(database, heartbeat(number, at=now() - timedelta(minutes=number % 60)))
                stored += done_now.new
                slowest = max(slowest, loop.time() - began)
                number += 1

        async def look() -> None:
            nonlocal read
            lane = await lane_of(database, "0781")
            while not done.is_set():
                async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                    await connection.fetchval("SELECT count(*) FROM event")
                    await connection.execute("SELECT pg_sleep(0.02)")
                    found = await connection.fetchval(
                        "SELECT count(*) FROM event WHERE at > now() - interval '1 day'"
                    )
                    read += found

        async with asyncio.TaskGroup() as tasks:
            for first in (1000, 100_000):
                tasks.create_task(write(first))
            for _ in range(2):
                tasks.create_task(look())
            await job(database).once()
            done.set()
        assert before - len(await parts(database)) > 20
        assert stored > 0
        assert read > 0
        (count,) = await rows(admin_url, "SELECT count(*) FROM bypunkt.event")
        assert count[0] == stored
        # 0.3 s is the longest that the job makes others wait; the rest is a busy machine.
        assert slowest < 5


def test_a_partition_says_when_it_goes() -> None:
    part = Partition("event_standard_2024m01", "standard", MONTH, MONTH + 31 * DAY, 1, 1)
    assert next_drop(part, OLD) == MONTH + (31 + LEAST_DAYS) * DAY


@pytest.mark.parametrize("days", [0, 35, LEAST_DAYS - 1])
def test_less_than_late_events_and_replays_need_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="standard_days"):
        RetentionOptions(standard_days=days)
