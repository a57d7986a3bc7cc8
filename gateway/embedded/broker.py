"""What the embedded brokers share: a port that stays theirs, one child process, start, stop and restart."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from services.runtime.accounts import AccountError
from services.runtime.child import Child, ChildError, Command

HOST = "127.0.0.1"


class BrokerError(RuntimeError):
    """The embedded broker cannot be found, set up or started."""


class EmbeddedBroker:
    """`async with` starts a broker on loopback, anonymous unless its options say otherwise, and stops it.

    Port 0 picks a free one. The port is reserved until the end of the block: it stays the same over `stop`
    and `start`, and nobody who asks for any free port gets it in between. `command` writes what the broker
    needs for the port and says how to run it.
    """

    name: ClassVar[str]

    def __init__(self, directory: Path, *, port: int, command: Callable[[], Command]) -> None:
        self.directory = directory
        self._port = port
        self._command = command
        self._reservation: socket.socket | None = None
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        self._reservation = _reserve(self._port, self.name)
        self._port = self._reservation.getsockname()[1]
        try:
            await self.start()
        except BaseException:
            self._reservation.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
        finally:
            if self._reservation is not None:
                self._reservation.close()

    @property
    def host(self) -> str:
        """Always the loopback address."""
        return HOST

    @property
    def port(self) -> int:
        """The TCP port; a picked one is known once entered."""
        return self._port

    @property
    def url(self) -> str:
        """Where to connect, such as `mqtt://127.0.0.1:1883`."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker writes."""
        return self.directory / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.running

    async def start(self) -> None:
        """Start the broker and return when it takes connections; harmless when it runs."""
        if self.running:
            return
        try:
            self._child = Child(self._command(), ready=self._answers)
            await self._child.start()
        except (AccountError, ChildError, OSError) as error:
            raise BrokerError(str(error)) from error

    async def stop(self) -> None:
        """End the broker cleanly: it publishes every last will, and saves what it keeps."""
        if self._child is not None:
            await self._child.stop()

    async def restart(self) -> None:
        """Stop and start on the same port, with what the broker has kept."""
        await self.stop()
        await self.start()

    async def kill(self) -> None:
        """End the broker as `kill -9` would: no last will, and nothing saved since the last autosave."""
        if self._child is not None:
            self._child.kill()

    async def wait(self) -> int:
        """Wait until the broker ends, and return its exit status."""
        return await self._started().wait()

    def _started(self) -> Child:
        if self._child is None:
            raise BrokerError(f"{self.name} has not been started")
        return self._child

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True


def _reserve(port: int, name: str) -> socket.socket:
    """Take the port without listening on it.

    With SO_REUSEADDR on both sides Linux lets the broker bind the same port and listen, and still counts it
    as taken when somebody asks for any free port.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reservation.bind((HOST, port))
    except OSError as error:
        reservation.close()
        raise BrokerError(f"{name} cannot have port {port} on {HOST}: {error.strerror}") from error
    return reservation
