"""The worker follows the log for every reading in every lane, whatever happens to one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from services.log.append import queries
from services.log.follow import Place, Turn
from services.log.worker import Worker
from services.runtime import tasks
from services.storage.database import Connection, Database, Public, Role
from services.tenants.importing import import_registry
from tests.support.villages import NOON, add, heartbeat, registry, villages
from tests.support.waiting import eventually


class Taking:
    """A reading that keeps the names of what it was given, or always fails."""

    longest_pause = 0.1

    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.name = name
        self.taken: list[str] = []
        self.calls = 0
        self._fails = fails

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        assert now == NOON
        self.calls += 1
        if self._fails:
            raise LookupError("nobody foresaw it")
        rows = await connection.fetch(queries.events_after, place.lane, place.after, place.upto - place.after)
        self.taken += [row["id"] for row in rows]
        return Turn(place)

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None: ...

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        del connection, lane
        return []


@asynccontextmanager
async def _at_work(database: Database, *readings: Taking) -> AsyncIterator[None]:
    task = asyncio.create_task(Worker(database, readings, clock=lambda: NOON).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_each_reading_takes_the_events_of_all_lanes(database_url: str) -> None:
    one, other = Taking("one"), Taking("other")
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        async with _at_work(database, one, other):
            await add(database, heartbeat(2, municipality="0583", device="hs-fornasa-1"))
            await eventually(lambda: sorted(one.taken) == sorted(other.taken) == ["e-1", "e-2"])


async def test_a_reading_that_always_fails_holds_up_no_other(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "backoff_s", lambda _attempt: 0.01)
    good, bad = Taking("good"), Taking("bad", fails=True)
    async with villages(database_url) as database, _at_work(database, bad, good):
        await eventually(lambda: bad.calls > 4)
        await add(database, heartbeat(1))
        await eventually(lambda: good.taken == ["e-1"])


async def test_a_lane_that_comes_later_is_followed_as_well(database_url: str) -> None:
    reading = Taking("one")
    async with (
        villages(database_url, devices={"hs-lidhult-1": "0781"}) as database,
        _at_work(database, reading),
    ):
        await eventually(lambda: reading.calls)
        newcomer = registry({"hs-fornasa-1": "0583"}).model_dump()
        newcomer["municipalities"][1]["code"] = "2505"
        newcomer["service_points"] = []
        newcomer["devices"] = [newcomer["devices"][0] | {"municipality": "2505", "point": None}]
        await import_registry(database, type(registry()).model_validate(newcomer))
        await add(database, heartbeat(1, municipality="2505", device="hs-fornasa-1"))
        await eventually(lambda: reading.taken == ["e-1"])


async def test_a_second_worker_takes_up_where_the_first_stopped(database_url: str) -> None:
    first, second = Taking("one"), Taking("one")
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        async with _at_work(database, first):
            await eventually(
                lambda: _has_read(database, 1)
            )  # committed: what it had only taken is taken again
        await add(database, heartbeat(2))
        async with _at_work(database, second):
            await eventually(lambda: second.taken)
        assert second.taken == ["e-2"]


async def _has_read(database: Database, position: int) -> bool:
    async with database.transaction(Role.WORKER, Public()) as connection:
        rows = await connection.fetch("SELECT position FROM reading_cursor")
    return position in [row["position"] for row in rows]
