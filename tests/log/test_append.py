"""The log takes each event once, at gapless positions, in commit order."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.log.append import append, columns, make_partitions, queries
from services.storage.database import Database, Lane, Public, Role
from tests.support.villages import NOON, add, heartbeat, lane_of, villages


async def _positions(database: Database, lane: int) -> list[int]:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        return [row["position"] for row in await connection.fetch(queries.events_after, lane, 0, 10_000)]


async def test_an_event_sent_ten_times_is_stored_once(database_url: str) -> None:
    async with villages(database_url) as database:
        stored = [await add(database, heartbeat(1)) for _ in range(10)]
        assert [result.new for result in stored] == [1] + [0] * 9
        assert sum(result.duplicates for result in stored) == 9


async def test_repetitions_within_a_batch_take_no_position(database_url: str) -> None:
    async with villages(database_url) as database:
        stored = await add(database, heartbeat(1), heartbeat(2), heartbeat(1), heartbeat(3))
        assert (stored.new, stored.duplicates) == (3, 1)
        assert await _positions(database, await lane_of(database, "0781")) == [1, 2, 3]


async def test_the_key_holds_across_retention_classes(database_url: str) -> None:
    """`retention` is a partition column, not a part of an event's identity."""
    async with villages(database_url) as database:
        assert (await add(database, heartbeat(1))).new == 1
        assert (await add(database, heartbeat(1, retention="long", type="device.status"))).new == 0


async def test_the_same_id_at_another_time_is_another_event(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        assert (await add(database, heartbeat(1, at=NOON + timedelta(hours=1)))).new == 1


async def test_an_id_without_a_usable_time_is_looked_up_for_two_days(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, heartbeat(1, at=NOON, clock="receipt"))
        for later, new in ((timedelta(seconds=30), 0), (timedelta(hours=47), 0), (timedelta(hours=49), 1)):
            again = await add(database, heartbeat(1, at=NOON + later, clock="receipt"))
            assert again.new == new, later


async def test_municipalities_do_not_share_ids(database_url: str) -> None:
    """One municipality can never make another's event vanish (rule R1)."""
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        other = heartbeat(1, municipality="0583", device="hs-fornasa-1")
        assert (await add(database, other)).new == 1


async def test_a_lane_cannot_write_for_another_lanes_municipality(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0583")
        assert lane != await lane_of(database, "0781")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.INGEST, Lane(lane)) as connection:
                await append(connection, lane, [heartbeat(1)])


async def test_slow_concurrent_writers_never_make_a_reader_skip(database_url: str) -> None:
    """Two writers overlap in every way; a reader that only remembers a number sees every event."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        done = asyncio.Event()

        async def write(first: int, *, pause: bool) -> None:
            for number in range(first, first + 20):
                async with database.transaction(Role.INGEST, Lane(lane)) as connection:
                    if pause:
                        await connection.execute("SELECT pg_sleep(0.01)")
                    await append(connection, lane, [heartbeat(number)])
                    await connection.execute("SELECT pg_sleep($1)", 0.01 if pause else 0.002)

        async def read() -> list[str]:
            seen: list[str] = []
            position = 0
            while True:
                last = done.is_set()
                async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                    rows = await connection.fetch(queries.events_after, lane, position, 7)
                seen += [row["id"] for row in rows]
                position = rows[-1]["position"] if rows else position
                if last and not rows:
                    return seen

        reader = asyncio.create_task(read())
        await asyncio.gather(write(0, pause=True), write(100, pause=False), write(200, pause=True))
        done.set()
        seen = await reader
        assert len(seen) == len(set(seen)) == 60
        assert await _positions(database, lane) == list(range(1, 61))


async def test_the_look_for_an_earlier_copy_uses_the_key(database_url: str, admin_url: str) -> None:
    """The hot statement must find copies by index also when the log has grown."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        for start in range(0, 3000, 1000):
            await add(
                database, *(heartbeat(n, at=NOON + timedelta(seconds=n)) for n in range(start, start + 1000))
            )
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute("ANALYZE bypunkt.event")
        finally:
            await admin.close()
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            plan = await connection.fetch("EXPLAIN " + queries.append, lane, 0, *columns([heartbeat(7)]))
    text = "\n".join(row[0] for row in plan)
    assert "Seq Scan on event_standard_2026m09" not in text, text
    assert "event_standard_2026m09_pkey" in text, text


async def test_partitions_are_made_while_others_read_and_write(database_url: str) -> None:
    """Making room must not deadlock with the log's readers and writers."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")

        async def write() -> None:
            for number in range(40):
                await add(database, heartbeat(number))

        async def read() -> None:
            for _ in range(40):
                async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                    await connection.fetch(queries.events_after, lane, 0, 10)
                    await connection.fetch("SELECT count(*) FROM event")

        async def make() -> None:
            for month in range(24):
                async with database.transaction(Role.INGEST, Public()) as connection:
                    await make_partitions(connection, now=NOON + timedelta(days=31 * month))

        await asyncio.gather(write(), read(), read(), make())
        assert len(await _positions(database, lane)) == 40
