"""Lanes are shared fairly, held by one at a time, and written to by nobody who has lost them."""

import asyncio
import random
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.log.leases import FRESH_S, SILENT_S, Hearing, LaneTaken, Lease, Leases, Roll
from services.log.store import Batch, store
from services.storage.database import UNREACHABLE, Database, Lane, Role
from tests.support.villages import heartbeat, lane_of, villages
from tests.support.waiting import eventually

A, B = (UUID(int=number) for number in range(2))


@given(st.integers(0, 40), st.integers(1, 9), st.randoms(use_true_random=False))
def test_taking_and_giving_ends_with_every_lane_held_and_nobody_above_the_share(
    lanes: int, processes: int, chance: random.Random
) -> None:
    holders = [uuid4() for _ in range(processes)]
    beats = dict.fromkeys(holders, 0)
    wanted = list(range(lanes))
    held = {lane: (chance.choice(holders), 0) for lane in wanted if chance.random() < 0.7}
    for _ in range(3):
        for holder in holders:
            roll = Roll(beats, held, wanted)
            for lane in roll.to_give(holder):
                del held[lane]
            for lane in roll.to_take(holder):
                held[lane] = holder, 0
    roll = Roll(beats, held, wanted)
    assert sorted(held) == wanted
    assert all(len(roll.lanes_of(holder)) <= roll.share for holder in holders)
    assert not any(
        roll.to_give(holder) or roll.to_take(holder) for holder in holders
    )  # and nothing moves any more


def test_a_lane_that_is_being_left_is_not_given_twice() -> None:
    roll = Roll({A: 0, B: 0}, dict.fromkeys(range(4), (A, 0)), range(4))
    assert roll.to_give(A) == [2, 3]
    assert roll.to_give(A, [2, 3]) == []
    assert roll.to_take(A) == roll.to_take(B) == []


def test_silence_counts_from_the_last_new_beat() -> None:
    hearing = Hearing()
    assert hearing.silent({A: 7, B: 1}, 100.0) == {}
    assert hearing.silent({A: 8, B: 1}, 100.0 + SILENT_S) == {B: 1}
    assert hearing.silent({A: 8, B: 2}, 101.0 + SILENT_S) == {}
    assert hearing.silent({A: 8}, 100.0 + 2 * SILENT_S) == {A: 8}


def test_while_we_could_not_hear_nobody_was_silent() -> None:
    hearing = Hearing()
    hearing.silent({A: 7}, 100.0)
    hearing.interrupted()
    assert hearing.silent({A: 7}, 100.0 + 10 * SILENT_S) == {}
    assert hearing.silent({A: 7}, 100.0 + 11 * SILENT_S) == {A: 7}


async def test_a_lease_is_in_doubt_until_it_is_confirmed_and_when_it_was_long_ago() -> None:
    lease, clock = Lease(3), asyncio.get_running_loop()
    assert not lease.fresh
    waiting = asyncio.create_task(lease.confirmed())
    await asyncio.sleep(0)
    lease.confirm(clock.time() - 1)  # asked before we asked: says nothing about now
    await asyncio.sleep(0)
    assert not waiting.done()
    lease.confirm(clock.time())
    await waiting
    assert lease.fresh
    lease.confirm(clock.time() - FRESH_S - 0.1)
    assert not lease.fresh


async def test_free_lanes_are_taken_and_given_back(database_url: str) -> None:
    async with villages(database_url) as database:
        lanes = {await lane_of(database, code) for code in ("0781", "0583")}
        one, other = Leases(database, "worker"), Leases(database, "worker")
        assert set((await one.beat({})).lanes_of(one.id)) == lanes
        assert (await other.beat({})).lanes_of(other.id) == {}
        given = (await one.beat({})).to_give(one.id)
        assert given == [max(lanes)]
        assert set((await one.beat({}, done_with=given)).lanes_of(one.id)) == {min(lanes)}
        assert set((await other.beat({})).lanes_of(other.id)) == {max(lanes)}
        await one.leave()
        assert set((await other.beat({})).lanes_of(other.id)) == lanes


async def test_parts_of_the_program_have_leases_of_their_own(database_url: str) -> None:
    async with villages(database_url) as database:
        for part in (Leases(database, "worker"), Leases(database, "gateway", writes=True)):
            assert len((await part.beat({})).lanes_of(part.id)) == 2
        strays = Leases(database, "strays", lanes=(0,))
        assert list((await strays.beat({})).lanes_of(strays.id)) == [0]


async def test_the_silent_are_buried_and_their_lanes_taken_but_not_of_one_who_spoke_meanwhile(
    database_url: str,
) -> None:
    async with villages(database_url) as database:
        dead, other = Leases(database, "gateway", writes=True), Leases(database, "gateway", writes=True)
        before = (await dead.beat({})).lanes_of(dead.id)
        beat = (await other.beat({})).beats[dead.id]
        await dead.beat({})
        assert set((await other.beat({dead.id: beat})).lanes_of(dead.id)) == set(before)
        roll = await other.beat({dead.id: beat + 1})
        assert {lane: epoch - 1 for lane, epoch in roll.lanes_of(other.id).items()} == before
        assert (await dead.beat({})).lanes_of(dead.id) == {}  # it lives, and knows that it has lost them


async def test_who_has_lost_a_lane_stores_nothing_in_it(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        one, other = Leases(database, "gateway", writes=True), Leases(database, "gateway", writes=True)
        old = (await one.beat({})).lanes_of(one.id)[lane]
        await store(database, lane, Batch([heartbeat(1)], epoch=old))
        await one.leave()
        new = (await other.beat({})).lanes_of(other.id)[lane]
        with pytest.raises(LaneTaken):
            await store(database, lane, Batch([heartbeat(2)], epoch=old))
        with pytest.raises(LaneTaken):
            await store(database, lane, Batch(epoch=old))
        await store(database, lane, Batch([heartbeat(3)], epoch=new))
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            rows = await connection.fetch("SELECT id, position FROM event ORDER BY position")
        assert [tuple(row) for row in rows] == [("e-1", 1), ("e-3", 2)]


async def test_a_lane_is_not_taken_in_the_middle_of_its_holders_transaction(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        one, other = Leases(database, "gateway", writes=True), Leases(database, "gateway", writes=True)
        epoch = (await one.beat({})).lanes_of(one.id)[lane]
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await connection.execute(f"SELECT hold_lane_as({epoch})")
            await one.leave()
            assert lane not in (await other.beat({})).lanes_of(other.id)
        assert lane in (await other.beat({})).lanes_of(other.id)


async def test_a_holder_that_is_frozen_in_a_transaction_is_thrown_out_of_it(
    database_url: str, admin_url: str
) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        async with villages(database_url) as database:
            lane = await lane_of(database, "0781")
            one = Leases(database, "gateway", writes=True)
            epoch = (await one.beat({})).lanes_of(one.id)[lane]
            with pytest.raises(UNREACHABLE):
                await _freeze_in_a_transaction(database, admin, lane, epoch=epoch)
            await store(database, lane, Batch([heartbeat(1)], epoch=epoch))
    finally:
        await admin.close()


async def test_two_who_bury_each_other_both_live_on(database_url: str) -> None:
    async with villages(database_url) as database:
        one, other = Leases(database, "worker"), Leases(database, "worker")
        await one.beat({})
        beats = (await other.beat({})).beats
        for _ in range(20):
            async with asyncio.TaskGroup() as group:
                rolls = [group.create_task(who.beat(dict(beats))) for who in (one, other)]
            beats = {**rolls[0].result().beats, **rolls[1].result().beats}
        await one.beat({})
        roll = await other.beat({})
        assert {one.id, other.id} <= set(roll.beats)


async def _freeze_in_a_transaction(
    database: Database, admin: "asyncpg.Connection[asyncpg.Record]", lane: int, *, epoch: int
) -> None:
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        await connection.execute(f"SELECT hold_lane_as({epoch})")
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await eventually(lambda: _gone(admin, pid), within=10)
        await connection.fetchval("SELECT 1")


async def _gone(admin: "asyncpg.Connection[asyncpg.Record]", pid: int) -> bool:
    return not await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid)
