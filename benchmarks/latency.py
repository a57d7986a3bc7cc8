"""(b) From publish to commit, to the receipt at the device, and to the event stream of the web face.

`time` in an event is when the driver handed its packet to the socket. Commit: PostgreSQL's own commit timestamp
(`track_commit_timestamp`) of every event, taken before the write-ahead log is flushed. Receipt: as a device with a
spool sees it, flush and the way back included. Stream: the frame at a staff reader of one municipality. All clocks are
this machine's; the log keeps `time` in whole milliseconds, so that up to one millisecond is added.
"""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from benchmarks.driver import MUNICIPALITIES, Load
from benchmarks.installation import Installation, free_port, installation
from benchmarks.runs import run
from benchmarks.subscriber import subscriber

VILLAGES, DEVICES = 29, 100
W3 = 14_500
_WATCHED = MUNICIPALITIES[0]
_COMMITS = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - time) * 1000 AS ms FROM event WHERE id LIKE $1 || '-%'
"""
_SENT = """
SELECT id, lane, position, extract(epoch FROM time)::float8 AS sent FROM event
WHERE municipality = $2 AND id LIKE $1 || '-%'
"""
_READER = """
WITH p AS (
    INSERT INTO person (login, role, municipality, password_hash) VALUES ('benchmark', 'viewer', $2, '-') RETURNING id
)
INSERT INTO web_session (token_hash, person, expires_at) SELECT $1, id, now() + interval '1 day' FROM p
"""


async def measure(*, capacity_messages: int = 60_000, seconds: float = 15.0) -> dict[str, object]:
    """Find the capacity, then measure at shares of it, and at W3 if there is room for it."""
    async with installation(municipalities=VILLAGES, devices=DEVICES) as place:
        return await measured(place, capacity_messages=capacity_messages, seconds=seconds)


async def measured(place: Installation, *, capacity_messages: int, seconds: float) -> dict[str, object]:
    """Measure on what stands already, with a web face of its own."""
    port = free_port()
    await place.start("web", BYPUNKT_WEB__PORT=str(port))
    token = secrets.token_urlsafe(32)
    await place.connection.execute(_READER, hashlib.sha256(token.encode()).digest(), _WATCHED)
    await run(place, _load("lwarm", max(100, capacity_messages // 10)))
    capacity = (await run(place, _load("lfast", capacity_messages))).rate
    points: list[dict[str, object]] = []
    for name, rate in (
        ("10 %", capacity * 0.1),
        ("50 %", capacity * 0.5),
        ("90 %", capacity * 0.9),
        ("W3", W3),
    ):
        point: dict[str, object] = {"load": name, "per_s": round(rate)}
        if name == "W3" and rate > capacity:
            point["skipped"] = f"above capacity ({capacity:.0f}/s)"
        else:
            point |= await _at(place, port, token, rate, seconds)
        points.append(point)
    await place.stop("web")
    return {"capacity_per_s": round(capacity), "seconds": seconds, "points": points}


def _load(name: str, messages: int, rate: float = 0.0) -> Load:
    return Load(messages, rate=rate, municipalities=VILLAGES, devices=DEVICES, run=name)


async def _at(place: Installation, port: int, token: str, rate: float, seconds: float) -> dict[str, object]:
    name = f"l{round(rate)}"
    receipts: dict[str, float] = {}
    frames: dict[tuple[int, int], float] = {}

    def on_receipt(_topic: bytes, payload: bytes) -> None:
        now = time.time()
        for one in json.loads(payload)["ids"]:
            receipts.setdefault(one, now)

    topic = f"bypunkt/v1/{_WATCHED}/+/down/ack"
    async with (
        subscriber(place.broker.host, place.broker.port, topic, client="receipts", on_message=on_receipt),
        _stream(port, token, frames),
    ):
        done = await run(place, _load(name, max(1, int(rate * seconds)), rate))
        await asyncio.sleep(1.0)  # what is on its way to the reader
    commits = [float(row["ms"]) for row in await place.connection.fetch(_COMMITS, name)]
    sent = await place.connection.fetch(_SENT, name, _WATCHED)
    came = [(receipts[row["id"]] - row["sent"]) * 1000 for row in sent if row["id"] in receipts]
    seen = [
        (frames[place_] - row["sent"]) * 1000
        for row in sent
        if (place_ := (row["lane"], row["position"])) in frames
    ]
    return {
        "commit_ms": percentiles(commits), "receipt_ms": percentiles(came), "stream_ms": percentiles(seen),
        "stream_missed": len(sent) - len(seen), "difference": done.difference, "complete": done.complete,
        "driver_latest_s": done.report.latest_s,
    }  # fmt: skip


def percentiles(values: list[float]) -> dict[str, float]:
    """The median and the 99th percentile, and of how many."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99}
    return {
        "count": len(ordered),
        **{
            name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
            for name, share in at.items()
        },
    }


@asynccontextmanager
async def _stream(port: int, token: str, frames: dict[tuple[int, int], float]) -> AsyncIterator[None]:
    """Note when each event's frame comes in, while this is open."""
    url = f"http://127.0.0.1:{port}/api/v1/live?municipality={_WATCHED}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(cookies={"bypunkt": token}, timeout=timeout) as session:
        answer = await _answer(session, url)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(answer, frames), name="stream")
            yield
            reading.cancel()
        answer.close()


async def _answer(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    for _ in range(100):
        try:
            answer = await session.get(url)
        except aiohttp.ClientConnectorError:  # the web face is still starting
            await asyncio.sleep(0.2)
            continue
        assert answer.status == 200, f"the stream answers {answer.status}"
        return answer
    raise TimeoutError("the web face does not answer")


async def _read(answer: aiohttp.ClientResponse, frames: dict[tuple[int, int], float]) -> None:
    kind = b""
    while line := await answer.content.readline():
        if line.startswith(b"event:"):
            kind = line[6:].strip()
        elif line.startswith(b"data:") and kind == b"event":
            facts: dict[str, Any] = json.loads(line[5:])
            frames.setdefault((facts["lane"], facts["position"]), time.time())
