"""Start a program that a command names: an argument list, no shell, and an end to it."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Run(Protocol):
    """How a program is run: returns its exit code; raises OSError when it cannot be started, or TimeoutError."""

    async def __call__(self, arguments: Sequence[str], *, timeout_s: float) -> int:
        """Run it."""


async def run_program(arguments: Sequence[str], *, timeout_s: float) -> int:
    """Run a program to its end and return its exit code; one that takes too long is killed with its children.

    What it writes goes nowhere: it might name a person. Raises OSError or TimeoutError.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": _PATH, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            return await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
