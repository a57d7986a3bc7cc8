"""The program as its own process, so that it can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.embedded import EmbeddedBroker
from tests.support.processes import ROOT

MAIN = "from config.cli import main; main()"


def environment(url: str, broker: EmbeddedBroker, **more: str) -> dict[str, str]:
    """Return the environment of an installation on this database and this broker."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")},
        "PYTHONPATH": str(ROOT),
        "BYPUNKT_DATABASE__URL": url,
        "BYPUNKT_MQTT__HOST": broker.host,
        "BYPUNKT_MQTT__PORT": str(broker.port),
        "BYPUNKT_MQTT__CANARY_S": "1",
        "BYPUNKT_WEB__PORT": "0",
        **more,
    }


@asynccontextmanager
async def program(
    *arguments: str, env: dict[str, str], log: Path | None = None, at: Path = ROOT
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `bypunkt` as it stands in `at` with these arguments; whatever is left of it at the end is killed."""
    with (log or Path(os.devnull)).open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            MAIN,
            *arguments,
            env=env | {"PYTHONPATH": str(at)},
            cwd=at,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def outcome(
    *arguments: str, env: dict[str, str], stdin: str = "", at: Path = ROOT
) -> tuple[int, str, str]:
    """Run `bypunkt` to its end and return exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, *arguments, env=env | {"PYTHONPATH": str(at)}, cwd=at,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    return process.returncode or 0, out.decode(), err.decode()


def kill(process: asyncio.subprocess.Process) -> None:
    """End a process as a power cut would."""
    process.send_signal(signal.SIGKILL)
