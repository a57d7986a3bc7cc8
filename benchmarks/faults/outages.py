"""Q4: servers that are away for long, a broker whose queue overflows, and how much memory it takes to bear that."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import aiohttp

from benchmarks.faults.accounting import metrics, settled_account
from benchmarks.faults.devices import Device
from benchmarks.faults.hostile import KIND, say
from benchmarks.faults.points import loaded
from benchmarks.faults.rig import WITH_WEB, Plan, Rig, rig
from benchmarks.faults.servers import Process

MOST_GROWTH = 50_000_000
_LARGE = b'{"data":{"x":"' + b"y" * 250_000 + b'"}}'
_WARM_S = 3.0
_EVERY_S = 0.5


@dataclass(slots=True)
class Peak:
    """The most memory that a process had, and the most that each metric showed."""

    before: int
    memory: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def growth(self) -> int:
        """Bytes more than before."""
        return max(0, self.memory - self.before)


async def database_away(folder: Path, plan: Plan, *, seconds: float, rate: float) -> dict[str, object]:
    """PostgreSQL is away under load."""
    async with rig(folder, replace(plan, processes=WITH_WEB)) as installation:
        async with loaded(installation, rate=rate):
            await asyncio.sleep(_WARM_S)
            async with watched(installation.gateway, partial(metrics, installation)) as peak:
                await installation.database.kill()
                await asyncio.sleep(seconds)
                unready = await _readiness(installation)
                left = installation.fleet.left
                await installation.database.start()
        began = time.monotonic()
        async with watched(installation.gateway) as after:
            await installation.settle()
        drained_s = time.monotonic() - began
        books = await settled_account(installation)
        found = await installation.audit()
    in_flight = peak.metrics.get("bypunkt_gateway_in_flight", 0)
    growth = max(peak.growth, after.memory - peak.before)
    clean = found.clean and not books.difference and growth < MOST_GROWTH and in_flight > 0 and unready == 503
    return {
        "seed": plan.seed,
        "away_s": seconds,
        "waiting_at_the_end": left,
        "most_in_flight": int(in_flight),
        "readyz_while_away": unready,
        "growth_mb": round(growth / 1e6, 1),
        "drained_s": round(drained_s, 1),
        "difference": books.difference,
        "commits_unanswered": books.difference_in_sql,
        **found.shown(),
        "clean": clean,
    }


async def gateway_away(folder: Path, plan: Plan, *, events: int) -> dict[str, object]:
    """The gateway is away while so many events come, and finds them all when it is back."""
    async with rig(folder, plan) as installation:
        await installation.fleet.pace(300, rate=100)
        await installation.settle()
        before = installation.gateway.memory
        await installation.gateway.kill()
        installation.fleet.make(events)
        await asyncio.sleep(_WARM_S)  # the broker takes what the devices' windows let out
        began = time.monotonic()
        await installation.gateway.start()
        async with watched(installation.gateway, before=before) as peak:
            await installation.settle()
        drained_s = time.monotonic() - began
        found = await installation.audit()
    return {
        "seed": plan.seed,
        "growth_mb": round(peak.growth / 1e6, 1),
        "drained_s": round(drained_s, 1),
        "events_s": round(events / drained_s),
        **found.shown(),
        "clean": found.clean and peak.growth < MOST_GROWTH,
    }


async def queue_overflows(folder: Path, plan: Plan, *, queue: int, events: int) -> dict[str, object]:
    """The broker acknowledges and drops what its queue cannot hold; the spools have it."""
    lines = (f"max_queued_messages {queue}", f"max_inflight_messages {queue}")
    async with rig(folder, replace(plan, broker_lines=lines)) as installation:
        await installation.gateway.kill()
        installation.fleet.make(events)
        await asyncio.sleep(_WARM_S)
        overflowed = "being dropped" in installation.mosquitto.log.read_text(encoding="utf-8")
        await installation.gateway.start()
        await installation.settle()
        found = await installation.audit()
        again = sum(device.sent_again for device in installation.fleet.devices)
    return {
        "seed": plan.seed,
        "queue": queue,
        "overflowed": overflowed,
        "sent_again": again,
        **found.shown(),
        "clean": found.clean and overflowed,
    }


async def large_messages(folder: Path, plan: Plan, *, count: int) -> dict[str, object]:
    """While PostgreSQL is away, every lane is sent so many messages of a quarter of a megabyte."""
    async with rig(folder, replace(plan, processes=WITH_WEB)) as installation:
        await installation.fleet.pace(300, rate=100)
        async with watched(installation.gateway) as peak:
            await installation.database.kill()
            async with asyncio.TaskGroup() as tasks:
                for device in installation.fleet.devices[: installation.lanes]:
                    tasks.create_task(_say_large(device, count), name=device.name)
            await asyncio.sleep(_WARM_S)
            await installation.database.start()
            await installation.settle()
        books = await settled_account(installation)
        found = await installation.audit()
    said = count * min(installation.lanes, len(installation.fleet.devices))
    clean = found.clean and not books.difference and books.dead_lettered == said and peak.growth < MOST_GROWTH
    return {
        "seed": plan.seed,
        "said_mb": round(said * len(_LARGE) / 1e6),
        "growth_mb": round(peak.growth / 1e6, 1),
        "dead_lettered": books.dead_lettered,
        "said": said,
        "difference": books.difference,
        "clean": clean,
    }


@asynccontextmanager
async def watched(
    process: Process,
    look: Callable[[], Awaitable[Mapping[str, float]]] | None = None,
    *,
    before: int | None = None,
) -> AsyncIterator[Peak]:
    """Look at a process's memory, and its metrics, twice a second."""
    peak = Peak(before if before is not None else process.memory)

    async def watch() -> None:
        while True:
            peak.memory = max(peak.memory, process.memory)
            if look is not None:
                for name, value in (await look()).items():
                    peak.metrics[name] = max(value, peak.metrics.get(name, 0))
            await asyncio.sleep(_EVERY_S)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(), name="watch")
        yield peak
        task.cancel()


async def _say_large(device: Device, count: int) -> None:
    for _ in range(count):
        await say(device, KIND, _LARGE)


async def _readiness(installation: Rig) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{installation.web}/readyz") as answer:
        return answer.status
