"""One simulated device at the broker: its connections one after another, and what comes between them."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta

from gateway import topics
from gateway.mqtt import Delivery, NotConnected, Refused, Session, SessionOptions, Will
from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.options import Protocol
from gateway.receipts import read_receipt
from gateway.simulator.device import DeviceLife
from gateway.simulator.documents import Document
from gateway.simulator.faults import Fault, FaultKind
from gateway.simulator.spool import Spool
from services.runtime.clock import Clock
from services.runtime.tasks import backoff_s

ANSWER_S = 10.0  # for a PUBACK; without one the connection is not worth keeping
FAREWELL_S = 1.0
STEADY = timedelta(seconds=10)
_RECEIPTS_A_TURN = 50


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, what it speaks, and as whom to come; devices come by their own ids unless said."""

    host: str
    port: int = 1883
    _: KW_ONLY
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: Protocol = "auto"


@dataclass(slots=True)
class Tally:
    """What has been counted: PUBACKed, named in receipts as stored, named as refused, and given up."""

    sent: int = 0
    receipted: int = 0
    refused: int = 0
    lost: int = 0


class Presence:
    """Leads a device through its faults; a fault breaks the connection without a goodbye, so the will is published."""

    def __init__(
        self, life: DeviceLife, broker: BrokerAddress, *, faults: Iterator[Fault], tally: Tally, clock: Clock
    ) -> None:
        self.spool = Spool(random.Random(life.device.id))
        self._life = life
        self._broker = broker
        self._faults = faults
        self._tally = tally
        self._clock = clock
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Live until cancelled; then say goodbye, which takes at most `FAREWELL_S` and a second."""
        self._life.boot(self._clock())
        for fault in self._faults:
            await self._work(fault.starts_at)
            await self._suffer(fault)

    async def _suffer(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.POWER_CUT:
                await self._pause(fault.ends_at)
                self._life.boot(self._clock())
            case FaultKind.UPLINK_LOST:
                await self._be_cut_off(fault.ends_at)
            case FaultKind.CLOCK_UNSET:
                self._life.boot(self._clock(), clock_unset_until=fault.ends_at)

    async def _work(self, until: datetime) -> None:
        """Be connected until then; a new connection whenever one is lost, each with a birth and a will of its own."""
        attempt = 0
        while (began_at := self._clock()) < until:
            self._life.connect()
            self._news.clear()
            async with Session(
                self._options(),
                clock=self._clock,
                on_up=lambda _: self._news.set(),
                on_down=lambda _: self._news.set(),
            ) as session:
                try:
                    await self._serve(session, until)
                except asyncio.CancelledError:
                    await self._say_goodbye(session)
                    raise
                _break_off(session)
            self.spool.connection_lost()
            # Two simulators of the same village evict each other's devices: that must not become a race.
            attempt = 1 if self._clock() - began_at > STEADY else attempt + 1
            await self._pause(min(until, self._clock() + timedelta(seconds=backoff_s(attempt))))

    async def _serve(self, session: Session, until: datetime) -> None:
        """Say what happens until then, or until the connection is lost."""
        async with asyncio.TaskGroup() as tasks:
            listener = tasks.create_task(self._listen(session), name=f"receipts {self._life.device.id}")
            born = False
            while (now := self._clock()) < until and (session.connected or not born):
                birth = [self._life.birth(now)] if session.connected and not born else []
                born = born or bool(birth)
                await self._publish_all(
                    session, self._to_send(birth, self._life.step(now), now, connected=born)
                )
                await self._pause(min(until, self._due_at()), for_news=True)
            listener.cancel()

    def _to_send(
        self, birth: list[Document], said: list[Document], now: datetime, *, connected: bool
    ) -> list[Document]:
        if not self._life.spools:
            return birth + said
        for document in birth:
            self.spool.add_first(document)
        self.spool.add(said)
        return self.spool.take(now) if connected else []

    async def _be_cut_off(self, until: datetime) -> None:
        self._life.set_uplink(self._clock(), up=False)
        while (now := self._clock()) < until:
            said = self._life.step(now)
            if self._life.spools:
                self.spool.add(said)
            else:
                self._tally.lost += len(said)
            await self._pause(min(until, self._life.due_at))
        self._life.set_uplink(self._clock(), up=True)

    async def _publish_all(self, session: Session, documents: Iterable[Document]) -> None:
        for document in documents:
            if not await self._publish(session, document) and not self._life.spools:
                self._tally.lost += 1

    async def _publish(self, session: Session, document: Document) -> bool:
        """Whether the broker took it; what a device with a spool could not send it keeps."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await session.publish(self._topic(document.type), document.payload(), qos=1)
        except (NotConnected, Refused):
            return False
        except TimeoutError:
            _break_off(session)
            return False
        self._tally.sent += 1
        return True

    async def _listen(self, session: Session) -> None:
        while True:
            deliveries = await session.batch(limit=_RECEIPTS_A_TURN, linger_s=0)
            for delivery in deliveries:
                self._take_receipt(delivery)
            session.acknowledge(deliveries)
            self._news.set()

    def _take_receipt(self, delivery: Delivery) -> None:
        stored, refused = read_receipt(delivery.payload)
        self._tally.receipted += self.spool.receipted(stored)
        self._tally.refused += self.spool.receipted(refused)

    async def _say_goodbye(self, session: Session) -> None:
        with suppress(NotConnected, Refused, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                farewell = self._life.farewell(self._clock())
                await session.publish(self._topic(farewell.type), farewell.payload(), qos=1)

    async def _pause(self, until: datetime, *, for_news: bool = False) -> None:
        left_s = (until - self._clock()).total_seconds()
        if for_news:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, left_s)):
                    await self._news.wait()
            self._news.clear()
        else:
            await asyncio.sleep(left_s)

    def _due_at(self) -> datetime:
        again_at = self.spool.due_at
        return self._life.due_at if again_at is None else min(self._life.due_at, again_at)

    def _topic(self, event_type: str) -> str:
        device = self._life.device
        return topics.NativeTopic(device.municipality, device.id, event_type).topic

    def _options(self) -> SessionOptions:
        device = self._life.device
        acks = (topics.ack_topic(device.municipality, device.id),) if self._life.spools else ()
        will = self._life.will()
        return SessionOptions(
            host=self._broker.host,
            port=self._broker.port,
            protocol=self._broker.protocol,
            client_id=device.id,
            username=self._broker.username or device.id,
            password=self._broker.password,
            subscriptions=acks,
            durable=False,
            will=Will(topic=self._topic(will.type), payload=will.payload()),
        )


def _break_off(session: Session) -> None:
    """End a connection as a power cut does: no goodbye, so that the broker publishes the will."""
    link = session._link  # noqa: SLF001 - a session knows no bad end of its own
    if link is not None:
        link._end(Ended(Trouble.LOST, "broken off"))  # noqa: SLF001 - likewise
