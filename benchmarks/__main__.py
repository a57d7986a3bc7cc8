"""Measure the way of an event, part by part; `--report` writes docs/benchmarks.md from the figures that were kept.

Figures are worth comparing within one run. `--quick` shows that everything works, in four minutes; what is kept comes
from a full run on a machine that does nothing else.
"""

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import country, growth, halves, history, latency, outage, proc, size, speed
from benchmarks.report import KEPT, table, write
from config import logs
from config.settings import LogOptions

_DEFAULT_PLACE = Path(tempfile.gettempdir()) / "bypunkt-benchmarks"


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured, and how much of it when there is little time (`quick`) or none (`smoke`)."""

    title: str
    measure: Callable[..., Awaitable[dict[str, object]]]
    quick: Mapping[str, Any]
    smoke: Mapping[str, Any] = field(default_factory=dict)


PARTS = {
    "speed": Part(
        "durable events a second",
        speed.measure,
        quick={"messages": 30_000, "batches": 3_000, "raw": 50_000, "script": 3_000},
        smoke={"messages": 400, "batches": 20, "raw": 2_000, "script": 100},
    ),
    "country": Part(
        "W3, all of Sweden",
        country.measure,
        quick={"seconds": 10.0},
        smoke={"seconds": 2.0, "rate": 300, "devices": 2},
    ),
    "latency": Part(
        "publish to commit, receipt and stream",
        latency.measure,
        quick={"capacity_messages": 15_000, "seconds": 4.0},
        smoke={"capacity_messages": 400, "seconds": 2.0},
    ),
    "size": Part(
        "memory and bytes",
        size.measure,
        quick={"single": 20_000, "batches": 2_000, "steps": 4},
        smoke={"single": 300, "batches": 20, "steps": 2},
    ),
    "growth": Part(
        "growth of log and devices",
        growth.measure,
        quick={
            "rows": (10_000, 100_000, 1_000_000),
            "devices": (10, 1_000),
            "messages": 10_000,
            "seconds": 4.0,
        },
        smoke={"rows": (500, 1_000), "devices": (10,), "messages": 300, "seconds": 1.0},
    ),
    "outage": Part(
        "W5, gateway off for a minute",
        outage.measure,
        quick={"off_s": 8.0, "live_s": 12.0},
        smoke={"off_s": 2.0, "live_s": 3.0, "rate": 100.0, "devices": 2},
    ),
    "history": Part(
        "a year of days of 1,000 points",
        history.measure,
        quick={"times": 60},
        smoke={"points": 20, "months": (1, 2), "times": 5},
    ),
    "halves": Part(
        "two gateways of half a core",
        halves.measure,
        quick={"messages": 15_000},
        smoke={"messages": 300, "kill_rate": 20.0},
    ),
}


def main() -> int:
    """Run the parts that were asked for, print and write their figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="may be given several times")
    little = parser.add_mutually_exclusive_group()
    little.add_argument(
        "--quick", action="store_true", help="less of everything: four minutes instead of twenty"
    )
    little.add_argument("--smoke", action="store_true", help="hardly anything: does it work?")
    parser.add_argument("--keep", action="store_true", help="write the figures into docs/benchmarks")
    parser.add_argument("--to", type=Path, default=_DEFAULT_PLACE, help="write them there instead")
    parser.add_argument(
        "--report", action="store_true", help="write docs/benchmarks.md from what was kept, and end"
    )
    asked = parser.parse_args()
    if asked.report:
        return write()
    logs.set_up(LogOptions(level="error"))
    scale = "smoke" if asked.smoke else "quick" if asked.quick else "full"
    place: Path = KEPT if asked.keep else asked.to
    place.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in asked.only or PARTS:
        print(f"— {name}: {PARTS[name].title} …", flush=True)
        found = measured(PARTS[name], scale)
        (place / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(table(name, found), flush=True)
        failed += not adds_up(found)
    print(f"written to {place}" + (f"; {failed} do not add up" if failed else ""))
    return 1 if failed else 0


def measured(part: Part, scale: str) -> dict[str, Any]:
    """Measure one part, and note on what."""
    options: Mapping[str, Any] = {"quick": part.quick, "smoke": part.smoke}.get(scale, {})
    began = time.monotonic()
    found: dict[str, Any] = {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "scale": scale,
        "commit": _commit(),
        "machine": {**proc.machine(), "python": platform.python_version()},
    }
    found["figures"] = asyncio.run(part.measure(**options))  # type: ignore[arg-type]
    return {**found, "took_s": round(time.monotonic() - began)}


def adds_up(found: object) -> bool:
    """Whether every account in the figures has the difference 0."""
    if isinstance(found, dict):
        return not found.get("difference") and all(map(adds_up, found.values()))
    return all(map(adds_up, found)) if isinstance(found, list) else True


def _commit() -> str:
    """Say which version was measured; with a + when files of it had been changed."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - the developer's own
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
