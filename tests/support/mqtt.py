"""Clients that do one thing: publish, subscribe, or be there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paho.mqtt import publish as paho_publish
from paho.mqtt import subscribe as paho_subscribe

from gateway.embedded import EmbeddedBroker

Account = tuple[str, str]


async def publish(
    broker: EmbeddedBroker, topic: str, payload: str, *, account: Account | None = None, retain: bool = False
) -> None:
    """Publish with QoS 1 and return when it is acknowledged."""

    def publish_and_leave() -> None:
        paho_publish.single(
            topic,
            payload,
            qos=1,
            retain=retain,
            hostname=broker.host,
            port=broker.port,
            auth={"username": account[0], "password": account[1]} if account else None,
        )

    await asyncio.to_thread(publish_and_leave)


async def first_message(
    broker: EmbeddedBroker, topic: str, *, account: Account | None = None, client_id: str = ""
) -> str:
    """Subscribe and return the first payload; a client id makes the session a durable one."""

    def read_and_leave() -> str:
        message = paho_subscribe.simple(  # type: ignore[no-untyped-call]  # paho has not annotated it
            topic,
            qos=1,
            hostname=broker.host,
            port=broker.port,
            auth={"username": account[0], "password": account[1]} if account else None,
            client_id=client_id,
            clean_session=not client_id,
        )
        return str(message.payload.decode())

    return await asyncio.to_thread(read_and_leave)


@asynccontextmanager
async def connected(
    broker: EmbeddedBroker, client_id: str, *, subscribed_to: str | None = None
) -> AsyncIterator[None]:
    """A client that is there and reads nothing (MQTT 3.1.1); a subscription makes its session a durable one."""
    reader, writer = await asyncio.open_connection(broker.host, broker.port)
    try:
        clean = b"\x02" if subscribed_to is None else b"\x00"
        writer.write(_packet(0x10, b"\x00\x04MQTT\x04" + clean + b"\x00\x3c" + _text(client_id)))
        assert await reader.readexactly(4) == _packet(0x20, b"\x00\x00")
        if subscribed_to is not None:
            writer.write(_packet(0x82, b"\x00\x01" + _text(subscribed_to) + b"\x01"))
            assert await reader.readexactly(5) == _packet(0x90, b"\x00\x01\x01")
        yield
        writer.write(_packet(0xE0, b""))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _packet(kind: int, rest: bytes) -> bytes:
    return bytes([kind, len(rest)]) + rest


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2) + encoded
