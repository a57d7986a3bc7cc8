"""Waiting for what must become true, without asking so often that the asking becomes load."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_EVERY_S = 0.1


async def until(
    condition: Callable[[], Awaitable[object]] | Callable[[], object],
    *,
    within: float,
    every: float = _EVERY_S,
) -> None:
    """Wait until a condition, plain or async, holds; raises TimeoutError."""
    ends = time.monotonic() + within
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {within:g} s")
        await asyncio.sleep(every)
