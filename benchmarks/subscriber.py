"""The quickest subscriber that Python allows: one buffered read, one parse, one write of all acknowledgements.

As a program it discards what comes and says how fast it came: the rate at which the broker delivers QoS 1, which
nobody who stores can exceed.
"""

import argparse
import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from typing_extensions import override

Message = Callable[[bytes, bytes], None]
# Far longer than the slowest machine needs: a message that was lost must not be waited for any longer.
_PATIENCE_S = 120.0
_PUBLISH, _QOS, _CONNACK, _SUBACK = 0x30, 0x06, 0x20, 0x90


class Subscriber(asyncio.Protocol):
    """Calls `on_message(topic, payload)` for what comes, and acknowledges it."""

    def __init__(self, topic: str, *, client: str, on_message: Message) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._topic, self._client, self._on_message = topic.encode(), client.encode(), on_message
        self._left = b""
        self._transport: asyncio.WriteTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves, with a clean session."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(
            b"\x10" + bytes((12 + len(self._client),)) + b"\x00\x04MQTT\x04\x02\x00\x3c" + _text(self._client)
        )

    @override
    def data_received(self, data: bytes) -> None:
        """Take every whole packet; the rest waits for its end."""
        data = self._left + data
        answers = bytearray()
        at, end = 0, len(data)
        while (whole := _length(data, at, end)) is not None:
            body, after = whole
            kind = data[at]
            if kind & 0xF0 == _PUBLISH:
                size = data[body] << 8 | data[body + 1]
                payload = body + 2 + size
                if kind & _QOS:
                    answers += b"\x40\x02" + data[payload : payload + 2]
                    payload += 2
                self._on_message(data[body + 2 : body + 2 + size], data[payload:after])
            else:
                self._answer(kind)
            at = after
        self._left = data[at:]
        if answers and self._transport is not None:
            self._transport.write(answers)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail who waits for us."""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the broker closed the connection"))

    def _answer(self, kind: int) -> None:
        assert self._transport is not None
        if kind == _CONNACK:
            body = b"\x00\x01" + _text(self._topic) + b"\x01"
            self._transport.write(b"\x82" + bytes((len(body),)) + body)
        elif kind == _SUBACK:
            self.ready.set_result(None)


@asynccontextmanager
async def subscriber(
    host: str, port: int, topic: str, *, client: str, on_message: Message
) -> AsyncIterator[None]:
    """Subscribe for as long as this is open."""
    transport, protocol = await asyncio.get_running_loop().create_connection(
        lambda: Subscriber(topic, client=client, on_message=on_message), host, port
    )
    try:
        await protocol.ready
        yield
    finally:
        transport.close()


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


def _length(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Where the packet's body begins and ends; None when it is not all there."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, end)):
        length |= (data[place] & 127) << shift
        shift += 7
        if data[place] < 128:
            after = place + 1 + length
            return (place + 1, after) if after <= end else None
    return None


async def discard(host: str, port: int, messages: int) -> dict[str, float]:
    """Take so many messages; the clock runs from the first to the last."""
    came, first, done = 0, 0.0, asyncio.Event()

    def count(_topic: bytes, _payload: bytes) -> None:
        nonlocal came, first
        came += 1
        if came == 1:
            first = time.perf_counter()
        elif came == messages:
            done.set()

    async with subscriber(host, port, "bypunkt/v1/#", client="discard", on_message=count):
        print("ready", flush=True)
        cpu = time.process_time()
        async with asyncio.timeout(_PATIENCE_S):
            await done.wait()
        seconds = time.perf_counter() - first
    return {
        "per_s": round(messages / seconds),
        "cpu_us": round((time.process_time() - cpu) / messages * 1e6, 1),
    }


def main() -> None:
    """Say `ready`, discard, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description="Discard messages, and say how fast they came.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(discard(asked.host, asked.port, asked.messages))))


if __name__ == "__main__":
    main()
