"""The servers of a rig, and what can be done to them: broker, PostgreSQL, and processes of the program."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from gateway.embedded import Mosquitto
from services.storage.embedded import EmbeddedPostgres
from tests.support import processes
from tests.support.processes import ROOT

PROGRAM = ("-c", "from config.cli import main; main()")
FREEZE_S = 0.3
_STOP_WITHIN_S = 30.0


class Process:
    """A process of the program, started and ended as the test says; what is left of it at the end is killed."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        log: Path,
        entry: Sequence[str] = PROGRAM,
    ) -> None:
        self.log = log
        self.starts = 0
        self._command = (*entry, *arguments)
        self._env = dict(env)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, **more: str) -> None:
        """Start it, with more environment variables for this once; harmless when it runs."""
        if self.running:
            return
        self.starts += 1
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                env={**self._env, "PYTHONPATH": str(ROOT), **more},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.running and self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        if self.running and self._process is not None:
            self._process.terminate()
        async with asyncio.timeout(_STOP_WITHIN_S):
            return await self.wait()

    async def wait(self) -> int:
        """Wait until it ends by itself, and return its exit status."""
        assert self._process is not None
        return await self._process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def memory(self) -> int:
        """The bytes that it has in memory."""
        fields = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self) -> int:
        """The files, sockets and pipes that it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


class Database:
    """PostgreSQL, all of whose processes can be killed or frozen at once."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    async def kill(self) -> None:
        """Kill the server with its children."""
        if self.server.running:
            processes.kill(self.server.pid)
        await self.server.kill()  # reaps

    def freeze(self) -> None:
        """Stop it and its children in their tracks (SIGSTOP)."""
        processes.freeze(self.server.pid)

    def thaw(self) -> None:
        """Let them go on."""
        processes.thaw(self.server.pid)

    async def freeze_and_kill(self) -> None:
        """Stop it in its tracks for a moment, so that what was acknowledged too early is not there; then kill it."""
        if self.server.running:
            self.freeze()
            await asyncio.sleep(FREEZE_S)
        await self.kill()

    async def start(self) -> None:
        """Start it, with recovery."""
        await self.server.start()


class Broker:
    """Mosquitto, which can be killed, and whose store can be wiped meanwhile."""

    def __init__(self, server: Mosquitto, *, wiped: bool) -> None:
        self.server = server
        self.wiped = wiped

    async def kill(self) -> None:
        """Kill it; nothing since the last autosave is kept, and where it is to be wiped nothing at all."""
        await self.server.kill()
        if self.wiped:
            await asyncio.to_thread(shutil.rmtree, self.server.store, ignore_errors=True)

    async def start(self) -> None:
        """Start it."""
        await self.server.start()
