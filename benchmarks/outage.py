"""W5: the gateway is off for a minute while the devices go on, and then catches up beside what comes live."""

import asyncio
import time

from benchmarks.driver import Load
from benchmarks.installation import Installation, installation
from benchmarks.runs import run

VILLAGES, DEVICES, RATE = 290, 1_000, 14_500
# Until then the gateway sees all lanes, and the readings keep up.
_LEAD_S = 2.0
# So much is under way at any moment, in seconds of what comes.
_LIVE_S = 0.5


async def measure(
    *, off_s: float = 60.0, rate: float = RATE, live_s: float = 60.0, devices: int = DEVICES
) -> dict[str, object]:
    """Stop the gateway (SIGTERM), start it again after `off_s`; say when log and readings have caught up."""
    async with installation(municipalities=VILLAGES, devices=devices) as place:
        return await measured(place, off_s=off_s, rate=rate, live_s=live_s, devices=devices)


async def measured(
    place: Installation, *, off_s: float, rate: float, live_s: float, devices: int
) -> dict[str, object]:
    """Measure on what stands already."""
    load = Load(
        int(rate * (_LEAD_S + off_s + live_s)), rate=rate, municipalities=VILLAGES, devices=devices, window=20_000,
        run="w5",
    )  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(place, load, patience_s=off_s + 60), name="run")
        began = time.perf_counter()
        await asyncio.sleep(_LEAD_S)
        await place.stop("gateway")
        await asyncio.sleep(off_s)
        await place.start("gateway")
        started_s = time.perf_counter() - began
    done = running.result()
    share = done.report.new / done.arrived
    stored = [
        sample
        for sample in done.samples
        if sample.at_s > started_s
        and sample.stored >= min(done.report.new, (sample.at_s - _LIVE_S) * rate * share)
    ]
    caught = [sample.at_s for sample in stored if sample.behind <= rate * _LIVE_S]
    return {
        **done.figures(), "offered_per_s": rate, "off_s": off_s,
        "caught_up_s": round((caught[0] if caught else done.read_s) - started_s, 1),
        "stored_up_s": round((stored[0].at_s if stored else done.stored_s) - started_s, 1),
        "while_live": bool(caught) and caught[0] < load.messages / rate,
        "samples": [[sample.at_s, sample.stored, sample.behind] for sample in done.samples],
        "started_s": round(started_s, 1),
    }  # fmt: skip
