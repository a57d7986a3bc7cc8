"""Which lanes there is work in, and somebody at work in each of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.log.append import queries
from services.runtime.tasks import describe, supervise
from services.storage.database import UNREACHABLE, Database, Public, Role

log = structlog.get_logger()

# Silence of the canary beyond this is blindness: of the time between nothing is known (architecture, liveness).
BLIND_AFTER = timedelta(seconds=15)
# A registry change whose notification was missed is noticed after this long, seconds.
_LOOK_AGAIN_S = 30.0


async def lanes_in_use(database: Database) -> list[int]:
    """Return the lanes that have municipalities."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        return [row["lane"] for row in await connection.fetch(queries.lanes_in_use)]


async def lane_count(database: Database) -> int:
    """Return how many lanes the log has, in use or not."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        count: int = await connection.fetchval(queries.lane_count)
        return count


async def registered_codes(database: Database) -> frozenset[str]:
    """Return the codes of all registered municipalities."""
    async with database.transaction(Role.READ, Public()) as connection:
        return frozenset(row["code"] for row in await connection.fetch(queries.registered_codes))


async def lanes_for(database: Database, codes: Sequence[str]) -> dict[str, int]:
    """Return the lanes of municipalities, registered or not: a lane is a hash of the code."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        return {row["code"]: row["lane"] for row in await connection.fetch(queries.lanes_for, codes)}


async def work_in_lanes(
    database: Database,
    name: str,
    work: Callable[[int], Awaitable[None]],
    *,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Run `work(lane)`, supervised, in every lane that has municipalities, also in those that come later.

    `on_change` is called whenever the registry has changed. Runs until cancelled.
    """
    at_work: set[int] = set()
    async with database.listen("bypunkt_registry") as notices, asyncio.TaskGroup() as tasks:
        while True:
            for lane in await _lanes_if_reachable(database):
                if lane not in at_work:
                    at_work.add(lane)
                    title = f"{name} lane {lane}"
                    tasks.create_task(supervise(title, _bound(work, lane)), name=title)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await anext(notices)
            on_change()


async def _lanes_if_reachable(database: Database) -> list[int]:
    try:
        return await lanes_in_use(database)
    except UNREACHABLE as error:
        # The lanes at work wait for the database by themselves, with what they have in hand: leave them alone.
        log.warning("database_unreachable", error=describe(error))
        return []


def _bound(work: Callable[[int], Awaitable[None]], lane: int) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await work(lane)

    return run


@dataclass(frozen=True, slots=True)
class LaneState:
    """How a lane is doing.

    `seen_until`: the newest canary that came the whole way, None when cut off. `read_until`: when every reading had
    last read everything, None when one never has.
    """

    lane: int
    seen_until: datetime | None
    read_until: datetime | None


async def states_of_lanes(database: Database, readings: Sequence[str]) -> list[LaneState]:
    """Return how every lane in use is doing, with regard to these readings."""
    async with database.transaction(Role.WEB, Public()) as connection:
        return [LaneState(**row) for row in await connection.fetch(queries.states_of_lanes, readings)]
