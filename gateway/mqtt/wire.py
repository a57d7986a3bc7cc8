"""The bytes of one connection: read many at a time, and written many at a time.

Reading stops while the consumer has enough in hand (`pause`). What waits to be written is bounded by those who
write: they wait for `room`, or look whether it is `full`; acknowledgements are four bytes for each message. We go on
reading meanwhile, since a broker may be waiting for just that, but not beyond TOO_MUCH: what we read is answered.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

AT_ONCE = (
    64 * 1024
)  # is read, and then other tasks get their turn; more than TLS decrypts at once, so none is left
PLENTY = 16 * 1024  # was read, so more will have come by now
FULL = 256 * 1024
TOO_MUCH = 1024 * 1024
REST_S = 0.003
"""After a read that brought messages: the next ones are left to gather, since waking up for each costs more than it."""

_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """Reads and writes a connected non-blocking socket, in the clear or TLS, when the loop finds it ready.

    `on_bytes` gets what was read, and nothing at the end of the connection. It says whether there were messages in
    it, and must not raise.
    """

    def __init__(self, sock: socket.socket, *, on_bytes: Callable[[bytes], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._number = sock.fileno()
        self._on_bytes = on_bytes
        self._out = bytearray()
        self._paused = True
        self._stopped = False
        self._reads = False  # whether the loop watches for it
        self._writes = False
        self._rest: asyncio.TimerHandle | None = None
        self._flushes = False
        self._taken_at = 0.0
        self._room = asyncio.Event()
        self._empty = asyncio.Event()

    @property
    def paused(self) -> bool:
        """Whether reading waits for the consumer."""
        return self._paused

    @property
    def full(self) -> bool:
        """Whether as much waits to be written as may."""
        return len(self._out) >= FULL

    @property
    def stuck_s(self) -> float:
        """For how long the other side has taken nothing of what it should."""
        return self._loop.time() - self._taken_at if self._writes else 0.0

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self._watch()

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        self._watch()

    def stop(self) -> None:
        """Stop reading and writing for good, but for what `drain` writes."""
        self._stopped = True
        if self._rest is not None:
            self._rest.cancel()
        self._watch()
        self._watch_writes(wanted=False)
        self._room.set()

    def write(self, data: bytes | bytearray) -> None:
        """Have it written, together with all else that is written in this turn of the loop."""
        self._out += data
        if not (self._flushes or self._writes or self._stopped):
            self._flushes = True
            self._loop.call_soon(self._flush)

    async def room(self) -> None:
        """Wait until there is room, or nothing is written any more."""
        while self.full and not self._stopped:
            self._room.clear()
            await self._room.wait()

    async def drain(self, *, timeout_s: float) -> None:
        """Write what is left, for no longer than this."""
        self._empty.clear()
        self._send()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._empty.wait()
        finally:
            self._watch_writes(wanted=False)

    def _read(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        try:
            data = self._sock.recv(AT_ONCE) if self._may_read else None
        except _NOT_NOW:
            data = None
        except OSError:
            data = b""
        if data is not None and self._on_bytes(data) and len(data) < PLENTY and self._may_read:
            self._rest = self._loop.call_later(REST_S, self._read)
        self._watch()

    @property
    def _may_read(self) -> bool:
        return not (self._paused or self._stopped or len(self._out) >= TOO_MUCH)

    def _flush(self) -> None:
        self._flushes = False
        if not self._stopped:
            self._send()

    def _send(self) -> None:
        try:
            taken = self._sock.send(self._out) if self._out else 0
        except _NOT_NOW:
            taken = 0
        except OSError:
            self._out.clear()
            self._look_at_rest(taken=0)
            self._on_bytes(b"")
            return
        del self._out[:taken]
        self._look_at_rest(taken=taken)

    def _look_at_rest(self, *, taken: int) -> None:
        """Wait until the socket takes what is left, and let those go on who waited for it to be less."""
        if taken:
            self._taken_at = self._loop.time()
        self._watch_writes(wanted=bool(self._out))
        if not self._out:
            self._empty.set()
        if not self.full:
            self._room.set()
        self._watch()

    def _watch(self) -> None:
        wanted = self._may_read and self._rest is None
        if wanted and not self._reads:
            self._loop.add_reader(self._number, self._read)
        elif self._reads and not wanted:
            self._loop.remove_reader(self._number)
        self._reads = wanted

    def _watch_writes(self, *, wanted: bool) -> None:
        if wanted and not self._writes:
            self._taken_at = self._loop.time()
            self._loop.add_writer(self._number, self._send)
        elif self._writes and not wanted:
            self._loop.remove_writer(self._number)
        self._writes = wanted
