"""The MQTT 3.1.1 packets that a small device needs, as bytes.

Our own, so that the devices of a fault test share no line with the gateway that is tested, and cost little.
"""

from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, PUBREC, PUBCOMP, SUBACK = 0x20, 0x30, 0x40, 0x50, 0x70, 0x90
PINGREQ = b"\xc0\x00"
_LONGEST_HEADER = 5


def connect(client_id: str, *, keepalive_s: int, will: tuple[str, bytes] | None = None) -> bytes:
    """CONNECT with a clean session, and a will of QoS 1 if there is one."""
    flags = 0x02 | (0x0C if will else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + keepalive_s.to_bytes(2) + _text(client_id.encode())
    if will is not None:
        body += _text(will[0].encode()) + _text(will[1])
    return _packet(0x10, body)


def subscribe(topic: str, *, number: int, qos: int) -> bytes:
    """SUBSCRIBE to one filter."""
    return _packet(0x82, number.to_bytes(2) + _text(topic.encode()) + bytes([qos]))


def publish(topic: str, payload: bytes, *, number: int, qos: int = 1) -> bytes:
    """PUBLISH with QoS 1 or 2."""
    return _packet(PUBLISH | qos << 1, _text(topic.encode()) + number.to_bytes(2) + payload)


def release(number: int) -> bytes:
    """PUBREL, the second half of a publication with QoS 2."""
    return b"\x62\x02" + number.to_bytes(2)


def frames(waiting: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the complete packets off what was read: the first byte, and what follows the length."""
    while True:
        length, shift, at = 0, 0, 1
        while True:
            if at >= min(len(waiting), _LONGEST_HEADER):
                return
            length |= (waiting[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if waiting[at - 1] < 0x80:
                break
        if len(waiting) < at + length:
            return
        kind, body = waiting[0], bytes(waiting[at : at + length])
        del waiting[: at + length]
        yield kind, body


def published(kind: int, body: bytes) -> tuple[str, bytes, int | None]:
    """Return topic, payload and, above QoS 0, the number of a PUBLISH."""
    end = 2 + int.from_bytes(body[:2])
    topic = body[2:end].decode()
    if kind & 0x06:
        return topic, body[end + 2 :], int.from_bytes(body[end : end + 2])
    return topic, body[end:], None


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + length + body


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value
