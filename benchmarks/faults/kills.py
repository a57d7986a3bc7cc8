"""Q1: `kill -9` of gateway, PostgreSQL with its children, and broker at random moments, under load."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.faults import agents
from benchmarks.faults.rig import Plan, Rig, rig
from benchmarks.faults.waiting import until

ALL = ("gateway", "database", "broker")
# An agent sends again after 30 s, doubling.
AGENTS_WITHIN_S = 240.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Kills:
    """How much: kills of each victim, events in all, events a second."""

    each: int = 10
    victims: Sequence[str] = ALL
    events: int = 100_000
    rate: float = 600.0


async def random_kills(folder: Path, plan: Plan, kills: Kills) -> dict[str, object]:
    """Kill, mend, settle, audit; return the figures.

    The moments are numbers of events made, so that every kill comes under load, however slow the machine is.
    """
    began = time.monotonic()
    async with rig(folder, plan) as installation, AsyncExitStack() as stack:
        order = [victim for victim in kills.victims for _ in range(kills.each)]
        installation.rng.shuffle(order)
        moments = sorted(installation.rng.sample(range(kills.events // 20, kills.events), len(order)))
        real = await stack.enter_async_context(agents.at_work(installation))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(installation.fleet.pace(kills.events, rate=kills.rate), name="load")
            for victim, moment in zip(order, moments, strict=True):
                await until(lambda due=moment: installation.fleet.made >= due, within=600, every=_LOOK_S)
                await strike(installation, victim)
        killed_s = time.monotonic() - began
        settled_s = await installation.settle()
        await real.settle(within=AGENTS_WITHIN_S)
        found = await installation.audit()
        await real.audit(found)
        return {
            "seed": plan.seed,
            **asdict(kills),
            "wiped": plan.wiped,
            "spool": plan.habits.spool,
            "load_s": round(killed_s, 1),
            "settled_s": round(settled_s, 1),
            "sent_again": sum(device.sent_again for device in installation.fleet.devices),
            "sessions_lost": installation.said("mqtt_session_lost"),
            **found.shown(),
        }


async def strike(installation: Rig, victim: str) -> None:
    """Kill one of the three, and start it again a moment later; PostgreSQL is frozen first every other time."""
    rng = installation.rng
    match victim:
        case "gateway":
            process = rng.choice(installation.killed or installation.processes)
            await process.kill()
            await asyncio.sleep(rng.uniform(0, 1))
            await process.start()
        case "database":
            await rng.choice((installation.database.kill, installation.database.freeze_and_kill))()
            await asyncio.sleep(rng.uniform(0, 1.5))
            await installation.database.start()
        case _:
            await installation.broker.kill()
            await asyncio.sleep(rng.uniform(0, 1.5))
            await installation.broker.start()
