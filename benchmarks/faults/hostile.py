"""Q7 and Q8: what is said by devices that are broken or mean, through the whole path."""

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.accounting import settled_account
from benchmarks.faults.devices import Device, now_ms
from benchmarks.faults.rig import Plan, Rig, rig
from benchmarks.faults.waiting import until
from gateway import codecs
from gateway.topics import NativeTopic
from services.events import moment
from services.ingest.models import KnownDevice
from services.runtime.clock import now
from tests.events.hostile import CORPUS

KIND = "device.heartbeat"
_UNDER_WAY = 100
_LARGE = 30_000
_BAD = b'{"data":{"uptime_s":"long"}}'
_JUNK = (
    b"\0",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\xff",
    b"\xed\xa0\x80",
    b"1e999",
    b"NaN",
    b"\\u0000",
    b"-",
)


class _Everyone:
    """A registry in which every device is in use."""

    def device(self, _municipality: str, device: str, /) -> KnownDevice:
        return KnownDevice(device, "hotspot", "active")

    def municipality_of(self, _device: str, /) -> str | None:
        return None


async def hostile_payloads(folder: Path, plan: Plan, *, count: int) -> dict[str, object]:
    """Publish so many, and account for every verdict: stored, or a dead letter with its reason; nothing crashes."""
    async with rig(folder, plan) as installation:
        device = installation.fleet.devices[0]
        expected = 0
        for payload in generated(installation.rng, count):
            expected += verdicts(device, payload)
            await say(device, KIND, payload)
        await until(lambda: device.heard == device.said, within=120)
        await installation.settle(stalled_s=600)
        books = await settled_account(installation)
        births = sum(one.connections for one in installation.fleet.devices)
        alive = installation.gateway.running and not installation.said("task_failed")
        # What was not acknowledged would come again to the next process.
        await installation.gateway.stop()
        await installation.gateway.start()
        await installation.settle()
        again = await settled_account(installation)
        found = await installation.audit()
    figures = {
        "seed": plan.seed,
        "payloads": count,
        "verdicts": expected,
        **{name: value for name, value in books.shown().items() if value},
        "difference": books.difference + books.difference_in_sql,
        "unacknowledged": again.received,
        "crashes": int(not alive),
    }
    clean = found.clean and alive and not figures["difference"] and not again.received
    return figures | {"clean": clean and books.received == expected + births}


async def bad_among_good(folder: Path, plan: Plan, *, seconds: float) -> dict[str, object]:
    """A bad event in each position of a batch, 200 in a row, and a device that floods while others report."""
    async with rig(folder, plan) as installation:
        rude = installation.fleet.devices[0]
        for place in range(20):
            batch = [good(f"batch-{place}-{number}") for number in range(20)]
            batch[place] = {"id": f"bad-{place}", "data": {"uptime_s": "long"}}
            await say(rude, KIND, json.dumps(batch).encode())
        for _ in range(200):
            await say(rude, KIND, _BAD)
        for number in range(20):
            await say(rude, KIND, json.dumps(good(f"after-{number}")).encode())
        await installation.settle()
        books = await settled_account(installation)
        births = sum(one.connections for one in installation.fleet.devices)
        stored = books.stored - births
        calm = await p99_of_the_others(installation, seconds)
        async with asyncio.TaskGroup() as tasks:
            flood = tasks.create_task(_flood(rude), name="flood")
            flooded = await p99_of_the_others(installation, seconds)
            flood.cancel()
        await installation.settle()
        said = rude.said
        later = await settled_account(installation)
        found = await installation.audit()
    difference = later.difference + later.difference_in_sql
    as_said = (stored, books.dead_lettered) == (20 * 19 + 20, 20 + 200)
    return {
        "seed": plan.seed,
        "stored_of_400": stored,
        "dead_lettered_of_220": books.dead_lettered,
        "flood_events_s": round((said - 240) / seconds),
        "p99_calm_ms": round(calm * 1000, 1),
        "p99_flooded_ms": round(flooded * 1000, 1),
        "ratio": round(flooded / calm, 2),
        "difference": difference,
        "clean": found.clean and as_said and not difference,
    }


async def p99_of_the_others(installation: Rig, seconds: float) -> float:
    """Let all but the first device report, and return the p99 of the times until the receipt."""
    others = installation.fleet.devices[1:]
    for device in others:
        device.waits_s.clear()
    ends = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends:
        for device in others:
            device.make(1, now_ms())
            await asyncio.sleep(0.01)
    await until(lambda: not any(device.left for device in others), within=60)
    waits = sorted(wait for device in others for wait in device.waits_s)
    return waits[int(len(waits) * 0.99)]


async def _flood(device: Device) -> None:
    while True:
        if device.said - device.heard < _UNDER_WAY:
            device.say(KIND, _BAD)
            await asyncio.sleep(0.002)
        else:
            await asyncio.sleep(0.01)


async def say(device: Device, kind: str, payload: bytes) -> None:
    """Publish, with a bounded number under way."""
    await until(lambda: device.said - device.heard < _UNDER_WAY, within=120, every=0.005)
    await until(lambda: device.say(kind, payload), within=60, every=0.01)


def good(name: str) -> dict[str, object]:
    """An event that is in order."""
    return {"id": name, "time": moment.write(now()), "data": {"uptime_s": 1}}


def verdicts(device: Device, payload: bytes) -> int:
    """How many events the message must be judged as."""
    topic = NativeTopic(device.municipality, device.name, KIND).topic
    return len(codecs.judge(topic, payload, now(), retain=False, registry=_Everyone()))


def generated(rng: random.Random, count: int) -> Iterator[bytes]:
    """Payloads from the fixed corpus, damaged ones, batches of them, random documents and random bytes."""
    small = [payload for _, payload, _ in CORPUS if len(payload) < _LARGE]
    large = [payload for _, payload, _ in CORPUS if len(payload) >= _LARGE]
    for number in range(count):
        match rng.random():
            case chance if chance < 0.002:
                yield rng.choice(large)
            case chance if chance < 0.15:
                yield rng.choice(small)
            case chance if chance < 0.65:
                yield _damaged(rng, json.dumps(good(f"hostile-{number}")).encode())
            case chance if chance < 0.75:
                batch = b",".join(
                    _damaged(rng, json.dumps(good(f"hostile-{number}-{part}")).encode()) for part in range(4)
                )
                yield b"[" + batch + b"]"
            case chance if chance < 0.9:
                yield json.dumps({"id": f"hostile-{number}", "data": _document(rng, depth=0)}).encode()
            case _:
                yield rng.randbytes(rng.randrange(200))


def _damaged(rng: random.Random, payload: bytes) -> bytes:
    """Change a payload in a few places, or not at all."""
    text = bytearray(payload)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
        at = rng.randrange(len(text))
        match rng.randrange(4):
            case 0:
                text[at] = rng.randrange(256)
            case 1:
                del text[at : at + rng.randrange(1, 8)]
            case 2:
                text[at:at] = rng.choice(_JUNK)
            case _:
                end = rng.randrange(at, len(text))
                text[at:at] = text[at:end]
        text = text or bytearray(b"{")
    return bytes(text)


def _document(rng: random.Random, *, depth: int) -> object:
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind >= 7:
        return [_document(rng, depth=depth + 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        names = ("uptime_s", "load1", "temp_c", "état", "", "__proto__", "a" * 300)
        return {rng.choice(names): _document(rng, depth=depth + 1) for _ in range(rng.randrange(5))}
    numbers = (rng.randrange(-(2**70), 2**70), rng.uniform(-1e300, 1e300))
    return (None, True, *numbers, "\u202e\u0007\u00e5" * 3, "x" * 500)[kind]
