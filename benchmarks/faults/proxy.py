"""A way between two that breaks as networks do: byte by byte, slowly, resets, and connections that are half open.

`gateway.simulator.uplink` is the way of one simulated device; this one is for the traffic of a whole gateway, over TCP
or a Unix socket, and can do worse. Nothing piles up: a pump reads on when what it read is written.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


class Proxy:
    """An async context manager; what it does to the bytes can be changed at any time.

    `chunk`: bytes a write, None for as they come; `delay_s`: before each write; `silent`: pass nothing on for now.
    """

    def __init__(self, reach: Callable[[], Awaitable[Streams]], *, path: Path | None = None) -> None:
        self.chunk: int | None = None
        self.delay_s = 0.0
        self.connections = 0
        self._reach = reach
        self._path = path
        self._hears = asyncio.Event()
        self._hears.set()
        self._lines: set[_Line] = set()
        self._server: asyncio.Server

    @classmethod
    def to(cls, host: str, port: int) -> Self:
        """A proxy on a free port of loopback that leads to another."""
        return cls(lambda: asyncio.open_connection(host, port))

    @classmethod
    def to_socket(cls, path: Path, *, at: Path) -> Self:
        """A proxy at a Unix socket that leads to another."""
        return cls(lambda: asyncio.open_unix_connection(path), path=at)

    async def __aenter__(self) -> Self:
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        else:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.heal()
        self.reset()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, if on TCP."""
        port: int = self._server.sockets[0].getsockname()[1]
        return LOOPBACK, port

    @property
    def silent(self) -> bool:
        """Whether it passes nothing on for now."""
        return not self._hears.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._hears.clear()
        else:
            self._hears.set()

    def reset(self) -> None:
        """Reset every connection, on both sides."""
        for line in tuple(self._lines):
            line.reset()

    def half_open(self) -> None:
        """Let every server lose its client, and tell the clients nothing: what they say goes nowhere."""
        for line in tuple(self._lines):
            line.forget()

    def heal(self) -> None:
        """Pass on as it comes."""
        self.chunk, self.delay_s = None, 0.0
        self._hears.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        line = _Line(near=writer)
        self._lines.add(line)
        try:
            await self._hears.wait()
            with suppress(OSError):
                far_reader, line.far = await self._reach()
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._pump(line, reader, line.far), name="to the server")
                    pumps.create_task(self._pump(line, far_reader, writer), name="to the client")
        finally:
            self._lines.discard(line)
            line.reset()

    async def _pump(self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                while data and not line.forgotten:
                    await self._hears.wait()
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                    size = self.chunk or len(data)
                    writer.write(data[:size])
                    data = data[size:]
                    await writer.drain()
                    await asyncio.sleep(0)
        if not line.forgotten:
            line.reset()


class _Line:
    """One connection, both halves."""

    def __init__(self, *, near: asyncio.StreamWriter) -> None:
        self.near = near
        self.far: asyncio.StreamWriter | None = None
        self.forgotten = False

    def reset(self) -> None:
        for writer in (self.near, self.far):
            if writer is not None:
                _reset(writer)

    def forget(self) -> None:
        self.forgotten = True
        if self.far is not None:
            _reset(self.far)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET and sock.fileno() != -1:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
