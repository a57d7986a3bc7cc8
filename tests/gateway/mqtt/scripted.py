"""A broker that answers each packet with what the test has decided: for faults that no real broker shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 0x10, 0x30, 0x80, 0xC0
ACCEPT_5 = bytes([0x20, 3, 0, 0, 0])
ACCEPT_311 = bytes([0x20, 2, 0, 0])

Answer = Callable[[int, bytes], bytes | None]
"""From packet type and body to bytes for the wire; None closes the connection."""


class Scripted:
    """What the broker has seen, and where it listens."""

    def __init__(self) -> None:
        self.port = 0
        self.connects: list[int] = []
        """The protocol level of each CONNECT: 5, or 4 for MQTT 3.1.1."""
        self.open = 0


@asynccontextmanager
async def scripted_broker(answer: Answer) -> AsyncIterator[Scripted]:
    """Listen on a free port of the loopback until the end of the block."""
    seen = Scripted()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.open += 1
        try:
            while True:
                kind, body = await _packet(reader)
                if kind == CONNECT:
                    seen.connects.append(body[6])
                reply = answer(kind, body)
                if reply is None:
                    return
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            seen.open -= 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    async with server:
        yield seen


def suback(body: bytes, code: int, *, v5: bool = True) -> bytes:
    """Answer a SUBSCRIBE for one filter."""
    payload = body[:2] + (b"\0" if v5 else b"") + bytes([code])
    return bytes([0x90, len(payload)]) + payload


def publish(topic: bytes, *, mid: int, payload: bytes = b"{}") -> bytes:
    """A QoS 1 PUBLISH of MQTT 5."""
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + b"\0" + payload
    return bytes([0x32, len(body)]) + body


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0] & 0xF0
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, await reader.readexactly(length)
