"""The socket that paho believes in."""

import pytest

from gateway.mqtt.stream import Fed


def test_paho_reads_what_it_is_fed_and_then_nothing_for_now() -> None:
    stream = Fed(7, write=bytearray().extend)
    with pytest.raises(BlockingIOError):
        stream.recv(1)
    stream.feed(b"abc")
    assert stream.recv(1) == b"a"
    assert stream.recv(5) == b"bc"
    with pytest.raises(BlockingIOError):
        stream.recv(1)


def test_feeding_nothing_is_the_end() -> None:
    stream = Fed(7, write=bytearray().extend)
    stream.feed(b"")
    assert stream.recv(1) == b""
    assert stream.recv(1) == b""


def test_everything_is_written_and_closing_is_not_for_paho() -> None:
    written = bytearray()
    stream = Fed(7, write=written.extend)
    stream.setblocking(True)  # noqa: FBT003 - as sockets have it
    stream.close()
    assert stream.send(b"still here") == 10
    assert written == b"still here"
    assert stream.fileno() == 7
