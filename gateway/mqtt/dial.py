"""Open and close a TCP or TLS connection without ever blocking the event loop.

Only the look-up of the name uses a thread. The socket is ours at every moment, so a cancelled call leaves none
behind, and the program never has to wait for a thread that hangs in a connect.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.options import SessionOptions


async def dial(host: str, port: int, *, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    """Return a connected non-blocking socket; raises Ended when there is none.

    Every address of the host is tried, each with its share of the time, so that one that swallows packets
    does not hide the next.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _first(host, port, tls=tls, timeout_s=timeout_s)
    except ssl.SSLCertVerificationError as error:
        raise Ended(Trouble.TLS, error.verify_message) from None
    except ssl.SSLError as error:
        raise Ended(Trouble.TLS, error.reason or type(error).__name__) from None
    except TimeoutError:
        raise Ended(Trouble.UNREACHABLE, f"no answer within {timeout_s:g} s") from None
    except socket.gaierror:
        raise Ended(Trouble.UNREACHABLE, "the name has no address") from None
    except OSError as error:
        raise Ended(Trouble.UNREACHABLE, os.strerror(error.errno or errno.EIO)) from None


def tls_context(options: SessionOptions) -> ssl.SSLContext | None:
    """The certificates that a broker is checked against, or None for a connection in the clear."""
    if options.tls_ca is None and not options.tls:
        return None
    return ssl.create_default_context(cafile=options.tls_ca)


async def _first(host: str, port: int, *, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError(errno.EHOSTUNREACH, "")
    for family, kind, protocol, _, address in found:
        try:
            async with asyncio.timeout(timeout_s / len(found)):
                return await _open(socket.socket(family, kind, protocol), address, tls=tls, name=host)
        except OSError as error:
            failure = error
    raise failure


async def hang_up(sock: socket.socket, *, timeout_s: float) -> None:
    """Close a connection so that the other side can read all that we wrote.

    Closing with unread bytes resets a connection, and a broker that is reset may miss our last PUBACKs and the
    DISCONNECT, and publish the will. So: half-close, read until the other side closes, then close.
    """
    loop, number = asyncio.get_running_loop(), sock.fileno()
    over = asyncio.Event()

    def read_away() -> None:
        try:
            if not sock.recv(65536):
                over.set()
        except BlockingIOError:
            return
        except OSError:
            over.set()

    try:
        with suppress(OSError):  # TimeoutError too
            sock.shutdown(socket.SHUT_WR)
            loop.add_reader(number, read_away)
            try:
                async with asyncio.timeout(timeout_s):
                    await over.wait()
            finally:
                loop.remove_reader(number)
    finally:
        sock.close()


async def _open(
    sock: socket.socket, address: tuple[object, ...], *, tls: ssl.SSLContext | None, name: str
) -> socket.socket:
    try:
        sock.setblocking(False)  # noqa: FBT003 - as sockets have it
        await asyncio.get_running_loop().sock_connect(sock, address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
            await _shake_hands(sock)
    except BaseException:
        sock.close()
        raise
    return sock


async def _shake_hands(sock: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(sock, loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _ready(sock, loop.add_writer, loop.remove_writer)
        else:
            return


async def _ready(
    sock: ssl.SSLSocket,
    watch: Callable[[int, Callable[[], None]], object],
    unwatch: Callable[[int], object],
) -> None:
    event = asyncio.Event()
    watch(sock.fileno(), event.set)
    try:
        await event.wait()
    finally:
        unwatch(sock.fileno())
