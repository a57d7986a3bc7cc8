"""Messages are judged while others are being stored, and acknowledged only after their own commit."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from gateway import intake as module
from gateway.canary import Canary
from gateway.intake import Intake
from gateway.mqtt import Delivery, Session
from services.ingest.models import KnownDevice
from services.ingest.registry import LaneRegistry
from services.log.leases import LaneTaken, Lease
from services.log.store import Batch, Kept, Sight
from services.runtime.clock import now
from services.storage.database import Database
from tests.support.gateways import topic
from tests.support.waiting import eventually


class Line:
    """A session that hands over what a test puts into it, and keeps what is acknowledged and published."""

    def __init__(self) -> None:
        self.inbox: list[Delivery] = []
        self.acknowledged: list[str] = []
        self.published: list[str] = []
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Nothing that would shorten a pause."""
        return 0

    unacknowledged = waiting

    def put(self, *names: str) -> None:
        """Deliver a heartbeat for each name."""
        for name in names:
            payload = json.dumps({"id": name, "data": {"uptime_s": 1}}).encode()
            self.inbox.append(Delivery(topic("device.heartbeat"), payload, False, 1, 1, 1, now()))  # noqa: FBT003
        self._news.set()

    async def batch(self, *, limit: int, linger_s: float) -> list[Delivery]:
        """Hand over what waits."""
        assert linger_s == 0
        while not self.inbox:
            self._news.clear()
            await self._news.wait()
        taken, self.inbox = self.inbox[:limit], self.inbox[limit:]
        return taken

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Keep what is acknowledged."""
        self.acknowledged += [json.loads(delivery.payload)["id"] for delivery in deliveries]

    def post(self, where: str, payload: bytes) -> bool:
        """Keep a receipt."""
        assert where == topic("down/ack")
        self.published += json.loads(payload)["ids"]
        return True


class Store:
    """Stands in for the database: stores when a test lets it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails: list[Exception] = []
        self.under_way = self.most_at_once = 0
        self.allowed = asyncio.Event()

    async def __call__(self, _database: Database, _lane: int, batch: Batch) -> Kept:
        self.batches.append([event.id for event in batch.accepted])
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.allowed.wait()
            if self.fails:
                raise self.fails.pop()
        finally:
            self.under_way -= 1
        return Kept(batch.accepted, batch.refused)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """Put the stand-in in the store's place."""
    stand_in = Store()
    monkeypatch.setattr(module, "store", stand_in)
    monkeypatch.setattr(module, "backoff_s", lambda _attempt, most: 0.0 * most)
    return stand_in


@asynccontextmanager
async def _at_work(
    line: Line, *, stores: asyncio.Semaphore | None = None, pace_s: float = 0.0
) -> AsyncIterator[tuple[Intake, "asyncio.Task[None]"]]:
    async def on_sight(_: Sight) -> None: ...

    intake = Intake(
        cast("Database", None), Lease(3, 7), canary=Canary(3), stores=stores or asyncio.Semaphore(2), pace_s=pace_s,
        window=500, on_sight=on_sight,
    )  # fmt: skip
    known = KnownDevice(id="hs-lidhult-1", kind="hotspot", lifecycle="active")
    intake.registry = LaneRegistry(
        municipalities=frozenset({"0781"}),
        devices={("0781", "hs-lidhult-1"): known},
        spooling={("0781", "hs-lidhult-1")},
    )
    session: Any = line
    async with asyncio.TaskGroup() as tasks:
        judging = tasks.create_task(intake.judge(cast("Session", session)))
        storing = asyncio.ensure_future(intake.store(cast("Session", session)))
        try:
            yield intake, storing
        finally:
            judging.cancel()
            storing.cancel()
            await asyncio.wait([storing])


async def test_the_next_messages_are_judged_meanwhile_and_each_is_acknowledged_after_its_own_commit(
    store: Store,
) -> None:
    line = Line()
    async with _at_work(line):
        line.put("a")
        await eventually(lambda: store.batches == [["a"]])
        line.put("b")
        line.put("c")
        await eventually(lambda: not line.inbox)
        assert line.acknowledged == line.published == []
        store.allowed.set()
        await eventually(lambda: line.acknowledged == ["a", "b", "c"])
        assert line.published == ["a", "b", "c"]
        assert store.batches == [["a"], ["b", "c"]]


async def test_a_commit_that_failed_acknowledges_nothing_and_the_same_is_stored_again(store: Store) -> None:
    line = Line()
    store.fails = [ConnectionError(), TimeoutError()]
    async with _at_work(line):
        line.put("a", "b")
        await eventually(lambda: store.batches)
        line.put("c")
        store.allowed.set()
        await eventually(lambda: line.acknowledged == ["a", "b", "c"])
        assert store.batches == [["a", "b"], ["a", "b"], ["a", "b"], ["c"]]


async def test_a_lane_that_was_taken_ends_the_storing_with_nothing_acknowledged(store: Store) -> None:
    line = Line()
    store.fails = [LaneTaken()]
    store.allowed.set()
    async with _at_work(line) as (_, storing):
        line.put("a")
        with pytest.raises(LaneTaken):
            await storing
        assert line.acknowledged == []


async def test_closing_ends_the_storing_when_all_that_is_judged_is_stored(store: Store) -> None:
    line = Line()
    async with _at_work(line) as (intake, storing):
        line.put("a")
        await eventually(lambda: store.batches)
        line.put("b")
        await eventually(lambda: not line.inbox)
        intake.close()
        store.allowed.set()
        await storing
        assert line.acknowledged == ["a", "b"]


async def test_lanes_take_turns_and_each_stores_all_that_it_has_by_then(store: Store) -> None:
    one, other, stores = Line(), Line(), asyncio.Semaphore(1)
    async with _at_work(one, stores=stores), _at_work(other, stores=stores):
        one.put("a")
        await eventually(lambda: store.batches == [["a"]])
        for name in ("b", "c", "d"):
            other.put(name)
            await eventually(lambda: not other.inbox)
        store.allowed.set()
        await eventually(lambda: other.acknowledged == ["b", "c", "d"])
        assert store.batches == [["a"], ["b", "c", "d"]]
        assert store.most_at_once == 1


async def test_judging_stops_while_a_whole_transaction_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_AT_ONCE", 2)
    line = Line()
    async with _at_work(line):
        line.put("a")
        await eventually(lambda: store.batches)
        for name in ("b", "c", "d", "e"):
            line.put(name)
            await asyncio.sleep(0.02)
        assert [json.loads(delivery.payload)["id"] for delivery in line.inbox] == [
            "e"
        ]  # b and c wait, d is in hand
        store.allowed.set()
        await eventually(lambda: line.acknowledged == ["a", "b", "c", "d", "e"])
        assert store.batches[:2] == [["a"], ["b", "c"]]


async def test_under_load_messages_are_taken_together_and_one_alone_at_once(store: Store) -> None:
    line, clock = Line(), asyncio.get_running_loop()
    store.allowed.set()
    async with _at_work(line, pace_s=0.3):
        began = clock.time()
        line.put("a")
        await eventually(lambda: line.acknowledged == ["a"])
        assert clock.time() - began < 0.3
        for name in ("b", "c", "d"):
            line.put(name)
            await asyncio.sleep(0.01)
        await eventually(lambda: line.acknowledged == ["a", "b", "c", "d"])
        assert store.batches == [["a"], ["b", "c", "d"]]
