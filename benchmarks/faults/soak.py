"""Q22: an hour of everyday life with a kill every five minutes; nothing is lost, and nothing grows.

The readings and the web are a process of their own, which is never killed: its memory and descriptors must stay flat
for the hour, and the gateway's from one of its deaths to the next.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.faults.kills import ALL, strike
from benchmarks.faults.points import loaded
from benchmarks.faults.rig import Plan, Rig, rig
from benchmarks.faults.servers import Process

PROCESSES = (("run", "--role", "gateway"), ("run", "--role", "worker", "--role", "web"))
KILL_EVERY_S = 300.0
SAMPLE_EVERY_S = 60.0
# Caches fill and the allocator finds its size: what comes before is not growth.
WARM_S = 300.0
# Along the fitted line, over what was watched of a life. In minutes there is nothing to be told.
MOST_GROWTH_MB = 15.0
MOST_DESCRIPTORS = 10.0
LEAST_WATCHED_H = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process had at a moment; `life` is the number of its start."""

    at_s: float
    process: int
    life: int
    memory: int
    descriptors: int


async def soak(folder: Path, plan: Plan, *, minutes: float, rate: float = 40.0) -> dict[str, object]:
    """Let 200 devices report, kill one of the three every five minutes, and look every minute."""
    seconds = minutes * 60
    kill_every_s, sample_every_s = min(KILL_EVERY_S, seconds / 12), min(SAMPLE_EVERY_S, seconds / 60)
    samples: list[Sample] = []
    kills: list[str] = []
    began = time.monotonic()
    async with rig(folder, replace(plan, processes=PROCESSES)) as installation:
        installation.killed = installation.processes[:1]
        async with loaded(installation, rate=rate):
            next_kill = kill_every_s
            while (at := time.monotonic() - began) < seconds:
                if at >= next_kill:
                    next_kill += kill_every_s
                    kills.append(ALL[len(kills) % len(ALL)])
                    await strike(installation, kills[-1])
                samples += _look(installation, at)
                _say(installation, at, kills)
                await asyncio.sleep(sample_every_s)
        settled_s = await installation.settle(stalled_s=300)
        found = await installation.audit()
        waits = sorted(wait for device in installation.fleet.devices for wait in device.waits_s)
    slopes = _slopes(samples, warm_s=min(WARM_S, seconds / 4))
    flat = all(
        line["watched_h"] < LEAST_WATCHED_H
        or (
            line["memory_mb_h"] * line["watched_h"] < MOST_GROWTH_MB
            and line["descriptors_h"] * line["watched_h"] < MOST_DESCRIPTORS
        )
        for line in slopes.values()
    )
    return {
        "seed": plan.seed,
        "minutes": minutes,
        "kills": {victim: kills.count(victim) for victim in ALL},
        "slopes": slopes,
        "flat": flat,
        "p50_receipt_s": round(waits[len(waits) // 2], 3),
        "settled_s": round(settled_s, 1),
        **found.shown(),
        "clean": found.clean and flat,
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope through (x, y); 0 where there are too few to tell."""
    if len(points) < 4:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _slopes(samples: Sequence[Sample], *, warm_s: float) -> dict[str, dict[str, float]]:
    """The slopes an hour of each process's longest life, without its first minutes."""
    found = {}
    for process in sorted({sample.process for sample in samples}):
        lives: dict[int, list[Sample]] = {}
        for sample in samples:
            if sample.process == process:
                lives.setdefault(sample.life, []).append(sample)
        longest = max(lives.values(), key=len)
        kept = [sample for sample in longest if sample.at_s >= longest[0].at_s + warm_s]
        memory = slope([(sample.at_s / 3600, sample.memory / 1e6) for sample in kept])
        descriptors = slope([(sample.at_s / 3600, float(sample.descriptors)) for sample in kept])
        name = " ".join(PROCESSES[process][2::2])
        found[name] = {
            "memory_mb_h": round(memory, 2),
            "descriptors_h": round(descriptors, 2),
            "memory_mb": round(longest[-1].memory / 1e6, 1),
            "watched_h": round((kept[-1].at_s - kept[0].at_s) / 3600, 3) if kept else 0.0,
        }
    return found


def _look(installation: Rig, at_s: float) -> list[Sample]:
    return [
        _sample(process, at_s, number)
        for number, process in enumerate(installation.processes)
        if process.running
    ]


def _sample(process: Process, at_s: float, number: int) -> Sample:
    return Sample(at_s, number, process.starts, process.memory, process.descriptors)


def _say(installation: Rig, at_s: float, kills: Sequence[str]) -> None:
    memory = ", ".join(
        f"{process.memory / 1e6:.0f} MB" for process in installation.processes if process.running
    )
    fleet = installation.fleet
    sys.stderr.write(
        f"{at_s / 60:5.1f} min  {fleet.made} events, {fleet.left} unconfirmed, {len(kills)} kills, {memory}\n"
    )
