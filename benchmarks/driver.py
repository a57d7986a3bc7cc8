"""Publish at a given rate from a process of its own, cheaply enough to leave the machine to what is measured.

Plain MQTT 3.1.1 on raw sockets: packets are put together from prepared parts, and of the broker's answers only the
number of bytes counts (a PUBACK has four). The rate is the clock's (open loop): what the broker does not take in time
is sent late, and the report says how late. An event's `time` is when its packet was handed to the socket.
"""

import argparse
import json
import select
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass

MUNICIPALITIES = tuple(f"{number:04d}" for number in range(101, 391))
# Packets are sent together so often; less often would make bursts, more often cost the driver more.
TICK_S = 0.002
_PUBACK = 4
_CONNECT = b"\x00\x04MQTT\x04\x02\x00\x3c"  # 3.1.1, clean session, keep alive 60 s
_DISCONNECT = b"\xe0\x00"
# A repeated event is so many repeatable ones old: as after a lost receipt, not as an echo in the same batch.
_REPEATED_AFTER = 400
_QOS1 = b"\x32"


@dataclass(frozen=True, slots=True)
class Load:
    """What to publish: `batch` events a message, at `rate` messages a second (0: as fast as the broker takes it)."""

    messages: int
    rate: float = 0.0
    municipalities: int = 290
    devices: int = 1_000
    batch: int = 1
    connections: int = 8
    window: int = 4_000
    run: str = "r"


@dataclass(frozen=True, slots=True)
class Report:
    """What was published: events that are new, repeated and malformed; how late at most, and CPU a message in µs."""

    messages: int
    new: int
    repeated: int
    malformed: int
    seconds: float
    latest_s: float
    cpu_us: float


class Packets:
    """PUBLISH packets of the mix: 80 % usage, 15 % vital signs and births, 5 % repeated, 0.1 % malformed."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._topics = [
            b"bypunkt/v1/%s/hs-" % code.encode() for code in MUNICIPALITIES[: load.municipalities]
        ]
        self._head = b'{"id":"%s-' % load.run.encode()
        self._kept: deque[bytes] = deque()
        self._number = 0
        self.new = self.repeated = self.malformed = 0

    def some(self, count: int) -> list[bytes]:
        """Make the next packets, all of this moment."""
        now_us = time.time_ns() // 1_000
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_us // 1_000_000)).encode()
        stamp = b"%s.%06dZ" % (moment, now_us % 1_000_000)
        start, self._number = self._number, self._number + count
        return [self._packet(number, stamp) for number in range(start, start + count)]

    def _packet(self, number: int, stamp: bytes) -> bytes:
        load = self._load
        # One municipality after the other, so that every lane has its share at every moment; each device has its turn
        # after all others, and the whole mix over its turns.
        turn, home = divmod(number, load.municipalities)
        visit, device = divmod(turn, load.devices)
        place = (number + 3 * turn + 7 * visit) % 1_000
        kind = place % 20
        if kind == 19 and len(self._kept) > _REPEATED_AFTER:
            self.repeated += load.batch
            return self._kept.popleft()
        topic = b"%s%04d/" % (self._topics[home], device)
        packet_id = number % 65_535 + 1
        if place == 500:
            self.malformed += 1
            return _publish(
                topic + b"device.heartbeat", b'{"id":"bad-%d","data":{"uptime_s":-1}}' % number, packet_id
            )
        self.new += load.batch
        suffix, data = _content(number, place, spool=device % 10 == 0)
        if load.batch == 1:
            body = b'%s%d","time":"%s","boot":"b1","conn":"b1-1","seq":%d,"data":%s}' % (
                self._head, number, stamp, visit, data
            )  # fmt: skip
        else:
            body = b"[%s]" % b",".join(
                b'%s%d-%d","time":"%s","boot":"b1","conn":"b1-1","seq":%d,"data":%s}'
                % (self._head, number, part, stamp, visit * load.batch + part, data)
                for part in range(load.batch)
            )
        packet = _publish(topic + suffix, body, packet_id)
        if kind == 18:
            self._kept.append(packet)
        return packet


def _content(number: int, place: int, *, spool: bool) -> tuple[bytes, bytes]:
    """Choose type and data: a birth in 500, 15 % heartbeats, the rest usage."""
    if place % 20 in {3, 9, 15}:
        if place in {3, 509}:
            return b"device.status", b'{"state":"online","spool":%s}' % (b"true" if spool else b"false")
        return b"device.heartbeat", b'{"uptime_s":%d,"load1":0.42,"uplink_ok":true}' % (number % 100_000)
    return (
        b"wifi.usage",
        b'{"iface":"wlan0","ssid":"Bygdewifi","band":"5","clients":%d,"interval_s":20,"down_bytes":%d,"up_bytes":%d}'
        % (number % 40, number * 997 % 10_000_000, number * 31 % 1_000_000),
    )


def _publish(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    left = 4 + len(topic) + len(payload)
    if left < 128:
        length = bytes((left,))
    elif left < 16_384:
        length = bytes((left & 127 | 128, left >> 7))
    else:
        length = bytes((left & 127 | 128, left >> 7 & 127 | 128, left >> 14))
    return b"%b%b%b%b%b%b" % (
        _QOS1, length, struct.pack(">H", len(topic)), topic, struct.pack(">H", packet_id), payload
    )  # fmt: skip


class Publisher:
    """Some connections to the broker, used in turn; no more than `window` messages are unacknowledged."""

    def __init__(self, host: str, port: int, load: Load) -> None:
        self._load = load
        self._sockets = [_connected(host, port, load.run, index) for index in range(load.connections)]
        self._waiting = {one: bytearray() for one in self._sockets}
        self._answered = 0
        self._sent = 0

    def run(self) -> Report:
        """Publish everything, wait for the last acknowledgement, and say how it went."""
        load, packets = self._load, Packets(self._load)
        began, cpu, latest = time.perf_counter(), time.process_time(), 0.0
        while self._answered < load.messages * _PUBACK:
            due = load.messages
            if load.rate:
                due = min(due, int((time.perf_counter() - began) * load.rate) + 1)
            room = load.window - (self._sent - self._answered // _PUBACK)
            if (count := min(due - self._sent, room)) > 0:
                turn = self._sent % len(self._sockets)
                coming = packets.some(count)
                for index, sock in enumerate(self._sockets):
                    self._waiting[sock] += b"".join(
                        coming[(index - turn) % len(self._sockets) :: len(self._sockets)]
                    )
                self._sent += count
            if load.rate:
                latest = max(latest, (due - self._sent) / load.rate)
            self._exchange()
        seconds = time.perf_counter() - began
        cpu = time.process_time() - cpu
        for sock in self._sockets:
            sock.sendall(_DISCONNECT)
            sock.close()
        return Report(
            load.messages, packets.new, packets.repeated, packets.malformed, round(seconds, 3), round(latest, 3),
            round(cpu / load.messages * 1e6, 2),
        )  # fmt: skip

    def _exchange(self) -> None:
        unsent = False
        for sock, data in self._waiting.items():
            if data:
                with suppress(BlockingIOError):
                    del data[: sock.send(data)]
                unsent = unsent or bool(data)
        if self._load.rate or unsent:
            time.sleep(TICK_S)  # answers gather meanwhile, and are read in one go
        readable, _, _ = select.select(self._sockets, [], [], 0 if self._load.rate else TICK_S)
        for sock in readable:
            answer = sock.recv(65_536)
            if not answer:
                raise ConnectionError("the broker closed the connection")
            self._answered += len(answer)


def _connected(host: str, port: int, run: str, index: int) -> socket.socket:
    sock = socket.create_connection((host, port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = b"driver-%s-%02d" % (run.encode(), index)
    sock.sendall(b"\x10" + bytes((12 + len(client),)) + _CONNECT + struct.pack(">H", len(client)) + client)
    if sock.recv(4) != b"\x20\x02\x00\x00":
        raise ConnectionError("the broker did not accept the driver")
    sock.settimeout(0)
    return sock


def main() -> None:
    """Publish as the arguments say, and print the report as JSON."""
    parser = argparse.ArgumentParser(description="Publish simulated events at a given rate.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--load", type=json.loads, required=True, help="the fields of Load as JSON")
    asked = parser.parse_args()
    report = Publisher(asked.host, asked.port, Load(**asked.load)).run()
    json.dump(asdict(report), sys.stdout)
    print()


if __name__ == "__main__":
    main()
