"""Q2: the gateway ends at chosen points of its path, and PostgreSQL is frozen before it is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.faults.rig import Plan, Rig, rig
from services.runtime.failpoints import SETTING

# In the order of the path: taken from the broker, inserted, committed, acknowledged to the broker, receipted.
POINTS = (
    "gateway.received",
    "gateway.stored",
    "gateway.committed",
    "gateway.acknowledged",
    "gateway.receipted",
)
_WITHIN_S = 120.0


async def at_every_point(folder: Path, plan: Plan, *, each: int, rate: float = 400.0) -> dict[str, object]:
    """Let the gateway end `each` times at every point, and so often with a frozen PostgreSQL, under load."""
    deaths: dict[str, int] = {}
    async with rig(folder, plan) as installation:
        async with loaded(installation, rate=rate):
            await installation.stored_at_least(1)
            for point in POINTS * each:
                await installation.gateway.kill()
                nth = installation.rng.randint(1, 40)
                await installation.gateway.start(**{SETTING: f"{point}=kill@{nth}"})
                async with asyncio.timeout(_WITHIN_S):
                    await installation.gateway.wait()
                deaths[point] = deaths.get(point, 0) + 1
            await installation.gateway.start()
            for _ in range(each):
                await installation.stored_at_least(await installation.stored() + 100)
                await freeze_and_kill_both(installation)
                deaths["frozen"] = deaths.get("frozen", 0) + 1
        settled_s = await installation.settle()
        found = await installation.audit()
    return {"seed": plan.seed, "deaths": deaths, "settled_s": round(settled_s, 1), **found.shown()}


async def freeze_and_kill_both(installation: Rig) -> None:
    """Freeze PostgreSQL with whatever it is doing, kill it, and the gateway that waited for its answer too."""
    await installation.database.freeze_and_kill()
    await installation.gateway.kill()
    await installation.mend()


@asynccontextmanager
async def loaded(installation: Rig, *, rate: float) -> AsyncIterator[None]:
    """Make events all the while."""
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(installation.fleet.pace(10**9, rate=rate), name="load")
        yield
        load.cancel()
