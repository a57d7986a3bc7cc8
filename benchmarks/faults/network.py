"""Q6: networks that break, between devices and broker, gateway and broker, gateway and PostgreSQL."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchmarks.faults.points import loaded
from benchmarks.faults.rig import Plan, Rig, rig

KEEPALIVE_S = 5


async def bad_networks(
    folder: Path, plan: Plan, *, phase_s: float, rate: float, thorough: bool
) -> dict[str, object]:
    """Go through every kind of trouble for `phase_s` under load; `thorough` waits for PostgreSQL's timeout as well."""
    told = {**plan.env, "BYPUNKT_MQTT__KEEPALIVE_S": str(KEEPALIVE_S)}
    done: dict[str, int] = {}
    async with rig(folder, replace(plan, env=told, proxied=True)) as installation:
        for trouble in (bytes_one_by_one, delays, resets, silence, half_open):
            before = installation.fleet.made
            async with loaded(installation, rate=rate):
                await trouble(installation, phase_s)
                for proxy in installation.proxies:
                    proxy.heal()
                # As long as it takes to notice that nobody is there.
                await asyncio.sleep(2 * KEEPALIVE_S if trouble is half_open else 1)
            await installation.settle()
            done[trouble.__name__] = installation.fleet.made - before
        if thorough:
            async with loaded(installation, rate=rate):
                installation.proxies[2].half_open()
                await asyncio.sleep(30)
        settled_s = await installation.settle()
        found = await installation.audit()
        connections = [proxy.connections for proxy in installation.proxies]
    return {
        "seed": plan.seed,
        "events_in": done,
        "connections": connections,
        "settled_s": round(settled_s, 1),
        **found.shown(),
    }


async def bytes_one_by_one(installation: Rig, seconds: float) -> None:
    """Every byte is a segment of its own."""
    for proxy in installation.proxies:
        proxy.chunk = 1
    await asyncio.sleep(seconds)


async def delays(installation: Rig, seconds: float) -> None:
    """Every segment takes its time, another one on each way."""
    for proxy in installation.proxies:
        proxy.delay_s = installation.rng.uniform(0.005, 0.1)
    await asyncio.sleep(seconds)


async def resets(installation: Rig, seconds: float) -> None:
    """Connections are reset at random, in the middle of whatever they carry."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.sleep(installation.rng.uniform(0.1, 1))
                installation.rng.choice(installation.proxies).reset()


async def silence(installation: Rig, seconds: float) -> None:
    """Nothing is passed on, and then everything is."""
    for proxy in installation.proxies:
        proxy.silent = True
    await asyncio.sleep(seconds)


async def half_open(installation: Rig, seconds: float) -> None:
    """The brokers' ends are gone, and nobody has told the devices and the gateway."""
    for proxy in installation.proxies[:2]:
        proxy.half_open()
    await asyncio.sleep(seconds)
