"""(a) Durable events a second, beside the broker alone and beside the script that one would write first, in one run."""

import asyncio
import json
import sys
from typing import Any

from benchmarks.driver import Load
from benchmarks.installation import ROOT, Installation, installation
from benchmarks.runs import run

MUNICIPALITIES, DEVICES = 290, 10
# The broker drops what its queue for a slow subscriber cannot hold (100,000 messages): a rival gets no more than that.
RAW = 90_000


async def measure(
    *, messages: int = 200_000, batches: int = 20_000, raw: int = RAW, script: int = 10_000
) -> dict[str, object]:
    """Broker alone, script, single events and batches of 20, one after the other on the same servers."""
    size = {"municipalities": MUNICIPALITIES, "devices": DEVICES}
    async with installation(**size, roles=()) as place:
        alone = await _rival(place, "benchmarks.subscriber", messages=raw)
        rival = await _rival(place, "benchmarks.script", "--dsn", place.postgres.dsn(), messages=script)
        for role in ("gateway", "worker"):
            await place.start(role)
        await place.until_seeing()
        await run(place, Load(max(100, messages // 10), **size, run="warm"))
        single = await run(place, Load(messages, **size, run="single"))
        batched = await run(place, Load(batches, **size, batch=20, run="batch"))
    return {
        "broker_alone": alone,
        "script": rival,
        "single": single.figures(),
        "batches_of_20": batched.figures(),
        "single_over_script": round(single.rate / rival["per_s"], 2),
        "single_over_broker": round(single.rate / alone["per_s"], 3),
        "batches_over_script": round(batched.rate / rival["per_s"], 2),
    }


async def _rival(place: Installation, module: str, *arguments: str, messages: int) -> dict[str, Any]:
    """Let another subscriber have the driver's messages, as a process of its own like ours."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--port", str(place.broker.port), "--messages", str(messages), *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n", f"{module} did not start"
        load = Load(messages, municipalities=MUNICIPALITIES, devices=DEVICES, run="rival")
        driver = await place.drive(load)
        found: dict[str, Any] = json.loads(await process.stdout.read())
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return {**found, "driver_cpu_us": driver.cpu_us, "driver_per_s": round(messages / driver.seconds)}
