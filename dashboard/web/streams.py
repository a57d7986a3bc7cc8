"""Server-sent events: what goes over the wire, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from aiohttp import web

from dashboard.live.mailbox import End, Frame, Mailbox
from dashboard.web import metrics
from services.storage.database import UNREACHABLE

HEARTBEAT_S = 15.0
# A reader whose connection takes nothing for so long is gone or too slow.
WRITE_S = 15.0
_AGAIN_MS = 2000

Encode: TypeAlias = Callable[[Iterable[Frame]], bytes]
Check: TypeAlias = Callable[[], Awaitable[bool]]


async def open_stream(request: web.Request) -> web.StreamResponse:
    """Begin a stream of events."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # nginx would keep the news to itself
        }
    )
    await response.prepare(request)
    return response


async def follow(
    request: web.Request, kind: str, mailbox: Mailbox, encode: Encode, *, still_admitted: Check | None = None
) -> web.StreamResponse:
    """Send what comes into the mailbox until it ends, the reader leaves, or they are no longer admitted."""
    response = await open_stream(request)
    try:
        await _write(response, f"retry: {_AGAIN_MS}\n\n".encode())
        await _pump(response, mailbox, encode, still_admitted)
    except TimeoutError:
        mailbox.end(End.TOO_SLOW)
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        return response  # the reader has left
    if mailbox.ended is End.TOO_SLOW:
        metrics.EVICTED.labels(kind).inc()
    return response


async def _pump(
    response: web.StreamResponse, mailbox: Mailbox, encode: Encode, still_admitted: Check | None
) -> None:
    loop = asyncio.get_running_loop()
    beat = loop.time() + HEARTBEAT_S
    while mailbox.ended is None:
        frames = await mailbox.take(max(0.0, beat - loop.time()))
        if frames:
            await _write(response, encode(frames))
        # Also while news comes all the time: a busy stream must notice that its session is over.
        if loop.time() >= beat and mailbox.ended is None:
            beat = loop.time() + HEARTBEAT_S
            if still_admitted is not None and not await _admitted(still_admitted):
                mailbox.end(End.SIGNED_OUT)
                break
            await _write(response, b": here\n\n")


async def _admitted(check: Check) -> bool:
    try:
        return await check()
    except UNREACHABLE:
        return True  # cannot be asked now; asked again at the next heartbeat


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(WRITE_S):
        await response.write(data)
