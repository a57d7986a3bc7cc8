"""A reading takes every event once, whatever happens between."""

import asyncio
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from typing_extensions import override

from services.log.append import queries
from services.log.follow import BATCH, Follower, LaneSignals, LogWatch, Place, Turn, rebuild_lane
from services.log.worker import Worker
from services.storage.database import Connection, Database, Lane, Role
from tests.support.villages import NOON, add, heartbeat, lane_of, villages
from tests.support.waiting import eventually


class Counting:
    """A reading that keeps what it was given, and fails when told to."""

    name = "counting"
    longest_pause = 0.1

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.sizes: list[int] = []
        self.calls = 0
        self.fail_once_at: str | None = None
        self.wake_at: datetime | None = None

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        del now
        self.calls += 1
        rows = await connection.fetch(queries.events_after, place.lane, place.after, place.upto - place.after)
        if self.fail_once_at in [row["id"] for row in rows]:
            self.fail_once_at = None
            message = "something in the reading"
            raise RuntimeError(message)
        self.taken += [row["id"] for row in rows]
        self.sizes.append(len(rows))
        return Turn(place, self.wake_at)

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None: ...

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        del connection, lane
        return []


async def _cursor(database: Database, lane: int) -> int | None:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        position: int | None = await connection.fetchval(
            "SELECT position FROM reading_cursor WHERE reading = 'counting'"
        )
        return position


async def test_events_come_once_in_order_and_the_cursor_stays(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, *(heartbeat(n, at=NOON + timedelta(seconds=n)) for n in range(BATCH + 5)))
        reading = Counting()
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        assert (await follower.step()).events == BATCH
        assert (await follower.step()).events == 5
        assert (await follower.step()).events == 0
        assert reading.taken == [f"e-{n}" for n in range(BATCH + 5)]
        assert await _cursor(database, lane) == BATCH + 5


async def test_a_reading_that_fails_leaves_its_cursor(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, heartbeat(1), heartbeat(2))
        reading = Counting()
        reading.fail_once_at = "e-2"
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        with pytest.raises(RuntimeError):
            await follower.step()
        assert await _cursor(database, lane) is None
        await follower.step()
        assert reading.taken == ["e-1", "e-2"]


async def test_the_worker_is_woken_by_the_commit_and_survives_a_failing_reading(database_url: str) -> None:
    async with villages(database_url) as database:
        reading = Counting()
        reading.fail_once_at = "e-1"
        worker = asyncio.create_task(Worker(database, [reading], clock=lambda: NOON).run())
        try:
            await eventually(lambda: reading.calls >= 2)  # both lanes are followed
            await add(database, heartbeat(1))
            await eventually(lambda: reading.taken == ["e-1"])
            loop = asyncio.get_running_loop()
            started = loop.time()
            await add(database, heartbeat(2))
            await eventually(lambda: reading.taken == ["e-1", "e-2"])
            assert loop.time() - started < 0.8  # woken, not found by the poll
        finally:
            worker.cancel()
            await asyncio.wait([worker])


async def test_time_alone_calls_a_reading_that_asked_for_it(database_url: str) -> None:
    async with villages(database_url) as database:
        reading = Counting()
        reading.wake_at = NOON
        lane = await lane_of(database, "0781")
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        task = asyncio.create_task(follower.run())
        try:
            await eventually(lambda: reading.calls > 3)
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_rebuild_makes_the_follower_wait(database_url: str) -> None:
    """What a follower reads while a rebuild is under way takes effect after it, never in the middle."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, heartbeat(1))
        reading = Slow()
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        rebuilding = asyncio.create_task(rebuild_lane(database, reading, lane, now=NOON))
        await reading.begun.wait()
        step = asyncio.create_task(follower.step())
        done, _ = await asyncio.wait([step], timeout=0.3)
        assert not done
        reading.go_on.set()
        await rebuilding
        assert (await step).events == 1


class Slow(Counting):
    """A reading whose rebuild takes until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    @override
    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        del connection, lane, now
        self.begun.set()
        await self.go_on.wait()


async def test_a_reading_that_is_behind_takes_more_at_a_time_until_it_is_abreast(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, *(heartbeat(n, at=NOON + timedelta(seconds=n)) for n in range(4 * BATCH)))
        reading = Counting()
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        task = asyncio.create_task(follower.run())
        try:
            await eventually(lambda: len(reading.taken) == 4 * BATCH)
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert reading.sizes[:3] == [BATCH, 2 * BATCH, BATCH]


async def test_where_much_comes_turns_wait_for_each_other_and_take_it_together(database_url: str) -> None:
    """A few events a second are taken at once; hundreds a second wait until a turn has enough to do."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        reading, signals = Counting(), LaneSignals()
        reading.longest_pause = 0.5
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=signals)
        task = asyncio.create_task(follower.run())
        try:
            await eventually(lambda: reading.calls == 1)
            for n in range(40):
                await add(
                    database,
                    *(heartbeat(10 * n + k, at=NOON + timedelta(seconds=10 * n + k)) for k in range(10)),
                )
                signals.wake(lane)
            await eventually(lambda: len(reading.taken) == 400)
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert len([size for size in reading.sizes if size]) < 20


async def test_how_far_a_reading_is_behind_is_told_in_events_and_in_seconds(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, *(heartbeat(number) for number in range(7)))
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(
                "INSERT INTO reading_cursor (reading, lane, position, caught_up_at)"
                " VALUES ('counting', $1, 3, now() - interval '40 s'), ('never', $1, 0, NULL)",
                lane,
            )
        watch = LogWatch(database, LaneSignals())
        polling = asyncio.ensure_future(watch.poll())
        try:
            await eventually(lambda: _lag("events", "counting", lane) == 4)
            seconds = _lag("seconds", "counting", lane)
            assert seconds is not None
            assert 40 <= seconds < 70
            assert (_lag("events", "never", lane), _lag("seconds", "never", lane)) == (7, None)
        finally:
            polling.cancel()
            await asyncio.wait([polling])


def _lag(unit: str, reading: str, lane: int) -> float | None:
    return REGISTRY.get_sample_value(f"bypunkt_reading_lag_{unit}", {"reading": reading, "lane": str(lane)})
