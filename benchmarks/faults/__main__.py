"""The long fault tests: `make bench-faults ARGS="--seed N --minutes M --only NAME"`.

Each scenario prints one line of JSON with its seed and its figures, and what is wrong; the exit code is 1 when
anything is. docs/faults.md says what each shows.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.broken import every_variant
from benchmarks.faults.devices import Habits
from benchmarks.faults.kills import Kills, random_kills
from benchmarks.faults.rig import Plan
from config import logs
from config.settings import LogOptions

Figures = dict[str, object]
SEEDS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """What a scenario is told."""

    folder: Path
    seed: int
    minutes: float


async def kept(task: Task) -> Figures:
    """Q1, the broker keeps what it has saved (by default settings: once a minute)."""
    return await random_kills(task.folder, Plan(devices=200, seed=task.seed), Kills())


async def wiped(task: Task) -> Figures:
    """Q1, the broker's store is wiped at each of its kills."""
    return await random_kills(task.folder, Plan(devices=200, seed=task.seed, wiped=True), Kills())


async def acknowledged(task: Task) -> Figures:
    """Q1 for devices without a spool: what a broker that lives has acknowledged is stored."""
    plan = Plan(devices=200, seed=task.seed, habits=Habits(spool=False))
    return await random_kills(task.folder, plan, Kills(victims=("gateway", "database"), each=15))


async def broken(task: Task) -> Figures:
    """Q3, variants that are broken on purpose."""
    return await every_variant(task.folder, seed=task.seed)


# Name: the scenario, and how many seeds it is run with.
SCENARIOS: dict[str, tuple[Callable[[Task], Coroutine[None, None, Figures]], int]] = {
    "kept": (kept, SEEDS),
    "wiped": (wiped, SEEDS),
    "acknowledged": (acknowledged, SEEDS),
    "broken": (broken, 1),
}


def main() -> int:
    """Run the scenarios that were asked for, and say how each came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--seeds", type=int, help="how many seeds in a row, instead of each scenario's own")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the soak lasts")
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
        figures = asyncio.run(scenario(Task(folder, seed, minutes)))
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


if __name__ == "__main__":
    sys.exit(main())
