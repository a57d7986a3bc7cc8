"""Somebody is at work in each lane that has municipalities, and in each only one process of a part at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.log import sharing
from services.log.leases import Lease, Leases
from services.log.sharing import work_in_lanes
from services.runtime import tasks
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.villages import lane_of, registry, villages
from tests.support.waiting import eventually


class Hand:
    """A process that shares lanes, and which of them it is at work in."""

    def __init__(self, *, lingers: bool = False) -> None:
        self.at_work: dict[int, Lease] = {}
        self.begun: list[int] = []
        self.changes = 0
        self.lingers = lingers

    async def work(self, lease: Lease) -> None:
        """Work until told to leave."""
        self.begun.append(lease.lane)
        self.at_work[lease.lane] = lease
        try:
            await lease.leaving.wait()
            if self.lingers:
                await asyncio.Event().wait()
        finally:
            del self.at_work[lease.lane]

    def on_change(self) -> None:
        """Count a change of the registry."""
        self.changes += 1


@asynccontextmanager
async def _at_work(
    database: Database, hand: Hand, work: Callable[[Lease], Awaitable[None]] | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    leases = Leases(database, "worker")
    task = asyncio.create_task(work_in_lanes(database, leases, work or hand.work, on_change=hand.on_change))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_work_begins_in_every_lane_and_in_one_that_comes_later(database_url: str) -> None:
    async with Database.open(database_url) as database:
        await import_registry(database, registry(), only={"0781"})
        first, second = await lane_of(database, "0781"), await lane_of(database, "0583")
        hand = Hand()
        async with _at_work(database, hand):
            await eventually(lambda: hand.begun == [first])
            await eventually(lambda: hand.changes)
            seen = hand.changes
            await import_registry(database, registry())
            await eventually(lambda: hand.begun == [first, second])
            await eventually(lambda: hand.changes > seen)
            seen = hand.changes
            await import_registry(database, registry())  # nothing new: nobody begins twice
            await eventually(lambda: hand.changes > seen)
            assert hand.begun == [first, second]


async def test_work_that_fails_begins_again_and_disturbs_no_other_lane(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "backoff_s", lambda _attempt: 0.0)
    async with villages(database_url) as database:
        failing = await lane_of(database, "0583")
        begun: list[int] = []

        async def work(lease: Lease) -> None:
            begun.append(lease.lane)
            if lease.lane == failing:
                await asyncio.sleep(0)
                raise LookupError("nobody foresaw it")
            await asyncio.Event().wait()

        async with _at_work(database, Hand(), work):
            await eventually(lambda: begun.count(failing) > 5)
            assert begun.count(await lane_of(database, "0781")) == 1


@pytest.mark.parametrize("lingers", [False, True])
async def test_a_second_process_is_given_its_share_at_once_and_takes_the_rest_when_the_first_ends(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, lingers: bool
) -> None:
    monkeypatch.setattr(sharing, "_LEAVE_S", 0.3)
    async with villages(database_url) as database:
        lanes = {await lane_of(database, code) for code in ("0781", "0583")}
        one, other = Hand(lingers=lingers), Hand()
        async with _at_work(database, other):
            async with _at_work(database, one):
                await eventually(lambda: other.at_work and one.at_work)
                assert set(one.at_work) | set(other.at_work) == lanes
                assert not set(one.at_work) & set(other.at_work)
            await eventually(
                lambda: set(other.at_work) == lanes, within=1.5
            )  # told, not found out by silence


async def test_a_process_that_says_nothing_any_more_is_replaced_and_steps_back_when_it_wakes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with villages(database_url) as database, Database.open(database_url) as silenced:
        lanes = {await lane_of(database, code) for code in ("0781", "0583")}
        one, other = Hand(), Hand()
        cut_off = asyncio.Event()
        beat = Leases.beat

        async def falling_silent(self: Leases, *told: object, **more: object) -> object:
            if self._database is silenced and cut_off.is_set():
                raise ConnectionError("cut off")
            return await beat(self, *told, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Leases, "beat", falling_silent)
        async with _at_work(silenced, one):
            await eventually(lambda: set(one.at_work) == lanes)
            cut_off.set()
            async with _at_work(database, other):
                await eventually(lambda: set(other.at_work) == lanes, within=30)
                assert set(one.at_work) == lanes  # it does not know
                assert not any(lease.fresh for lease in one.at_work.values())
                cut_off.clear()
                # It steps back from what is another's, and comes in for its share again.
                await eventually(lambda: len(one.at_work) == len(other.at_work) == 1, within=30)
                assert set(one.at_work) | set(other.at_work) == lanes


async def test_when_the_database_was_away_for_all_nobody_is_replaced(
    database_url: str, admin_url: str
) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        async with villages(database_url) as one_way, Database.open(database_url) as other_way:
            one, other = Hand(), Hand()
            async with _at_work(one_way, one), _at_work(other_way, other):
                await eventually(lambda: one.at_work and other.at_work)
                before = set(one.at_work), set(other.at_work)
                begun = list(one.begun), list(other.begun)
                # Longer than a silence, nobody gets through.
                await admin.execute("ALTER ROLE bypunkt_app CONNECTION LIMIT 0")
                try:
                    for _ in range(3):
                        await admin.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bypunkt_app'"
                        )
                        await asyncio.sleep(2)
                finally:
                    await admin.execute("ALTER ROLE bypunkt_app CONNECTION LIMIT -1")
                await eventually(lambda: all(lease.fresh for lease in one.at_work.values()), within=15)
                await eventually(lambda: all(lease.fresh for lease in other.at_work.values()), within=15)
                assert (set(one.at_work), set(other.at_work)) == before
                assert (one.begun, other.begun) == begun
    finally:
        await admin.close()


async def test_whoever_leaves_gives_back_what_it_held(database_url: str, admin_url: str) -> None:
    async with villages(database_url) as database:
        hand = Hand()
        async with _at_work(database, hand):
            await eventually(lambda: len(hand.at_work) == 2)
        assert hand.at_work == {}
    admin = await asyncpg.connect(admin_url)
    try:
        assert await admin.fetchval("SELECT count(*) FROM bypunkt.lane_holder") == 0
        assert await admin.fetchval("SELECT count(*) FROM bypunkt.lane_lease") == 0
    finally:
        await admin.close()


async def test_how_many_lanes_a_process_holds_is_a_metric(database_url: str) -> None:
    async with villages(database_url) as database:
        hand = Hand()
        async with _at_work(database, hand):
            await eventually(lambda: len(hand.at_work) == 2)
            assert REGISTRY.get_sample_value("bypunkt_lanes_held", {"part": "worker"}) == 2
