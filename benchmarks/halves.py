"""Two gateways, each held to half a core, beside one such; and how soon the lanes of one that is killed go on.

Held: a process that has used more than half of the time since it was last looked at is stopped (SIGSTOP) until it has
not, every 10 ms. The worker is held to a twentieth: storing is what is measured, and two cores are not enough for two
such gateways, their broker and PostgreSQL, and reading as well. PostgreSQL and the broker are not held.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

from benchmarks import proc
from benchmarks.driver import Load
from benchmarks.installation import Installation, installation, looking
from benchmarks.runs import run

VILLAGES, DEVICES = 290, 10
_EVERY_S = 0.01
_READING = 0.05
_SHARING_S = 20.0
_LANE_HEADS = "SELECT lane, head FROM lane WHERE head > 0"


async def measure(
    *, messages: int = 60_000, share: float = 0.5, kill_rate: float = 500.0
) -> dict[str, object]:
    """One, then two, then one of the two killed with -9 while events keep coming."""

    def load(name: str) -> Load:
        return Load(max(100, messages), municipalities=VILLAGES, devices=DEVICES, run=name)

    async with installation(municipalities=VILLAGES, devices=DEVICES) as place:
        await run(place, load("warm"))
        async with _held(place, {"gateway": share, "worker": _READING}):
            one = await run(place, load("one"))
        await place.start("gateway2", "gateway")
        if not await _shared(place):
            return {"skipped": "two gateways do not share the lanes in this version"}
        async with _held(place, {"gateway": share, "gateway2": share, "worker": _READING}):
            two = await run(place, load("two"))
        taken_over_s, difference = await _kill_one(place, kill_rate)
    return {
        "share": share, "one_per_s": round(one.arrived / one.stored_s), "two_per_s": round(two.arrived / two.stored_s),
        "two_over_one": round(one.stored_s / two.stored_s, 2), "one_cpu_us": one.cpu_us, "two_cpu_us": two.cpu_us,
        "taken_over_s": taken_over_s, "difference": one.difference + two.difference + difference,
    }  # fmt: skip


@asynccontextmanager
async def _held(place: Installation, shares: Mapping[str, float]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        holders = [
            tasks.create_task(_hold(place.processes[name].pid, share), name=f"hold {name}")
            for name, share in shares.items()
        ]
        try:
            yield
        finally:
            for holder in holders:
                holder.cancel()


async def _hold(pid: int, share: float) -> None:
    began, used, stopped = time.monotonic(), proc.cpu_s(pid), False
    try:
        while True:
            await asyncio.sleep(_EVERY_S)
            allowed = (time.monotonic() - began) * share
            too_much = proc.cpu_s(pid) - used > allowed
            if too_much != stopped:
                os.kill(pid, signal.SIGSTOP if too_much else signal.SIGCONT)
                stopped = too_much
            if not too_much and time.monotonic() - began > 1.0:
                # What was not used is not saved up for later.
                began, used = time.monotonic(), proc.cpu_s(pid)
    finally:
        if stopped:
            os.kill(pid, signal.SIGCONT)


async def _shared(place: Installation) -> bool:
    """Give the second gateway time to take its share of the lanes; whether they do not throw each other out."""
    await asyncio.sleep(_SHARING_S)
    await place.until_seeing()
    return "evicted_by_same_client_id" not in place.log_of("gateway") + place.log_of("gateway2")


async def _kill_one(place: Installation, rate: float) -> tuple[float, int]:
    """Kill one with -9 in the middle; return the longest time that a lane stood still after it, and the difference."""
    load = Load(int(rate * 30), rate=rate, municipalities=VILLAGES, devices=DEVICES, run="killed")
    # The run looks at the log through the installation's own connection.
    async with looking(place.postgres) as connection, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(place, load, patience_s=60), name="run")
        await asyncio.sleep(5)
        await place.stop("gateway", ending=signal.SIGKILL)
        killed = time.monotonic()
        heads = await _heads(connection)
        moved: dict[int, float] = {}
        while len(moved) < len(heads) and not running.done():
            await asyncio.sleep(0.2)
            for lane, head in (await _heads(connection)).items():
                if lane not in moved and head > heads[lane]:
                    moved[lane] = time.monotonic() - killed
    return round(max(moved.values(), default=-1.0), 1), running.result().difference


async def _heads(connection: asyncpg.Connection) -> dict[int, int]:
    """The heads of the lanes that have events."""
    return {row["lane"]: row["head"] for row in await connection.fetch(_LANE_HEADS)}
