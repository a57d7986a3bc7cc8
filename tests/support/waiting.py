"""Waiting for what must become true, instead of sleeping for as long as it might take."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

Value = TypeVar("Value")

_POLL_SECONDS = 0.01


@overload
async def eventually(predicate: Callable[[], Awaitable[Value]], *, within: float = 5.0) -> Value: ...
@overload
async def eventually(predicate: Callable[[], Value], *, within: float = 5.0) -> Value: ...
async def eventually(predicate: Callable[[], object], *, within: float = 5.0) -> object:
    """The first truthy answer of the predicate, plain or async; fails when none comes within the seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        answer = predicate()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(
                f"not within {within:g} s: {_described(predicate)}; the last answer was {value!r}"
            )
        await asyncio.sleep(_POLL_SECONDS)


def _described(predicate: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(predicate).split())
    except (OSError, TypeError):
        return repr(predicate)
