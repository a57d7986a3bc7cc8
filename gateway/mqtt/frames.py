"""Cuts what a broker sends into packets, and reads the one kind that comes thousands of times a second. Pure.

A PUBLISH of QoS 0 or 1 becomes a Delivery here. Every other packet, and every PUBLISH with anything odd about it,
is handed on as it came: paho knows the rest of MQTT, and judges what is malformed.

Bounded: no more than LARGEST bytes of a packet are kept. Of a longer PUBLISH the rest is read and thrown away, and
its beginning is handed over, so that it is refused and acknowledged like any other bad message; ending the
connection instead would only bring it back, for ever. A longer packet of another kind ends the connection.
"""

import struct
from collections.abc import Iterable
from datetime import datetime

from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.options import Delivery
from services.runtime.clock import Clock, whole_milliseconds

LARGEST = 1024 * 1024
NOBODYS_TOPIC = "\N{REPLACEMENT CHARACTER}"
"""Stands for a topic that is not text: refused later, instead of coming back for ever."""

Packet = bytes
Found = list[list[Delivery] | Packet]
"""What came, in its order: runs of deliveries, and between them packets for paho."""

_PUBLISH = 0x30
_PUBACK = 0x40020000  # as MQTT 5 and 3.1.1 both have it, without a reason; the message number goes last
_MORE = 0x80  # set in each byte of a length but the last
_LENGTH_BYTES = 4
_UNKNOWN = 1 << 30  # longer than any packet

# First bytes of the packets that are read here, with QoS and retain; 8 marks what is sent again.
_READ_HERE = {
    _PUBLISH | again | qos << 1 | retain: (qos, bool(retain))
    for again in (0, 8)
    for qos in (0, 1)
    for retain in (0, 1)
}


class Frames:
    """Holds the half-read packet of one connection."""

    def __init__(self, *, v5: bool, generation: int, clock: Clock) -> None:
        self._v5 = v5
        self._generation = generation
        self._clock = clock
        self._rest = bytearray()
        self._need = 0  # `_rest` must have so many bytes before another look at it is of use
        self._cut: Found = []  # a packet that is too long, to be handed over when
        self._skip = 0  # so many more bytes of it are thrown away

    def feed(self, data: bytes) -> Found:
        """Return what is complete now; raises Ended for a packet that is not taken in."""
        found: Found = []
        if self._skip:
            thrown = min(self._skip, len(data))
            self._skip -= thrown
            if self._skip:
                return found
            found, self._cut, data = self._cut, [], data[thrown:]
        if self._rest:
            if len(self._rest) + len(data) < self._need:
                self._rest += data
                return found
            data = b"".join((self._rest, data))
            self._rest = bytearray()
        at = self._split(data, found)
        if at < len(data):
            self._keep(data[at:], found)
        return found

    def _split(self, data: bytes, found: Found) -> int:
        """Append the complete packets to `found`, and return where the next one begins."""
        block, generation, at, end = int(self._v5), self._generation, 0, len(data)
        received_at: datetime | None = None
        run: list[Delivery] = []
        while at + 2 <= end:
            length, body = data[at + 1], at + 2
            if length >= _MORE:
                length, body = _length(data, at + 1)
            stop = body + length
            if stop > end or length > LARGEST:
                break
            delivery = None
            if data[at] in _READ_HERE:
                # One look at the clock for all that came in one read.
                received_at = received_at or whole_milliseconds(self._clock())
                delivery = _delivery(data, at, body, stop, block, generation, received_at)
            if delivery is None:
                found.append(data[at:stop])
                run = []
            else:
                if not run:
                    found.append(run)
                run.append(delivery)
            at = stop
        return at

    def _keep(self, rest: bytes, found: Found) -> None:
        """Put the beginning of a packet aside; of one that is too long, what will be handed over."""
        length, body = _length(rest, 1)
        if length == _UNKNOWN:
            need = len(rest) + 1
        elif length <= LARGEST:
            need = body + length
        elif rest[0] in _READ_HERE:
            need = body + LARGEST
        else:
            raise Ended(Trouble.LOST, f"a packet of {length} bytes that is no message")
        if len(rest) < need:
            self._rest += rest
            self._need = need
            return
        self._split(_shortened(rest[:need], body, v5=self._v5), self._cut)
        self._skip = body + length - need
        found += self.feed(rest[need:])


def pubacks(deliveries: Iterable[Delivery]) -> bytes:
    """Acknowledge them all, in their order."""
    packets = [_PUBACK | delivery.mid for delivery in deliveries]
    return struct.pack(f">{len(packets)}I", *packets)


def publish(topic: str, payload: bytes, *, v5: bool) -> bytes:
    """Compose a PUBLISH of QoS 0; raises ValueError for a topic that cannot be published to."""
    name = topic.encode()
    if not 0 < len(name) <= 65_535 or "+" in topic or "#" in topic:
        raise ValueError(f"{topic!r:.100} is no topic to publish to")
    head = len(name).to_bytes(2, "big") + name + (b"\0" if v5 else b"")
    return b"".join((bytes([_PUBLISH]), _written(len(head) + len(payload)), head, payload))


def _delivery(
    data: bytes, at: int, body: int, stop: int, block: int, generation: int, received_at: datetime
) -> Delivery | None:  # positional on purpose: it is called for each message
    """Read the PUBLISH at `at`, or return None when it is not of the usual kind.

    `block` is the length of an empty block of properties: 1 byte in MQTT 5, none in 3.1.1.
    """
    if stop - body < 3:
        return None
    qos, retain = _READ_HERE[data[at]]
    name = body + 2
    after = name + (data[body] << 8 | data[body + 1])
    start = after + (qos and 2) + block
    if start > stop or after == name:
        return None
    if block and (properties := data[start - 1]):
        # None of them is of use to us. A length of two bytes is rare enough to be paho's.
        start += properties
        if properties >= _MORE or start > stop:
            return None
    try:
        topic = str(data[name:after], "utf-8")
    except UnicodeDecodeError:
        topic = NOBODYS_TOPIC
    mid = data[after] << 8 | data[after + 1] if qos else 0
    return Delivery(topic, data[start:stop], retain, qos, mid, generation, received_at)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Read a length of up to four bytes, and return it and where it ends; one of five bytes is paho's to refuse."""
    length = 0
    for number in range(min(_LENGTH_BYTES, len(data) - at)):
        byte = data[at + number]
        length |= (byte & 127) << 7 * number
        if byte < _MORE:
            return length, at + number + 1
    return (0, at + _LENGTH_BYTES + 1) if len(data) - at >= _LENGTH_BYTES else (_UNKNOWN, at)


def _written(length: int) -> bytes:
    written = bytearray()
    while length >= _MORE:
        written.append(length & 127 | _MORE)
        length >>= 7
    written.append(length)
    return bytes(written)


def _shortened(beginning: bytes, body: int, *, v5: bool) -> Packet:
    """Make a whole packet of the beginning of one; its properties, which may be what is long, go."""
    qos, _ = _READ_HERE[beginning[0]]
    after = body + 2 + int.from_bytes(beginning[body : body + 2], "big") + (qos and 2)
    rest = beginning[after:]
    if v5:
        properties, start = _length(rest, 0)
        rest = b"\0" + rest[start + properties :]
    head = beginning[body:after]
    return b"".join((beginning[:1], _written(len(head) + len(rest)), head, rest))
