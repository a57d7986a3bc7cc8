"""Reading and writing a socket: in one go, in pieces, paused, and to the end."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.mqtt import wire as module
from gateway.mqtt.dial import dial
from gateway.mqtt.wire import AT_ONCE, FULL, TOO_MUCH, Wire
from tests.gateway.mqtt.test_dial import listen, server_tls, trusting
from tests.support import eventually


class Counting(socket.socket):
    """A socket that counts its system calls, and takes so much at a time."""

    sends = 0
    reads = 0
    takes = 10 * TOO_MUCH

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override, explicit-override] # bytes only
        self.sends += 1
        return super().send(data[: self.takes], flags)

    def recv(self, size: int, flags: int = 0) -> bytes:  # type: ignore[explicit-override] # typing has it from 3.12
        self.reads += 1
        return super().recv(size, flags)


class Ends:
    """Both ends of a connection, ours with a wire."""

    def __init__(self, *, messages: bool = False) -> None:
        near, self.far = socket.socketpair()
        self.near = Counting(near.family, near.type, near.proto, near.detach())
        self.near.setblocking(False)  # noqa: FBT003 - as sockets have it
        self.far.setblocking(False)  # noqa: FBT003 - as sockets have it
        self.got: list[bytes] = []
        self.messages = messages
        self.wire = Wire(self.near, on_bytes=self._on_bytes)

    def _on_bytes(self, data: bytes) -> bool:
        self.got.append(data)
        if not data:
            self.wire.stop()
        return self.messages

    def far_reads(self) -> bytes:
        try:
            return self.far.recv(10 * TOO_MUCH)
        except BlockingIOError:
            return b""


@asynccontextmanager
async def ends(*, messages: bool = False) -> AsyncIterator[Ends]:
    both = Ends(messages=messages)
    try:
        yield both
    finally:
        both.wire.stop()
        both.near.close()
        both.far.close()


async def reads_all(both: Ends, until: Callable[[bytes], bool]) -> bytes:
    got = b""

    def more() -> bool:
        nonlocal got
        got += both.far_reads()
        return until(got)

    await eventually(more)
    return got


async def test_many_writes_are_one() -> None:
    async with ends() as both:
        for number in range(100):
            both.wire.write(bytes([number]))
        assert both.near.sends == 0
        assert await reads_all(both, lambda got: len(got) == 100) == bytes(range(100))
        assert both.near.sends == 1


async def test_what_the_socket_takes_in_pieces_arrives_whole_and_in_order() -> None:
    async with ends() as both:
        both.near.takes = 7
        expected = b"".join(number.to_bytes(2, "big") for number in range(500))
        for at in range(0, len(expected), 10):
            both.wire.write(expected[at : at + 10])
            await asyncio.sleep(0)
        assert await reads_all(both, lambda got: len(got) == len(expected)) == expected
        assert both.wire.stuck_s == 0


async def test_other_side_that_takes_nothing_is_seen_and_holds_those_who_write() -> None:
    async with ends() as both:
        both.wire.write(b"x" * (2 * FULL + 1_000_000))
        await eventually(lambda: both.wire.stuck_s > 0.05)
        assert both.wire.full
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(both.wire.room())
            await asyncio.sleep(0)
            assert not waiting.done()
            await reads_all(both, lambda _got: waiting.done())
        assert not both.wire.full


async def test_those_who_wait_for_room_do_not_wait_for_a_connection_that_is_over() -> None:
    async with ends() as both, asyncio.timeout(5), asyncio.TaskGroup() as group:
        both.wire.write(b"x" * (2 * FULL + 1_000_000))
        group.create_task(both.wire.room())
        await eventually(lambda: both.wire.stuck_s > 0)
        both.wire.stop()


async def test_reading_stops_when_far_too_much_waits_to_be_written_and_goes_on_after() -> None:
    async with ends() as both:
        both.wire.resume()
        both.wire.write(b"x" * (TOO_MUCH + 1_000_000))
        await eventually(lambda: both.wire.stuck_s > 0)
        both.far.send(b"one more to be answered")
        await asyncio.sleep(0.05)
        assert both.got == []
        await reads_all(both, lambda _got: both.got == [b"one more to be answered"])


async def test_reading_goes_on_while_the_other_side_takes_nothing() -> None:
    async with ends() as both:
        both.wire.resume()
        both.near.takes = 0
        both.wire.write(b"x" * 2 * FULL)
        both.far.send(b"hej")
        await eventually(lambda: both.got == [b"hej"])
        assert both.wire.full


@pytest.mark.parametrize("messages", [True, False])
async def test_paused_reads_nothing_and_resumed_reads_on(*, messages: bool) -> None:
    async with ends(messages=messages) as both:
        both.far.send(b"early")
        await asyncio.sleep(0.02)
        assert both.got == []
        both.wire.resume()
        await eventually(lambda: both.got == [b"early"])
        both.wire.pause()
        both.far.send(b"later")
        await asyncio.sleep(0.02)
        assert both.got == [b"early"]
        both.wire.resume()
        both.wire.resume()
        await eventually(lambda: both.got == [b"early", b"later"])


@pytest.mark.parametrize("messages", [True, False])
async def test_messages_gather_for_a_moment_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch, *, messages: bool
) -> None:
    monkeypatch.setattr(module, "REST_S", 1.0)
    async with ends(messages=messages) as both:
        both.wire.resume()
        both.far.send(b"m")
        await eventually(lambda: both.got == [b"m"])
        for _ in range(4):
            both.far.send(b"m")
            await asyncio.sleep(0.01)
        await eventually(lambda: b"".join(both.got) == b"mmmmm")
        assert len(both.got) == (2 if messages else 5)
        both.far.send(b"after a rest")
        await eventually(lambda: both.got[-1] == b"after a rest")


async def test_plenty_is_read_without_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_S", 60)
    async with ends(messages=True) as both:
        both.wire.resume()
        sent = 0
        while sent < 5 * AT_ONCE:
            try:
                sent += both.far.send(b"x" * AT_ONCE)
            except BlockingIOError:
                await asyncio.sleep(0)
        await eventually(lambda: sum(map(len, both.got)) > sent - module.PLENTY)


async def test_end_is_told_once_and_leaves_nothing_watched() -> None:
    async with ends(messages=True) as both:
        both.wire.resume()
        both.far.send(b"last")
        both.far.close()
        await eventually(lambda: both.got == [b"last", b""])
        await asyncio.sleep(0.02)
        assert both.got == [b"last", b""]


async def test_broken_connection_is_told_to_a_writer_that_does_not_read() -> None:
    async with ends() as both:
        both.far.close()
        both.wire.write(b"x")
        await eventually(lambda: both.got == [b""])


async def test_what_is_left_is_drained_even_when_stopped_but_not_for_ever() -> None:
    async with ends() as both:
        both.wire.write(b"the last words")
        both.wire.stop()
        await asyncio.sleep(0.02)
        assert both.near.sends == 0
        await both.wire.drain(timeout_s=1)
        assert both.far_reads() == b"the last words"
    async with ends() as both:
        both.wire.write(b"x" * 5_000_000)
        async with asyncio.timeout(5):
            await both.wire.drain(timeout_s=0.05)


async def test_encrypted_bytes_are_read_to_the_last_though_pauses_come_between() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(expected)
        received.set_result(await reader.readexactly(len(expected)))
        writer.close()

    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    expected = bytes(range(256)) * 4096
    server, port = await listen(serve, tls=server_tls())
    got = bytearray()

    def on_bytes(data: bytes) -> bool:
        got.extend(data)
        wire.pause()
        if data:
            asyncio.get_running_loop().call_soon(wire.resume)
        return len(got) % 3 == 0

    async with server:
        sock = await dial("localhost", port, tls=trusting(), timeout_s=5)
        assert isinstance(sock, ssl.SSLSocket)
        wire = Wire(sock, on_bytes=on_bytes)
        wire.resume()
        wire.write(expected)
        await eventually(lambda: len(got) == len(expected))
        assert bytes(got) == expected
        assert await received == expected
        wire.stop()
        sock.close()
