"""From a lane's session into the log: the next messages are judged while the last ones are being stored.

Bounded twice: the broker has at most a window of messages unacknowledged with us, and what is judged and not yet
stored is at most one transaction. When the database is slow, judging waits, nothing is acknowledged, and the broker
keeps the rest. Nothing is dropped, and messages are stored and acknowledged in the order in which they came.

Few transactions at once, of all lanes together: a lane whose turn comes stores all that it has by then. So batches
grow with the load, and an event that comes alone is stored at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import structlog
from prometheus_client import Gauge

from gateway import codecs, receipts
from gateway.canary import Canary
from gateway.gaps import Gaps
from gateway.mqtt import Delivery, Session
from gateway.routes import Home, Routes
from gateway.tally import Tally
from services.ingest.models import Accepted, Parcel, Reason, Refused
from services.ingest.registry import LaneRegistry, load_registry, still_says
from services.log.leases import Lease
from services.log.store import Batch, Kept, Sight, store
from services.runtime import failpoints
from services.runtime.tasks import backoff_s, describe
from services.storage.database import UNREACHABLE, Database

log = structlog.get_logger()

IN_FLIGHT = Gauge("bypunkt_gateway_in_flight", "Messages in hand that are not acknowledged yet", ["lane"])
WINDOW = Gauge("bypunkt_gateway_window", "Messages that a lane may have in hand")

# A transaction is full with so many events: one message may hold a thousand of them.
EVENTS_AT_ONCE = 2_000
# Judging so many in one go would keep everybody else on this event loop waiting.
EVENTS_IN_A_ROW = 50

Result = TypeVar("Result")


class Judged:
    """Messages that are judged and wait to be stored together."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.accepted: list[Accepted] = []
        self.refused: list[Refused] = []
        self.canaries: list[Delivery] = []

    @property
    def full(self) -> bool:
        """Whether it is enough for one transaction."""
        return len(self.accepted) + len(self.refused) >= EVENTS_AT_ONCE

    def add(self, delivery: Delivery, verdicts: Sequence[Accepted | Refused]) -> None:
        """Add a message with its verdicts."""
        self.taken.append(delivery)
        for verdict in verdicts:
            if isinstance(verdict, Accepted):
                self.accepted.append(verdict)
            else:
                self.refused.append(verdict)


class Intake:
    """Takes the messages of one lane in.

    `stores` is shared by the lanes of a process. `on_sight` is told what a canary proved, once that is stored.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        *,
        canary: Canary,
        stores: asyncio.Semaphore,
        pace_s: float,
        window: int,
        on_sight: Callable[[Sight], Awaitable[None]],
    ) -> None:
        self.registry = LaneRegistry()
        self.routes = Routes()
        self._database = database
        self._lease = lease
        self._canary = canary
        self._stores = stores
        self._pace_s = pace_s
        self._window = window
        self._on_sight = on_sight
        self._pending = Judged()
        self._in_hand: tuple[Judged, Batch] | None = None
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._turn = asyncio.Lock()
        self._closing = False
        self._in_flight = IN_FLIGHT.labels(lease.lane)
        self._tally = Tally()
        self._gaps = Gaps()
        WINDOW.set(window)

    async def renew_registry(self) -> bool:
        """Judge by the registry as it is from now on; False when it is as it was."""
        database, lane, known = self._database, self._lease.lane, self.registry
        if await self.until_reached(lambda: still_says(database, lane, known)):
            known.forget_owners()
            return False
        # In turn with storing: a birth that is being stored must not be missing in the new picture.
        async with self._turn:
            self.registry = await self.until_reached(lambda: load_registry(database, lane))
            self.routes = Routes(Home(key[0], device) for key, device in self.registry.devices.items())
            return True

    async def judge(self, session: Session) -> None:
        """Judge what comes, for ever; waits while a whole transaction of it is waiting already."""
        clock = asyncio.get_running_loop()
        due = 0.0
        while True:
            pause = due - clock.time()
            # Under load messages come one by one: each would cost a turn of its own.
            if pause > 0 and 2 * session.waiting < self._window:
                await asyncio.sleep(pause)
            deliveries = await session.batch(limit=self._window, linger_s=0)
            due = clock.time() + self._pace_s
            self._in_flight.set(session.unacknowledged)
            verdicts = await self._verdicts(deliveries)
            for delivery, said in zip(deliveries, verdicts, strict=True):
                while self._pending.full:
                    self._room.clear()
                    await self._room.wait()
                self._add(delivery, said)

    async def store(self, session: Session) -> None:
        """Store what is judged, acknowledge it and send the receipts, until `close`."""
        while await self._something():
            async with self._turn:
                failpoints.hit("gateway.received")
                judged, batch, kept = await self.until_reached(self._store_next)
                self._tally.settled(len(kept.accepted) + len(kept.refused))
                failpoints.hit("gateway.committed")
                self.registry.note_spools(kept.accepted)
                self._gaps.note(kept.accepted)
            session.acknowledge(judged.taken)
            failpoints.hit("gateway.acknowledged")
            self._in_flight.set(session.unacknowledged)
            for topic, payload in receipts.compose(
                kept.accepted, kept.refused, spooling=self.registry.spooling
            ):
                session.post(topic, payload)  # without a connection it is left out: the device will ask again
            failpoints.hit("gateway.receipted")
            if batch.sight is not None:
                await self._on_sight(batch.sight)

    def close(self) -> None:
        """Let `store` end when it has stored what is judged by now."""
        self._closing = True
        self._ready.set()

    def leave(self) -> None:
        """Account for what is in hand and will not be stored: the broker still has it."""
        self._tally.close()
        self._gaps.close()
        self._in_flight.set(0)

    async def until_reached(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Try again for as long as the database is away; what is in hand stays in hand."""
        attempt = 0
        while True:
            try:
                return await work()
            except UNREACHABLE as error:
                attempt += 1
                log.warning(
                    "database_unreachable", lane=self._lease.lane, error=describe(error), attempt=attempt
                )
                await asyncio.sleep(backoff_s(attempt, most=2.0))

    def _add(self, delivery: Delivery, said: Sequence[Accepted | Refused] | None) -> None:
        if said is None:
            self._pending.canaries.append(delivery)
        self._pending.add(delivery, said or ())
        self._ready.set()

    async def _verdicts(self, deliveries: Sequence[Delivery]) -> list[list[Accepted | Refused] | None]:
        """Return the verdicts on each message, None for a canary."""
        verdicts: list[list[Accepted | Refused] | None] = []
        strangers: dict[int, tuple[str, str]] = {}
        in_a_row = 0
        for number, delivery in enumerate(deliveries):
            if delivery.topic == self._canary.topic:
                verdicts.append(None)
                continue
            said = self._judge(delivery)
            verdicts.append(said)
            in_a_row += len(said)
            if _of_a_stranger(said[0]) and (name := codecs.identity(delivery.topic)) is not None:
                strangers[number] = name
            if in_a_row >= EVENTS_IN_A_ROW:
                in_a_row = 0
                await asyncio.sleep(0)
        if strangers:
            await self._look_up(strangers.values())
            for number, (_, device) in strangers.items():
                if self.registry.municipality_of(device) is not None:
                    verdicts[number] = self._judge(deliveries[number])
        self._tally.received(sum(len(said) for said in verdicts if said))
        return verdicts

    def _judge(self, delivery: Delivery) -> list[Accepted | Refused]:
        if (home := self.routes.find(delivery.topic)) is not None:
            device = home.device
            parcel = Parcel(
                home.municipality,
                device.id,
                None,
                topic=delivery.topic,
                payload=delivery.payload,
                retain=delivery.retain,
                received_at=delivery.received_at,
            )
            return codecs.judge_as(device.codec, parcel, self.registry)
        return codecs.judge(
            delivery.topic,
            delivery.payload,
            delivery.received_at,
            retain=delivery.retain,
            registry=self.registry,
        )

    async def _look_up(self, names: Iterable[tuple[str, str]]) -> None:
        registry = self.registry
        await self.until_reached(lambda: registry.look_up(self._database, self._lease.lane, names))

    async def _something(self) -> bool:
        """Wait for something to store; false when nothing more will come."""
        while not self._pending.taken and not self._closing:
            self._ready.clear()
            await self._ready.wait()
        return bool(self._pending.taken)

    async def _store_next(self) -> tuple[Judged, Batch, Kept]:
        """Store all that is judged when our turn comes; tried again, it is the same."""
        async with self._stores:
            judged, batch = self._in_hand = self._in_hand or self._take()
            kept = await store(self._database, self._lease.lane, batch)
        self._in_hand = None
        return judged, batch, kept

    def _take(self) -> tuple[Judged, Batch]:
        judged, self._pending = self._pending, Judged()
        self._room.set()
        sight = self._canary.see(judged.canaries)
        return judged, Batch(judged.accepted, judged.refused, sight, epoch=self._lease.epoch)


def _of_a_stranger(verdict: Accepted | Refused) -> bool:
    return isinstance(verdict, Refused) and verdict.reason is Reason.UNKNOWN_DEVICE
