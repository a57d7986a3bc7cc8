"""A device's way to its broker, which can be cut or fall silent: a small TCP relay on loopback.

An uplink that is cut tells both sides at once. One that falls silent tells nobody: what is sent waits, as in a kernel
that sends again, and each side goes on believing until its own patience is over. A connection that outlives the
silence goes on as if nothing had been. Nothing piles up: who cannot be written to makes the other
wait, and a device that hangs up before its broker was reached is forgotten.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Self, cast

from typing_extensions import override

from gateway.mqtt.options import Protocol

LOOPBACK = "127.0.0.1"
_EARLY_BYTES = 64 * 1024  # before there is a connection to the broker: a CONNECT, and what follows it hastily


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, what it speaks, and as whom to come; devices come by their own ids unless said.

    `tls_ca` is a file of certificates and turns TLS on; a relay speaks TLS itself, and the device to it in the clear.
    """

    host: str
    port: int = 1883
    _: KW_ONLY
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: Protocol = "auto"
    tls_ca: Path | None = None


class Uplink:
    """An async context manager; while it is open, `address` leads to the broker unless told otherwise."""

    def __init__(self, broker: BrokerAddress) -> None:
        self._broker = broker
        self._tls = ssl.create_default_context(cafile=broker.tls_ca) if broker.tls_ca else None
        self._tasks = asyncio.TaskGroup()
        self._lines: set[_Line] = set()
        self._cut = False
        self._heard = asyncio.Event()
        self._heard.set()
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self._begin()), LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._heard.set()
        for line in tuple(self._lines):
            line.abort()
        await self._tasks.__aexit__(None, None, None)

    @property
    def address(self) -> BrokerAddress:
        """Where the device finds its broker."""
        return replace(
            self._broker, host=LOOPBACK, port=self._server.sockets[0].getsockname()[1], tls_ca=None
        )

    def cut(self) -> None:
        """End every connection, and take no new one."""
        self._cut = True
        for line in tuple(self._lines):
            line.abort()

    def fall_silent(self) -> None:
        """Pass nothing on, in neither direction, and tell nobody."""
        self._heard.clear()
        for line in self._lines:
            line.hold()

    def restore(self) -> None:
        """Carry on."""
        self._cut = False
        self._heard.set()
        for line in self._lines:
            line.release()

    def _begin(self) -> "_Line":
        line = _Line(self._lines)
        if self._cut:
            line.refuse()
        else:
            self._tasks.create_task(self._open(line), name="uplink")
        return line

    async def _open(self, line: "_Line") -> None:
        await self._heard.wait()
        if line.over:
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: _Far(line), self._broker.host, self._broker.port, ssl=self._tls
            )
        except OSError:
            line.abort()
        else:
            if not self._heard.is_set():
                line.hold()


class _Line:
    """One connection of the device, with its continuation to the broker."""

    def __init__(self, lines: "set[_Line]") -> None:
        self.near: _End | None = None
        self.far: _End | None = None
        self.over = False
        self._lines = lines
        lines.add(self)

    def refuse(self) -> None:
        self.over = True
        self._lines.discard(self)

    def abort(self) -> None:
        """End both sides at once; what was under way is lost."""
        self.refuse()
        for end in (self.near, self.far):
            if end is not None:
                end.transport.abort()

    def hold(self) -> None:
        if self.near is not None and self.far is not None:
            self.near.wait("silence")
            self.far.wait("silence")

    def release(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                end.go_on("silence")

    def ended(self, end: "_End", *, badly: bool) -> None:
        """One side is gone; the other gets what it is still owed."""
        self.refuse()
        other = self.far if end is self.near else self.near
        if other is None:
            return
        if badly:
            other.transport.abort()
        else:
            other.transport.close()


class _End(asyncio.Protocol):
    """One end of a line: what it hears, the other end says."""

    transport: asyncio.Transport

    def __init__(self, line: _Line) -> None:
        self.line = line
        self._waits: set[str] = set()

    @property
    def other(self) -> "_End | None":
        return self.line.far if self is self.line.near else self.line.near

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.line.over:
            self.transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    @override
    def eof_received(self) -> bool:
        """Pass a half-close on where the other side knows it (TLS does not); then ours stays open for the answer."""
        if self.other is None or not self.other.transport.can_write_eof():
            return False
        with suppress(OSError):
            self.other.transport.write_eof()
        return True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.line.ended(self, badly=exc is not None)

    @override
    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.wait("full")

    @override
    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.go_on("full")

    def wait(self, reason: str) -> None:
        """Read no more until the reason is gone."""
        if not self._waits and not self.transport.is_closing():
            self.transport.pause_reading()
        self._waits.add(reason)

    def go_on(self, reason: str) -> None:
        """Read again unless there is another reason not to."""
        if reason in self._waits:
            self._waits.discard(reason)
            if not self._waits and not self.transport.is_closing():
                self.transport.resume_reading()


class _Near(_End):
    """The device's side; what it says before the broker is reached is kept for it."""

    def __init__(self, line: _Line) -> None:
        super().__init__(line)
        self.early = bytearray()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line.near = self
        super().connection_made(transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            super().data_received(data)
            return
        self.early += data
        if len(self.early) > _EARLY_BYTES:
            self.wait("early")


class _Far(_End):
    """The broker's side."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line.far = self
        super().connection_made(transport)
        near = self.line.near
        if isinstance(near, _Near) and near.early:
            self.transport.write(bytes(near.early))
            near.early.clear()
            near.go_on("early")
