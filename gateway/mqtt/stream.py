"""A connected socket as paho wants to see one."""

import socket
import ssl


class ReadAhead:
    """It reads ahead, since paho asks for single bytes; and paho cannot close it: that is for the link."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = b""
        self._at = 0

    @property
    def ahead(self) -> bool:
        """Whether there is more to read that select() does not know of."""
        decrypted = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        return self._at < len(self._bytes) or decrypted

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end of the stream; errors are those of the socket."""
        if self._at >= len(self._bytes):
            self._bytes, self._at = self._sock.recv(65536), 0
        taken = self._bytes[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def send(self, data: bytes | bytearray) -> int:
        """Write what fits, and return how many bytes that was."""
        return self._sock.send(data)

    def fileno(self) -> int:
        """The file descriptor."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as sockets have it
        """Block, or not."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Do nothing: the link first lets the broker read our last packets."""
