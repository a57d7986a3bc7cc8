"""One run of the driver against an installation: what was stored, how quickly, at what cost, and whether it adds up."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.driver import Load, Report
from benchmarks.installation import Installation, Progress

_SAMPLE_S = 0.5
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at one moment, in seconds since the driver began; `behind` is the slowest reading's lag in events."""

    at_s: float
    stored: int
    behind: int
    behind_s: float


@dataclass(slots=True)
class Run:
    """A run and its account.

    `stored_s`: until the log had everything; `read_s`: until the readings had too. `cpu_us`: of each part, an event
    that came (new, repeated, or malformed). `difference`: what is stored or refused more or less than was sent.
    """

    report: Report
    stored: int
    dead: int
    stored_s: float
    read_s: float
    cpu_us: Mapping[str, float]
    samples: list[Sample] = field(default_factory=list)
    complete: bool = True

    @property
    def difference(self) -> int:
        """Events unaccounted for; repeated ones must have changed nothing."""
        return abs(self.stored - self.report.new) + abs(self.dead - self.report.malformed)

    @property
    def arrived(self) -> int:
        """Events that came, also those that change nothing."""
        return self.report.new + self.report.repeated + self.report.malformed

    @property
    def rate(self) -> float:
        """Events a second that are durable and that every reading has taken in."""
        return self.arrived / self.read_s

    def figures(self) -> dict[str, object]:
        """The figures for the report."""
        return {
            "events": self.arrived, "stored": self.stored, "refused": self.dead, "difference": self.difference,
            "complete": self.complete, "stored_per_s": round(self.arrived / self.stored_s),
            "read_per_s": round(self.rate), "cpu_us": dict(self.cpu_us), "driver": {
                "seconds": self.report.seconds, "latest_s": self.report.latest_s, "cpu_us": self.report.cpu_us,
            },
        }  # fmt: skip


async def run(place: Installation, load: Load, *, patience_s: float = _PATIENCE_S) -> Run:
    """Drive, and wait until everything is stored and read, or nothing has moved for `patience_s`."""
    before, cpu = await place.progress(), place.cpu()
    began = time.perf_counter()
    samples: list[Sample] = []
    async with asyncio.TaskGroup() as tasks:
        driving = tasks.create_task(place.drive(load), name="driver")
        watching = tasks.create_task(_watch(place, before, driving, samples, patience_s), name="watch")
    report, (last, stored_s, complete) = driving.result(), watching.result()
    read_s = time.perf_counter() - began
    arrived = report.new + report.repeated + report.malformed
    used = {
        name: round((value - cpu.get(name, 0.0)) / arrived * 1e6, 1) for name, value in place.cpu().items()
    }
    used["driver"] = round(report.cpu_us * report.messages / arrived, 1)
    return Run(
        report,
        last.stored - before.stored,
        last.dead - before.dead,
        stored_s,
        read_s,
        used,
        samples,
        complete,
    )


async def _watch(
    place: Installation,
    before: Progress,
    driving: asyncio.Task[Report],
    samples: list[Sample],
    patience_s: float,
) -> tuple[Progress, float, bool]:
    began = moved = time.perf_counter()
    stored_s, last = 0.0, before
    while True:
        await asyncio.sleep(_SAMPLE_S if not driving.done() else _SAMPLE_S / 10)
        place.assert_alive()
        now, found = time.perf_counter(), await place.progress()
        if (found.stored, found.dead, found.behind) != (last.stored, last.dead, last.behind):
            moved, last = now, found
        stored = found.stored - before.stored
        if not driving.done() or now - began - (samples[-1].at_s if samples else 0) >= _SAMPLE_S:
            samples.append(
                Sample(
                    round(now - began, 2),
                    stored,
                    found.worst,
                    _seconds(samples, stored, found.worst, now - began),
                )
            )
        if not driving.done():
            continue
        report = driving.result()
        if not stored_s and stored >= report.new and found.dead - before.dead >= report.malformed:
            stored_s = now - began
        if stored_s and not found.worst:
            return found, stored_s, True
        if now - moved > patience_s:
            return found, stored_s or now - began, False


def _seconds(samples: list[Sample], stored: int, behind: int, now_s: float) -> float:
    """How long ago the log was where the slowest reading is now: its lag in seconds."""
    place = stored - behind
    if not behind:
        return 0.0
    passed = [sample.at_s for sample in samples if sample.stored <= place]
    return round(now_s - (passed[-1] if passed else 0.0), 2)
