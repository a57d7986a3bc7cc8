"""`make check`: runs every check, also after one failed, and says what it ran.

A check is one line in CHECKS; names as arguments choose some of them. The settings of each stand in
pyproject.toml, with a reason for every exception.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
MIGRATIONS = "services/storage/migrations/*.sql"
SQUAWK = "config/quality/squawk.toml"


@dataclass(frozen=True)
class Check:
    """One program that ends with 0 when all is well."""

    name: str
    purpose: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """How a check ended, with the seconds it took and all it said."""

    check: Check
    passed: bool
    seconds: float
    output: str


# The slowest first: the others run beside it.
CHECKS = (
    Check("mypy", "types, strict", ("mypy",)),
    Check("shape", "registries, tests, docs, sizes", ("pytest", "-q", "tests/shape")),
    Check("djlint", "page templates", ("djlint", "dashboard/templates", "--lint", "--quiet")),
    Check("format", "layout of the code", ("ruff", "format", "--check", "--quiet")),
    Check("ruff", "style, complexity, forbidden calls", ("ruff", "check", "--quiet")),
    Check("rooms", "who may know whom", ("lint-imports", "--no-cache")),
    Check("deptry", "declared is imported, imported is declared", ("deptry", ".")),
    Check("vulture", "code that nobody calls", ("python", "-m", "config.quality.dead")),
    Check("codespell", "spelling", ("codespell",)),
    Check("squawk", "migrations that lock or lose", ("squawk", "--config", SQUAWK, MIGRATIONS)),
)


def main(names: Sequence[str]) -> int:
    """Run the named checks or all; 0 = all passed, 1 = at least one failed, 2 = no such check."""
    chosen = [check for check in CHECKS if not names or check.name in names]
    unknown = set(names) - {check.name for check in chosen}
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(c.name for c in CHECKS)}")
        return 2
    began = time.monotonic()
    results = []
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for result in pool.map(run, chosen):
            print(line(result), flush=True)
            results.append(result)
    failed = [result for result in results if not result.passed]
    for result in failed:
        print(f"\n--- {result.check.name} ---\n{result.output.strip()}")
    print(f"\nRan {len(results)} checks in {time.monotonic() - began:.0f} s: {verdict(failed)}")
    return 1 if failed else 0


def run(check: Check) -> Result:
    """Run one check from the root of the repository."""
    began = time.monotonic()
    program, *arguments = check.command
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(check, done.returncode == 0, time.monotonic() - began, done.stdout)


def line(result: Result) -> str:
    """One row of the table that a person reads."""
    word = "ok" if result.passed else "FAILED"
    return f"{result.check.name:<10} {word:<7} {result.seconds:5.1f} s  {result.check.purpose}"


def verdict(failed: Sequence[Result]) -> str:
    """The last words."""
    return f"failed: {', '.join(result.check.name for result in failed)}" if failed else "all passed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
