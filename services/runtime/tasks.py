"""Loops that must go on: run, log what went wrong, wait, run again."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import extract_tb

import structlog

log = structlog.get_logger()

# Errors about a server or a connection; those about data (DataError, a violated constraint) quote the data.
# By name, so that a device without a database need not load the library.
_SPEAKS_OF_ITSELF = frozenset(
    f"asyncpg.exceptions.{name}"
    for name in (
        "PostgresConnectionError",
        "OperatorInterventionError",
        "InsufficientResourcesError",
        "ObjectNotInPrerequisiteStateError",
        "InvalidAuthorizationSpecificationError",
        "InsufficientPrivilegeError",
        "TransactionRollbackError",
        "SyntaxOrAccessError",
    )
)


def backoff_s(attempt: int, *, first: float = 0.2, most: float = 10.0) -> float:
    """Return the seconds to wait before try number `attempt` (from 1): doubling, capped, with jitter."""
    longest = min(most, first * 2.0 ** min(attempt - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


async def supervise(name: str, run: Callable[[], Awaitable[None]], *, steady_s: float = 30.0) -> None:
    """Run `run` for ever: whatever ends it is logged, and it starts again after a growing pause.

    A run that lasted longer than `steady_s` starts the pauses from the beginning. Only cancellation leaves.
    """
    attempt = 0
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await run()
            return
        except Exception as error:  # noqa: BLE001 - the supervisor is where unknown errors end (style, habit 7)
            attempt = 1 if loop.time() - started > steady_s else attempt + 1
            pause = backoff_s(attempt)
            log.warning(
                "task_failed", task=name, error=describe(error), attempt=attempt, again_in_s=round(pause, 2)
            )
        await asyncio.sleep(pause)


@asynccontextmanager
async def running(jobs: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Keep named jobs running, each supervised, for as long as this is open."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(supervise(name, run), name=name) for name, run in jobs.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def describe(error: BaseException) -> str:
    """Say what an error is in one line: what a system or server says, else only its class and place.

    A message of anything else may quote what a device or a visitor sent, and has no place in a log (rule R31).
    """
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(sorted({describe(inner) for inner in error.exceptions}))
    name = type(error).__name__
    if isinstance(error, OSError):
        return f"{name}: {error.strerror or str(error)[:200]}"
    if any(f"{kind.__module__}.{kind.__name__}" in _SPEAKS_OF_ITSELF for kind in type(error).__mro__):
        return f"{name}: {str(error).partition(chr(10))[0][:200]}"
    frames = extract_tb(error.__traceback__)
    return f"{name} at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else name
