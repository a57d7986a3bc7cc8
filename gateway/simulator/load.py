"""A steady stream of events from many cheap devices over few sessions, for measuring and for filling.

Nothing piles up here: a fixed number of senders take turns, so a slow broker lowers the rate, and what is behind
is made up for when it is quick again.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from gateway import topics
from gateway.mqtt import NotConnected, Refused, Session, SessionOptions
from gateway.receipts import read_receipt
from gateway.simulator.documents import Document
from gateway.simulator.uplink import BrokerAddress
from services.events import moment
from services.runtime.clock import Clock, now

SENDERS = 25  # a session

_USAGE, _HEARTBEAT, _STATUS, _REPEATED = 0.80, 0.14, 0.01, 0.05
_MALFORMED = 0.001
_NONSENSE = b'{"data": {"clients": NaN'
_RECENT = 1_000  # of which some are repeated
_RECEIPTS_A_TURN = 100

Message = tuple[str, bytes]
"""Topic and payload."""


class Stream:
    """The events, in order: 80 % usage, 15 % heartbeats and births, 5 % repeated; pure and seeded."""

    def __init__(
        self, devices: Sequence[tuple[str, str]], *, seed: int, began_at: datetime, malformed: bool = False
    ) -> None:
        self._devices = devices
        self._rng = random.Random(seed)
        self._began_at = began_at
        self.boot = f"load-{began_at.timestamp() * 1000:.0f}"
        self._malformed = _MALFORMED if malformed else 0.0
        self._seq = [0] * len(devices)
        self._bytes = [0] * len(devices)
        self._recent: deque[Message] = deque(maxlen=_RECENT)

    def births(self, at: datetime) -> Iterator[Message]:
        """Yield the birth of every device; each declares a spool, so that there are receipts to count."""
        for index in range(len(self._devices)):
            yield self._message(index, "device.status", self._status(at), at)

    def event(self, at: datetime) -> Message:
        """Return the next event."""
        rng = self._rng
        index = rng.randrange(len(self._devices))
        if rng.random() < self._malformed:
            return self._topic(index, "wifi.usage"), _NONSENSE
        kinds = ("usage", "heartbeat", "status", "repeated")
        kind = rng.choices(kinds, (_USAGE, _HEARTBEAT, _STATUS, _REPEATED))[0]
        if kind == "repeated" and self._recent:
            return rng.choice(self._recent)
        if kind == "heartbeat":
            message = self._message(
                index, "device.heartbeat", {"uptime_s": self._uptime_s(at), "uplink_ok": True}, at
            )
        elif kind == "status":
            message = self._message(index, "device.status", self._status(at), at)
        else:
            message = self._message(index, "wifi.usage", self._usage(index), at)
        self._recent.append(message)
        return message

    def _status(self, at: datetime) -> dict[str, object]:
        return {"state": "online", "firmware": "bypunkt 1.0", "uptime_s": self._uptime_s(at), "spool": True}

    def _usage(self, index: int) -> dict[str, object]:
        self._bytes[index] += self._rng.randrange(40_000_000)
        down = self._bytes[index]
        clients = self._rng.randrange(12)
        totals = {"down_bytes_total": down, "up_bytes_total": down // 8}
        return {"iface": "wlan0", "clients": clients, "interval_s": 300, **totals}

    def _message(self, index: int, event_type: str, data: dict[str, object], at: datetime) -> Message:
        self._seq[index] += 1
        seq = self._seq[index]
        body: dict[str, object] = {
            "id": f"{self.boot}-{seq}",
            "time": moment.write(at),
            "boot": self.boot,
            "conn": self.boot,
            "seq": seq,
            "data": data,
        }
        return self._topic(index, event_type), Document(event_type, body).payload()

    def _topic(self, index: int, event_type: str) -> str:
        return topics.NativeTopic(*self._devices[index], event_type).topic

    def _uptime_s(self, at: datetime) -> int:
        return max(0, (at - self._began_at) // timedelta(seconds=1))


class Load:
    """Publishes `rate` events a second for these (municipality, device) pairs until cancelled.

    The account, if the broker wants one, must be allowed to publish for them all; where the broker takes user
    names for client ids, there can be one session only.
    """

    def __init__(
        self,
        devices: Sequence[tuple[str, str]],
        *,
        broker: BrokerAddress,
        rate: float,
        seed: int = 1,
        sessions: int = 4,
        malformed: bool = False,
        clock: Clock = now,
    ) -> None:
        self.sent = 0
        """Publishes begun, those sent again after a lost connection among them."""
        self.acknowledged = 0
        """Publishes that the broker has taken."""
        self.receipted = 0
        """Events named as stored; a repeated one is named each time."""
        self.refused = 0
        """Events named as refused; what is malformed has no name."""
        self._broker = broker
        self._rate = rate
        self._clock = clock
        self._stream = Stream(devices, seed=seed, began_at=clock(), malformed=malformed)
        self._births = self._stream.births(clock())
        self._acks = tuple(topics.ack_topic(*device) for device in devices)
        self._sessions = sessions
        self._slots = itertools.count()
        self._began: float | None = None

    async def run(self) -> None:
        """Declare the devices' spools, then publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._sessions):
                tasks.create_task(self._session(number), name=f"load {number}")

    async def _session(self, number: int) -> None:
        # Receipts come to every session that asks for them, so only one does.
        async with Session(
            self._options(number, self._acks if number == 0 else ()), clock=self._clock
        ) as session:
            await session.wait_connected()
            for message in self._births:  # the sessions share them, as they share the slots
                await self._send(session, message)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(session), name=f"load {number} receipts")
                for sender in range(SENDERS):
                    tasks.create_task(self._send_on(session), name=f"load {number} sender {sender}")

    async def _send_on(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        for slot in self._slots:
            left_s = self._began + slot / self._rate - loop.time()
            if left_s > 0:
                await asyncio.sleep(left_s)
            await self._send(session, self._stream.event(self._clock()))

    async def _send(self, session: Session, message: Message) -> None:
        """Publish until the broker has answered."""
        topic, payload = message
        while True:
            self.sent += 1
            try:
                await session.publish(topic, payload, qos=1)
            except NotConnected:
                await session.wait_connected()
            except Refused:
                return
            else:
                self.acknowledged += 1
                return

    async def _listen(self, session: Session) -> None:
        while True:
            deliveries = await session.batch(limit=_RECEIPTS_A_TURN, linger_s=0)
            for delivery in deliveries:
                stored, refused = read_receipt(delivery.payload)
                self.receipted += len(stored)
                self.refused += len(refused)
            session.acknowledge(deliveries)

    def _options(self, number: int, subscriptions: tuple[str, ...]) -> SessionOptions:
        return SessionOptions(
            host=self._broker.host,
            port=self._broker.port,
            protocol=self._broker.protocol,
            client_id=f"{self._stream.boot}-{number}",
            username=self._broker.username,
            password=self._broker.password,
            tls_ca=self._broker.tls_ca,
            subscriptions=subscriptions,
            durable=False,
        )
