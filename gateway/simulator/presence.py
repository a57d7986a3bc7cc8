"""A cheap device at the broker: its connections one after another, and what comes between them."""

import asyncio
import random
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway import topics
from gateway.mqtt import Delivery, NotConnected, Refused, Session, SessionOptions, Will
from gateway.receipts import read_receipt
from gateway.simulator.device import DeviceLife
from gateway.simulator.documents import Document
from gateway.simulator.fortune import NEVER
from gateway.simulator.spool import Spool
from gateway.simulator.uplink import BrokerAddress
from services.runtime.clock import Clock
from services.runtime.tasks import backoff_s

ANSWER_S = 10.0  # for a PUBACK; without one the connection is not worth keeping
FAREWELL_S = 1.0
STEADY = timedelta(seconds=10)
MOST_UNSENT = 20  # of a device without a spool; then the oldest is lost
_RECEIPTS_A_TURN = 50
_WINDOW = 20  # receipts are all that it hears


@dataclass(slots=True)
class Tally:
    """What has been counted: PUBACKed, named in receipts as stored, named as refused, and given up."""

    sent: int = 0
    receipted: int = 0
    refused: int = 0
    lost: int = 0


class Presence:
    """Takes what a device says to the broker; without a goodbye the broker publishes its will."""

    def __init__(self, life: DeviceLife, *, tally: Tally, clock: Clock) -> None:
        self.spool = Spool(random.Random(life.device.id))
        self._life = life
        self._tally = tally
        self._clock = clock
        self._unsent: deque[Document] = deque()
        self._dying = False
        self._anew = False  # the world has just come back: connect without waiting
        self._session: Session | None = None
        self._to_say = asyncio.Event()
        self._to_send = asyncio.Event()

    def boot(self, now: datetime, *, clock_unset_until: datetime | None) -> None:
        """Begin anew."""
        self._dying = False
        self._tally.lost += len(self._unsent)
        self._unsent.clear()
        self._life.boot(now, clock_unset_until=clock_unset_until)

    def die(self) -> None:
        """Lose power."""
        self._dying = True

    def set_uplink(self, *, up: bool) -> None:
        """Learn that the world is, or is not, to be reached; when it is again, do not wait for the end of a pause."""
        self._life.set_uplink(self._clock(), up=up)
        self._to_say.set()
        self._anew = up
        if up:
            self._to_send.set()

    def crowd(self, until: datetime) -> None:
        """Let many people come until then."""
        self._life.crowd(self._clock(), until)

    async def live(self, broker: BrokerAddress) -> None:
        """Notice what happens, and be connected to say it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice(), name=f"{self._life.device.id} notices")
            tasks.create_task(self._connect(broker), name=f"{self._life.device.id} connects")

    async def _notice(self) -> None:
        while True:
            said = self._life.step(self._clock())
            if said:
                self._keep(said)
                self._to_send.set()
            await self._pause(self._life.due_at, self._to_say)

    def _keep(self, said: list[Document]) -> None:
        if self._life.spools:
            self.spool.add(said)
            return
        self._unsent.extend(said)
        online = self._session is not None and self._session.connected
        while len(self._unsent) > (MOST_UNSENT if online else 0):
            self._unsent.popleft()
            self._tally.lost += 1

    async def _connect(self, broker: BrokerAddress) -> None:
        """Hold one connection after another, each with a birth and a will of its own."""
        attempt = 0
        while True:
            began_at = self._clock()
            self._life.connect()
            await self._hold(broker)
            # Two simulators of the same village evict each other's devices: that must not become a race.
            attempt = 1 if self._anew or self._clock() - began_at > STEADY else attempt + 1
            self._anew = False
            self._to_send.clear()
            await self._pause(self._clock() + timedelta(seconds=backoff_s(attempt)), self._to_send)

    async def _hold(self, broker: BrokerAddress) -> None:
        wake = self._to_send.set
        try:
            async with Session(
                self._options(broker), clock=self._clock, on_up=lambda _: wake(), on_down=lambda _: wake()
            ) as session:
                self._session = session
                try:
                    await self._serve(session)
                except asyncio.CancelledError:
                    if self._dying:
                        session.break_off()
                    else:
                        await self._say_goodbye(session)
                    raise
                session.break_off()
        finally:
            self._session = None
            self.spool.connection_lost()

    async def _serve(self, session: Session) -> None:
        """Send what there is to send until the connection is lost."""
        async with asyncio.TaskGroup() as tasks:
            listener = tasks.create_task(self._listen(session), name=f"{self._life.device.id} receipts")
            born = False
            while session.connected or not (born or self._anew):
                self._to_send.clear()
                if session.connected:
                    await self._publish_all(session, self._due(birth=not born))
                    born = True
                await self._pause(self.spool.due_at or NEVER, self._to_send)
            listener.cancel()

    def _due(self, *, birth: bool) -> list[Document]:
        born = [self._life.birth(self._clock())] if birth else []
        if not self._life.spools:
            said = [*born, *self._unsent]
            self._unsent.clear()
            return said
        for document in born:
            self.spool.add_first(document)
        return self.spool.take(self._clock())

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
            session.break_off()
            return False
        self._tally.sent += 1
        return True

    async def _listen(self, session: Session) -> None:
        while True:
            deliveries = await session.batch(limit=_RECEIPTS_A_TURN, linger_s=0)
            for delivery in deliveries:
                self._take_receipt(delivery)
            session.acknowledge(deliveries)
            self._to_send.set()

    def _take_receipt(self, delivery: Delivery) -> None:
        stored, refused = read_receipt(delivery.payload)
        self._tally.receipted += self.spool.receipted(stored)
        self._tally.refused += self.spool.receipted(refused)

    async def _say_goodbye(self, session: Session) -> None:
        with suppress(NotConnected, Refused, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                farewell = self._life.farewell(self._clock())
                await session.publish(self._topic(farewell.type), farewell.payload(), qos=1)

    async def _pause(self, until: datetime, news: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, (until - self._clock()).total_seconds())):
                await news.wait()
        if news is self._to_say:
            news.clear()

    def _topic(self, event_type: str) -> str:
        device = self._life.device
        return topics.NativeTopic(device.municipality, device.id, event_type).topic

    def _options(self, broker: BrokerAddress) -> SessionOptions:
        device = self._life.device
        acks = (topics.ack_topic(device.municipality, device.id),) if self._life.spools else ()
        will = self._life.will()
        return SessionOptions(
            host=broker.host,
            port=broker.port,
            protocol=broker.protocol,
            client_id=device.id,
            username=broker.username or device.id,
            password=broker.password,
            tls_ca=broker.tls_ca,
            subscriptions=acks,
            durable=False,
            window=_WINDOW,
            will=Will(topic=self._topic(will.type), payload=will.payload()),
        )
