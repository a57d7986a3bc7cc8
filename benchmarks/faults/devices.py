"""Devices that publish numbered events and repeat them until they are confirmed, many in one process.

With a spool an event is confirmed by its receipt. Without one it is confirmed by the broker's PUBACK (PUBCOMP with
QoS 2), as any MQTT library has it: those prove what our acknowledgement to the broker is worth. What was confirmed
is what may not be missing at the end; `audit` looks. At most `WINDOW` events are under way a device; what waits is
bounded by what the test makes.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from typing_extensions import override

from benchmarks.faults import wire
from gateway.topics import NativeTopic, ack_topic
from services.events import moment
from services.runtime.clock import now

WINDOW = 100
KEEPALIVE_S = 10

_LONGEST_PAUSE_S = 20.0
_BIRTH = "birth-"
_EVENT = "n-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the devices of a fleet behave.

    `patience_s`: until an event without receipt is sent again, doubling; a device in a village waits 30 s, and
    impatience is the harder test. `batch`: events a message.
    """

    spool: bool = True
    qos: int = 1
    batch: int = 1
    patience_s: float = 3.0


@dataclass(slots=True)
class _Sent:
    at: float
    again_at: float
    pause: float


class Device:
    """One device. `made` events were made, number 0 first; `confirmed` holds the ids that were confirmed."""

    def __init__(self, name: str, municipality: str, habits: Habits, *, rng: random.Random) -> None:
        self.name = name
        self.municipality = municipality
        self.habits = habits
        self.times: list[int] = []
        self.confirmed: set[str] = set()
        self.refused: dict[str, str] = {}
        self.forgiven: set[str] = set()
        self.waits_s: list[float] = []
        self.sent_again = 0
        self.said = 0
        self.heard = 0
        self.connections = 0
        self._rng = rng
        self._boot = f"{rng.randrange(16**8):08x}"
        self._born_ms = 0
        self._done = 0
        self._waiting: deque[str] = deque()
        self._sent: dict[str, _Sent] = {}
        self._line: Line | None = None

    @property
    def made(self) -> int:
        """How many events were made."""
        return len(self.times)

    @property
    def left(self) -> int:
        """How many are neither confirmed nor refused yet."""
        return self.made - self._done

    def make(self, count: int, at_ms: int) -> None:
        """Make events, a millisecond apart; other devices' events have the same ids and the same times."""
        for _ in range(count):
            self._waiting.append(f"{_EVENT}{self.made}")
            self.times.append(at_ms + len(self.times) % 1000)
        self.send()

    def connected(self, line: "Line") -> None:
        """Begin anew on a connection: a birth, then all that is unconfirmed, oldest first."""
        self._line = line
        self.connections += 1
        unsure = [name for name in self._sent if name.startswith(_EVENT)]
        self._sent.clear()
        self._waiting.extendleft(reversed(unsure))
        self.sent_again += len(unsure)
        self._born_ms = now_ms()
        self._waiting.appendleft(f"{_BIRTH}{self._boot}-{self.connections}")
        self.send()

    def disconnected(self) -> None:
        """Keep everything for the next connection."""
        self._line = None
        self._waiting = deque(name for name in self._waiting if name.startswith(_EVENT))

    def tick(self, at: float) -> None:
        """Send again what has had no receipt for too long."""
        late = [name for name, sent in self._sent.items() if sent.again_at <= at]
        for name in late:
            sent = self._sent[name]
            sent.pause = min(2 * sent.pause, _LONGEST_PAUSE_S)
            sent.again_at = at + sent.pause * self._rng.uniform(0.8, 1.2)
        if late and self._line is not None:
            self.sent_again += len(late)
            self._write(late)

    def send(self) -> None:
        """Send what may be sent."""
        if self._line is None or self._line.full:
            return
        at, names = time.monotonic(), []
        # Without a spool nothing is repeated on a connection: the broker has it or the connection breaks.
        pause = self.habits.patience_s if self.habits.spool else float("inf")
        while self._waiting and len(self._sent) < WINDOW:
            name = self._waiting.popleft()
            self._sent[name] = _Sent(at, at + pause * self._rng.uniform(0.8, 1.2), pause)
            names.append(name)
        self._write(names)

    def confirm(self, names: Iterable[str]) -> None:
        """Let go of what is confirmed."""
        at = time.monotonic()
        for name in names:
            if (sent := self._sent.pop(name, None)) is not None:
                self.waits_s.append(at - sent.at)
            if name not in self.confirmed:
                self.confirmed.add(name)
                self._done += name.startswith(_EVENT)
        self.send()

    def refuse(self, reasons: dict[str, str]) -> None:
        """Let go of what is refused, and remember why."""
        for name, reason in reasons.items():
            self._sent.pop(name, None)
            self._done += name not in self.refused and name.startswith(_EVENT)
            self.refused[name] = reason
        self.send()

    def say(self, kind: str, payload: bytes) -> bool:
        """Publish any bytes, once; `heard` counts what the broker has acknowledged of what was `said`."""
        if self._line is None or self._line.full:
            return False
        self.said += 1
        self._line.publish(self._topic(kind), payload, None)
        return True

    def forgive(self) -> None:
        """Expect no more of what was made so far; a server has gone that had promised nothing."""
        self.forgiven = {f"{_EVENT}{number}" for number in range(self.made)} | self.confirmed

    def end(self) -> None:
        """Be gone for good: what was unconfirmed is expected no more."""
        self.forgiven |= {f"{_EVENT}{number}" for number in range(self.made)} - self.confirmed
        self._done = self.made
        self._waiting.clear()
        self._sent.clear()

    @property
    def online(self) -> bool:
        """Whether it is connected."""
        return self._line is not None

    @property
    def will(self) -> tuple[str, bytes]:
        """What the broker says when this connection breaks."""
        conn = f"c{self.connections + 1}"
        said = {"boot": self._boot, "conn": conn, "data": {"state": "offline", "reason": "will"}}
        return self._topic("device.status"), json.dumps(said).encode()

    def _write(self, names: Sequence[str]) -> None:
        line = self._line
        if line is None:
            return
        kinds: dict[str, list[str]] = {}
        for name in names:
            kinds.setdefault(self._kind(name), []).append(name)
        for kind, of_kind in kinds.items():
            for start in range(0, len(of_kind), self.habits.batch):
                some = of_kind[start : start + self.habits.batch]
                said = [self._event(name) for name in some]
                payload = json.dumps(said if len(said) > 1 else said[0]).encode()
                line.publish(self._topic(kind), payload, some)

    def _kind(self, name: str) -> str:
        if name.startswith(_BIRTH):
            return "device.status"
        return "device.heartbeat" if int(name.removeprefix(_EVENT)) % 5 == 0 else "wifi.usage"

    def _event(self, name: str) -> dict[str, object]:
        if name.startswith(_BIRTH):
            data: dict[str, object] = {"state": "online", "spool": self.habits.spool}
            said: dict[str, object] = {"id": name, "conn": f"c{self.connections}", "boot": self._boot}
            return said | {"time": _written(self._born_ms), "data": data}
        number = int(name.removeprefix(_EVENT))
        data = {"uptime_s": number, "load1": number % 7 / 4}
        if number % 5:
            data = {
                "iface": "wlan0",
                "clients": number % 40,
                "down_bytes_total": number * 1_000,
                "up_bytes_total": 1,
            }
        return {
            "id": name,
            "time": _written(self.times[number]),
            "boot": self._boot,
            "seq": number,
            "data": data,
        }

    def _topic(self, kind: str) -> str:
        return NativeTopic(self.municipality, self.name, kind).topic


class Line(asyncio.Protocol):
    """One connection of a device."""

    def __init__(self, device: Device) -> None:
        self.over = asyncio.Event()
        self.full = False
        self._device = device
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()
        self._number = 0
        self._unconfirmed: dict[int, Sequence[str] | None] = {}
        self._heard_at = time.monotonic()
        self._watch: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(
            wire.connect(self._device.name, keepalive_s=KEEPALIVE_S, will=self._device.will)
        )
        self._keep_alive()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self.over.set()

    @override
    def data_received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        self._read += data
        confirmed: list[str] = []
        for kind, body in wire.frames(self._read):
            match kind & 0xF0:
                case wire.CONNACK:
                    self._on_connack()
                case wire.SUBACK:
                    self._device.connected(self)
                case wire.PUBLISH:
                    self._on_receipt(wire.published(kind, body)[1])
                case wire.PUBACK | wire.PUBCOMP:
                    names = self._unconfirmed.pop(int.from_bytes(body[:2]), ())
                    self._device.heard += names is None
                    confirmed += names or ()
                case wire.PUBREC:
                    self._say(wire.release(int.from_bytes(body[:2])))
                case _:
                    continue
        if confirmed and not self._device.habits.spool:
            self._device.confirm(confirmed)

    @override
    def pause_writing(self) -> None:
        self.full = True

    @override
    def resume_writing(self) -> None:
        self.full = False
        self._device.send()

    def publish(self, topic: str, payload: bytes, names: Sequence[str] | None) -> None:
        """Publish a message that holds these events; None if it holds none of those that are counted."""
        self._number = self._number % 65_534 + 1
        if names is None or not self._device.habits.spool:
            self._unconfirmed[self._number] = names
        self._say(wire.publish(topic, payload, number=self._number, qos=self._device.habits.qos))

    def abort(self) -> None:
        """End the connection as a power cut does."""
        if self._transport is not None:
            self._transport.abort()

    def _on_connack(self) -> None:
        receipts = ack_topic(self._device.municipality, self._device.name)
        self._say(wire.subscribe(receipts, number=65_535, qos=0))

    def _on_receipt(self, payload: bytes) -> None:
        said = json.loads(payload)
        self._device.confirm(said.get("ids", ()))
        if refused := said.get("refused"):
            self._device.refuse({one["id"]: one["reason"] for one in refused})

    def _say(self, packet: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)

    def _keep_alive(self) -> None:
        if time.monotonic() - self._heard_at > 1.5 * KEEPALIVE_S:
            self.abort()  # nobody there, or nobody who says so
            return
        self._say(wire.PINGREQ)
        self._watch = asyncio.get_running_loop().call_later(KEEPALIVE_S / 2, self._keep_alive)


def now_ms() -> int:
    """The time as devices know it, in milliseconds."""
    return int(now().timestamp() * 1000)


def _written(at_ms: int) -> str:
    return moment.write(datetime.fromtimestamp(at_ms / 1000, UTC))
