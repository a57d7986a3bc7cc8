"""The socket that paho reads from."""

import socket
from collections.abc import Iterator

import pytest

from gateway.mqtt.stream import ReadAhead


@pytest.fixture
def ends() -> Iterator[tuple[ReadAhead, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        stream = ReadAhead(near)
        stream.setblocking(False)  # noqa: FBT003 - as sockets have it
        yield stream, far


def test_single_bytes_come_from_what_was_read_at_once(ends: tuple[ReadAhead, socket.socket]) -> None:
    stream, far = ends
    assert not stream.ahead
    far.send(b"abc")
    assert stream.recv(1) == b"a"
    assert stream.ahead
    assert stream.recv(5) == b"bc"
    assert not stream.ahead


def test_nothing_to_read_and_the_end_are_told_apart(ends: tuple[ReadAhead, socket.socket]) -> None:
    stream, far = ends
    with pytest.raises(BlockingIOError):
        stream.recv(1)
    far.close()
    assert stream.recv(1) == b""


def test_closing_is_not_for_paho(ends: tuple[ReadAhead, socket.socket]) -> None:
    stream, far = ends
    stream.close()
    assert stream.fileno() != -1
    assert stream.send(b"still here") == 10
    assert far.recv(100) == b"still here"
