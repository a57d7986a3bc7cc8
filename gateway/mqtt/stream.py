"""A socket as paho wants to see one, without the socket."""

from collections.abc import Callable


class Fed:
    """It reads what it is fed, writes into a buffer that always has room, and is never closed by paho."""

    def __init__(self, number: int, *, write: Callable[[bytes | bytearray], None]) -> None:
        self._number = number
        self._write = write
        self._packet = b""
        self._at = 0
        self._over = False

    def feed(self, packet: bytes) -> None:
        """Have a packet ready for paho to read; none at all is the end of the stream."""
        self._packet, self._at = packet, 0
        self._over = not packet

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end of the stream."""
        if self._at >= len(self._packet) and not self._over:
            raise BlockingIOError
        taken = self._packet[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def send(self, data: bytes | bytearray) -> int:
        """Write it all."""
        self._write(data)
        return len(data)

    def fileno(self) -> int:
        """The file descriptor."""
        return self._number

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as sockets have it
        """Do nothing: it never blocks."""

    def close(self) -> None:
        """Do nothing: the link first lets the broker read our last packets."""
