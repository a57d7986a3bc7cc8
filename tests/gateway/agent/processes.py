"""The agent as its own process, so that it can be killed, and a page that leaves events with it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.embedded import EmbeddedBroker
from tests.support.processes import ROOT
from tests.support.waiting import eventually

ORIGIN = "http://kiosk.example"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Machine:
    """A machine with an agent: its files, and what was accepted from its page."""

    folder: Path
    broker: EmbeddedBroker
    device: str = "hs-lidhult-1"
    municipality: str = "0781"
    more: str = ""
    port: int = field(default_factory=free_port)
    accepted: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / f"{self.device}.toml"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.device}.log"

    def write_config(self) -> None:
        self.config.write_text(
            f"""
municipality = "{self.municipality}"
device = "{self.device}"
kind = "kiosk"
broker = {{ host = "127.0.0.1", port = {self.broker.port} }}
spool = {{ path = "{self.folder / self.device}.sqlite" }}
clock = {{ wait_s = 0 }}
endpoint = {{ port = {self.port}, origins = ["{ORIGIN}"] }}
{self.more}
""",
            encoding="utf-8",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the agent until the end of the block, where it is killed if it has not ended."""
        async with self.started() as process:
            await eventually(lambda: self.answers(process), within=30)
            yield process

    @asynccontextmanager
    async def started(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the agent, and do not wait until it is there."""
        self.write_config()
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.agent.main", "--config", str(self.config),
                cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def answers(self, process: asyncio.subprocess.Process | None = None) -> bool:
        """Say whether the endpoint is there, or the process has ended before it was."""
        assert process is None or process.returncode is None, self.log.read_text(encoding="utf-8")[-2_000:]
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def hand_in(self, numbers: Iterable[int], *, at_once: int = 8) -> None:
        """Leave a numbered view each; what is not answered with 202 was not accepted, and is tried again."""
        left = list(numbers)[::-1]
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as pages:
            for _ in range(at_once):
                pages.create_task(self._page(session, left))

    async def _page(self, session: aiohttp.ClientSession, left: list[int]) -> None:
        while left:
            number = left.pop()
            if (kept := await self.post(session, {"page": f"view/{number}", "lang": "sv"})) is None:
                left.append(number)
                await asyncio.sleep(0.05)
            else:
                self.accepted.append(kept)

    async def post(self, session: aiohttp.ClientSession, data: Mapping[str, object]) -> str | None:
        url = f"http://127.0.0.1:{self.port}/kiosk.view"
        try:
            async with session.post(url, json=data, headers={"Origin": ORIGIN}) as answer:
                said = await answer.json()
                return str(said["id"]) if answer.status == 202 else None
        except (aiohttp.ClientError, OSError):
            return None
