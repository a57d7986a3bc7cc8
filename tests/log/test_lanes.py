"""Somebody is at work in each lane that has municipalities, also in those that come later."""

import asyncio
from datetime import datetime, timedelta

import pytest

from services.log.lanes import lanes_for, lanes_in_use, registered_codes, states_of_lanes, work_in_lanes
from services.log.store import Batch, Sight, close_sight, store
from services.runtime import tasks
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.villages import NOON, lane_of, registry, villages
from tests.support.waiting import eventually


async def test_lanes_with_municipalities_are_in_use(database_url: str) -> None:
    async with Database.open(database_url) as database:
        assert await lanes_in_use(database) == []
        assert await registered_codes(database) == frozenset()
        await import_registry(database, registry(), only={"0781"})
        assert await lanes_in_use(database) == [await lane_of(database, "0781")]
        assert await registered_codes(database) == {"0781"}


async def test_a_lane_is_known_before_its_municipality_is(database_url: str) -> None:
    async with Database.open(database_url) as database:
        before = await lanes_for(database, ["0781", "0583"])
        await import_registry(database, registry())
        assert before == {code: await lane_of(database, code) for code in ("0781", "0583")}
        assert await lanes_in_use(database) == sorted(before.values())


async def test_work_begins_in_every_lane_and_in_one_that_comes_later(database_url: str) -> None:
    async with Database.open(database_url) as database:
        await import_registry(database, registry(), only={"0781"})
        first, second = await lane_of(database, "0781"), await lane_of(database, "0583")
        at_work: list[int] = []
        changes: list[int] = []

        async def work(lane: int) -> None:
            at_work.append(lane)
            await asyncio.Event().wait()

        working = asyncio.create_task(
            work_in_lanes(database, "test", work, on_change=lambda: changes.append(len(at_work)))
        )
        try:
            await eventually(lambda: at_work == [first])
            await eventually(lambda: changes)
            seen = len(changes)
            await import_registry(database, registry())
            await eventually(lambda: at_work == [first, second])
            assert len(changes) > seen
            await import_registry(database, registry())  # nothing new: nobody begins twice
            await eventually(lambda: len(changes) > seen + 1)
            assert at_work == [first, second]
        finally:
            working.cancel()
            await asyncio.wait([working])


async def test_work_that_fails_begins_again_and_disturbs_no_other_lane(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "backoff_s", lambda _attempt: 0.0)
    async with villages(database_url) as database:
        failing = await lane_of(database, "0583")
        begun: list[int] = []

        async def work(lane: int) -> None:
            begun.append(lane)
            if lane == failing:
                await asyncio.sleep(0)
                raise LookupError("nobody foresaw it")
            await asyncio.Event().wait()

        working = asyncio.create_task(work_in_lanes(database, "test", work))
        try:
            await eventually(lambda: begun.count(failing) > 5)
            assert begun.count(await lane_of(database, "0781")) == 1
        finally:
            working.cancel()
            await asyncio.wait([working])


async def test_sight_is_the_newest_observation_and_nothing_once_it_is_closed(database_url: str) -> None:
    async with villages(database_url) as database:
        ljungby, motala = await lane_of(database, "0781"), await lane_of(database, "0583")
        assert await _seen(database) == {ljungby: None, motala: None}
        later = NOON + timedelta(seconds=30)
        await store(database, ljungby, Batch(sight=Sight(NOON, NOON)))
        await store(database, ljungby, Batch(sight=Sight(later, later)))
        assert await _seen(database) == {ljungby: later, motala: None}
        await close_sight(database, ljungby, later)
        assert await _seen(database) == {ljungby: None, motala: None}
        assert {state.read_until for state in await states_of_lanes(database, ["status"])} == {None}


async def _seen(database: Database) -> dict[int, datetime | None]:
    return {state.lane: state.seen_until for state in await states_of_lanes(database, ["status"])}
