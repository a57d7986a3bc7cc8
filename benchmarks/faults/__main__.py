"""The long fault tests: `make bench-faults ARGS="--seed N --minutes M --only NAME"`.

Each scenario prints one line of JSON with its seed and its figures, and what is wrong; the exit code is 1 when
anything is. docs/faults.md says what each shows.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.blindness import Away, away
from benchmarks.faults.broken import every_variant
from benchmarks.faults.devices import Habits
from benchmarks.faults.hostile import bad_among_good, hostile_payloads
from benchmarks.faults.kills import Kills, random_kills
from benchmarks.faults.network import bad_networks
from benchmarks.faults.outages import database_away, gateway_away, large_messages, queue_overflows
from benchmarks.faults.points import at_every_point
from benchmarks.faults.rig import WITH_WEB, Plan
from benchmarks.faults.soak import soak
from config import logs
from config.settings import LogOptions

Figures = dict[str, object]
SEEDS = 3
MOST_RATIO = 2.0
AS_IN_VILLAGES = Habits(patience_s=30)


@dataclass(frozen=True, slots=True)
class Task:
    """What a scenario is told."""

    folder: Path
    seed: int
    minutes: float


async def kept(task: Task) -> Figures:
    """Q1, the broker keeps what it has saved (by default settings: once a minute)."""
    return await random_kills(task.folder, Plan(devices=200, agents=2, seed=task.seed), Kills())


async def wiped(task: Task) -> Figures:
    """Q1, the broker's store is wiped at each of its kills."""
    return await random_kills(task.folder, Plan(devices=200, agents=2, seed=task.seed, wiped=True), Kills())


async def acknowledged(task: Task) -> Figures:
    """Q1 for devices without a spool: what a broker that lives has acknowledged is stored."""
    plan = Plan(devices=200, seed=task.seed, habits=Habits(spool=False))
    return await random_kills(task.folder, plan, Kills(victims=("gateway", "database"), each=15))


async def broken(task: Task) -> Figures:
    """Q3, variants that are broken on purpose."""
    return await every_variant(task.folder, seed=task.seed)


async def points(task: Task) -> Figures:
    """Q2, 20 deaths of the gateway at every point of its path, and 20 with a frozen PostgreSQL."""
    return await at_every_point(task.folder, Plan(devices=50, seed=task.seed), each=20)


async def network(task: Task) -> Figures:
    """Q6, bytes one by one, delays, resets, silence, half-open connections."""
    return await bad_networks(task.folder, Plan(seed=task.seed), phase_s=20, rate=100, thorough=True)


async def hostile(task: Task) -> Figures:
    """Q7 and Q5, 100,000 hostile payloads."""
    return await hostile_payloads(
        task.folder, Plan(devices=6, seed=task.seed, processes=WITH_WEB), count=100_000
    )


async def flood(task: Task) -> Figures:
    """Q8, bad events among good ones, and how long the others wait during a flood."""
    figures = await bad_among_good(task.folder, Plan(seed=task.seed, processes=WITH_WEB), seconds=30)
    return figures | {"clean": figures["clean"] and figures["ratio"] < MOST_RATIO}  # type: ignore[operator]


async def database(task: Task) -> Figures:
    """Q4, PostgreSQL away for ten minutes under load."""
    plan = Plan(devices=200, seed=task.seed, habits=AS_IN_VILLAGES)
    return await database_away(task.folder, plan, seconds=600, rate=200)


async def gateway(task: Task) -> Figures:
    """Q4, the gateway away for the traffic of an hour: 200 devices, every 20 s."""
    plan = Plan(devices=200, seed=task.seed, habits=AS_IN_VILLAGES)
    return await gateway_away(task.folder, plan, events=200 * 180)


async def overflow(task: Task) -> Figures:
    """Q4, the broker's queue holds 1,000 of 36,000 messages."""
    return await queue_overflows(
        task.folder, Plan(devices=200, seed=task.seed), queue=1_000, events=200 * 180
    )


async def large(task: Task) -> Figures:
    """Q4, 400 messages of 250 KB a lane while PostgreSQL is away."""
    return await large_messages(task.folder, Plan(devices=6, seed=task.seed), count=400)


async def blindness(task: Task) -> Figures:
    """Q11: broker stopped and killed, gateway and database away, for 45 intervals of 200 devices; 10 die meanwhile."""
    plan = Plan(devices=200, interval_s=2, seed=task.seed, habits=AS_IN_VILLAGES)
    return await away(task.folder, plan, Away())


async def hour(task: Task) -> Figures:
    """Q22, the soak."""
    plan = Plan(devices=200, seed=task.seed, habits=AS_IN_VILLAGES)
    return await soak(task.folder, plan, minutes=task.minutes)


# Name: the scenario, and how many seeds it is run with.
SCENARIOS: dict[str, tuple[Callable[[Task], Coroutine[None, None, Figures]], int]] = {
    "kept": (kept, SEEDS),
    "wiped": (wiped, SEEDS),
    "acknowledged": (acknowledged, SEEDS),
    "points": (points, 1),
    "broken": (broken, 1),
    "database": (database, 1),
    "gateway": (gateway, 1),
    "overflow": (overflow, 1),
    "large": (large, 1),
    "blindness": (blindness, 1),
    "network": (network, 1),
    "hostile": (hostile, 1),
    "flood": (flood, 1),
    "soak": (hour, 1),
}


def main() -> int:
    """Run the scenarios that were asked for, and say how each came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--seeds", type=int, help="how many seeds in a row, instead of each scenario's own")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the soak lasts")
    parser.add_argument(
        "--only", action="append", choices=sorted(SCENARIOS), help="may be given several times"
    )
    asked = parser.parse_args()
    logs.set_up(LogOptions(level="error"))
    print(f"seed {asked.seed}", flush=True)
    failed = 0
    for name in asked.only or SCENARIOS:
        scenario, seeds = SCENARIOS[name]
        for seed in range(asked.seed, asked.seed + (asked.seeds or seeds)):
            failed += not run(name, scenario, seed=seed, minutes=asked.minutes)
    print("all clean" if not failed else f"{failed} not clean", flush=True)
    return 1 if failed else 0


def run(
    name: str, scenario: Callable[[Task], Coroutine[None, None, Figures]], *, seed: int, minutes: float
) -> bool:
    """Run one scenario with one seed; its folder is kept when it fails."""
    folder = Path(tempfile.mkdtemp(prefix=f"bypunkt-faults-{name}-"))
    folder.chmod(0o755)
    began = time.monotonic()
    try:
        figures = asyncio.run(_until_told_to_stop(scenario(Task(folder, seed, minutes))))
    except Exception:  # noqa: BLE001 - said, and the next one has its turn
        traceback.print_exc()
        figures = {"clean": False, "error": str(sys.exc_info()[1])}
    clean = bool(figures.pop("clean"))
    line = {
        "scenario": name,
        "clean": clean,
        "took_s": round(time.monotonic() - began),
        "seed": seed,
        **figures,
    }
    if not clean:
        line["folder"] = str(folder)
    print(json.dumps(line), flush=True)
    return clean


async def _until_told_to_stop(scenario: Coroutine[None, None, Figures]) -> Figures:
    """Leave in order on SIGTERM too: what was started must not be left behind."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await scenario


if __name__ == "__main__":
    sys.exit(main())
