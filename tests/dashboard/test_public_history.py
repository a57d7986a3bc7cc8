"""What is kept of the past: read once for all who ask, and one wait for a database that hangs, not one each."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import public_history
from dashboard.public_history import Kept
from tests.support.waiting import eventually

READERS = 20


class Source:
    """Somebody who answers with how often they were asked, or hangs."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 18, 12, tzinfo=UTC)
        self.asked = 0
        self.hangs = False
        self.kept: Kept[str, int] = Kept(self.read, lambda: self.now)

    async def read(self, _: str) -> int:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        return self.asked

    async def many(self, key: str) -> list[int | None]:
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(self.kept.get(key)) for _ in range(READERS)]
        return [reader.result() for reader in readers]


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_history, "_PATIENCE_S", 0.05)


async def test_everybody_shares_one_reading() -> None:
    source = Source()
    assert await source.many("a") == [1] * READERS
    assert source.asked == 1


@pytest.mark.parametrize("held", [1, None])
async def test_all_who_ask_while_the_database_hangs_wait_once_and_get_what_is_held(held: int | None) -> None:
    source = Source()
    if held:
        await source.kept.get("a")
    source.now += timedelta(minutes=2)
    source.hangs, source.asked = True, 0
    assert await source.many("a") == [held] * READERS
    assert await source.kept.get("another") is None
    assert source.asked == 1
    source.now += timedelta(seconds=2)
    assert await source.kept.get("a") == held
    assert source.asked == 2


async def test_an_answer_ends_the_silence() -> None:
    source = Source()
    source.hangs = True
    await source.kept.get("a")
    source.hangs = False
    assert await source.kept.get("a") is None
    source.now += timedelta(seconds=2)
    assert await source.kept.get("a") == 2
    assert await source.kept.get("b") == 3


async def test_a_clock_that_was_put_back_does_not_lengthen_the_silence() -> None:
    source = Source()
    source.hangs = True
    await source.kept.get("a")
    source.hangs = False
    source.now -= timedelta(hours=1)
    assert await source.kept.get("a") == 2


async def test_what_is_fresh_is_served_while_somebody_waits_for_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(public_history, "_PATIENCE_S", 60.0)
    source = Source()
    await source.kept.get("a")
    source.hangs = True
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(source.kept.get("b"))
        await eventually(lambda: source.asked == 2)
        async with asyncio.timeout(5):
            assert await source.kept.get("a") == 1
        waiting.cancel()
