"""Opening and closing connections."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.mqtt.dial import dial, hang_up, tls_context
from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.options import SessionOptions

# A self-signed pair for "localhost", valid until 2125:
# openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
#   -addext subjectAltName=DNS:localhost -keyout localhost.key -out localhost.crt
CERTIFICATE = Path(__file__).with_name("localhost.crt")
KEY = Path(__file__).with_name("localhost.key")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def listen(serve: Serve, *, tls: ssl.SSLContext | None = None) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    return server, server.sockets[0].getsockname()[1]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


def trusting() -> ssl.SSLContext:
    context = tls_context(SessionOptions(host="localhost", client_id="x", tls_ca=CERTIFICATE))
    assert context is not None
    return context


async def test_closed_port_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Ended) as caught:
            await dial("127.0.0.1", taken.getsockname()[1], tls=None, timeout_s=2)
    assert (caught.value.trouble, caught.value.detail) == (Trouble.UNREACHABLE, "Connection refused")


async def test_unknown_name_is_unreachable() -> None:
    with pytest.raises(Ended) as caught:
        await dial("no-such-host.invalid", 1883, tls=None, timeout_s=5)
    assert caught.value.trouble is Trouble.UNREACHABLE


async def test_certificate_is_checked() -> None:
    server, port = await listen(echo, tls=server_tls())
    async with server:
        sock = await dial("localhost", port, tls=trusting(), timeout_s=5)
        assert isinstance(sock, ssl.SSLSocket)
        assert sock.version() == "TLSv1.3"
        await hang_up(sock, timeout_s=1)
        with pytest.raises(Ended) as caught:
            await dial("localhost", port, tls=ssl.create_default_context(), timeout_s=5)
        assert caught.value.trouble is Trouble.TLS
        with pytest.raises(Ended) as caught:
            await dial("127.0.0.1", port, tls=trusting(), timeout_s=5)
        assert caught.value.trouble is Trouble.TLS, "the certificate is for another name"


async def test_silence_in_the_handshake_ends_at_the_deadline_and_leaves_no_socket() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    closed = asyncio.Event()
    server, port = await listen(silent)
    async with server, asyncio.timeout(5):
        with pytest.raises(Ended) as caught:
            await dial("localhost", port, tls=trusting(), timeout_s=0.1)
        assert caught.value.trouble is Trouble.UNREACHABLE
        await closed.wait()


async def test_cancelled_dial_leaves_no_socket() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        writer.close()
        closed.set()

    begun, closed = asyncio.Event(), asyncio.Event()
    server, port = await listen(silent)
    async with server, asyncio.timeout(5), asyncio.TaskGroup() as group:
        dialling = group.create_task(dial("localhost", port, tls=trusting(), timeout_s=30))
        await begun.wait()
        dialling.cancel()
        await closed.wait()


async def test_hanging_up_lets_the_other_side_read_everything() -> None:
    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 100_000)
        got.set_result(await reader.read())
        writer.close()

    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    server, port = await listen(talkative)
    async with server, asyncio.timeout(5):
        sock = await dial("127.0.0.1", port, tls=None, timeout_s=2)
        sock.send(b"the last words")
        await hang_up(sock, timeout_s=1)
        assert await got == b"the last words"
    assert sock.fileno() == -1


def test_tls_is_off_unless_asked_for() -> None:
    assert tls_context(SessionOptions(host="localhost", client_id="x")) is None
    assert tls_context(SessionOptions(host="localhost", client_id="x", tls=True)) is not None
