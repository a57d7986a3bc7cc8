"""One lane of the gateway: a broker session, the intake behind it, and the canary that proves that both work.

The session's window is the only buffer (rule R7): what is not acknowledged stays in it, and the broker holds the
rest. So when PostgreSQL is slow or away nothing piles up here, and nothing is dropped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge

from gateway import codecs, receipts
from gateway.canary import Canary
from gateway.mqtt import Delivery, NotConnected, Session, SessionOptions
from gateway.options import MqttOptions
from gateway.states import LaneStates
from gateway.topics import native_filter
from services.ingest.models import Accepted, Refused
from services.ingest.registry import LaneRegistry, load_registry
from services.log.lanes import BLIND_AFTER
from services.log.store import Batch, close_sight, store
from services.runtime import failpoints
from services.runtime.clock import Clock
from services.runtime.tasks import backoff_s, describe, supervise
from services.storage.database import UNREACHABLE, Database

log = structlog.get_logger()

RECEIVED = Counter("bypunkt_gateway_events_total", "Events received from the broker, before judgement")
IN_FLIGHT = Gauge("bypunkt_gateway_in_flight", "Messages in hand that are not acknowledged yet", ["lane"])
SESSION_LOST = Counter(
    "bypunkt_gateway_session_lost_total", "Broker sessions that were gone at a reconnect", ["lane"]
)

# A transaction is full with so many events: one message may hold a thousand of them.
EVENTS_AT_ONCE = 2_000
# Judging so many in one go would keep everybody else on this event loop waiting.
EVENTS_IN_A_ROW = 50

Result = TypeVar("Result")


class GatewayLane:
    """Takes the events of one lane's municipalities from the broker into the log."""

    def __init__(
        self,
        database: Database,
        lane: int,
        options: MqttOptions,
        *,
        clock: Clock,
        states: LaneStates | None = None,
    ) -> None:
        self.lane = lane
        self.states = states
        self.seen_at: datetime | None = None  # the newest canary that came the whole way
        self.session: Session | None = None
        self.canary = Canary(lane)
        self._database = database
        self._options = options
        self._clock = clock
        self._registry = LaneRegistry()
        self._turn = asyncio.Lock()
        self._registry_changed = asyncio.Event()
        self._came_up = asyncio.Event()
        self._answered = asyncio.Event()  # the canary is back, or its connection is gone
        self._sights_lost: deque[datetime] = deque()
        self._went_down = asyncio.Event()

    def knows(self, municipality: str, device: str) -> str | None:
        """Return the life cycle of a device as the lane knows it."""
        known = self._registry.device(municipality, device)
        return known.lifecycle if known else None

    def subscribed_to(self, municipality: str) -> bool:
        """Say whether the lane takes in a municipality's events now."""
        return (
            municipality in self._registry.municipalities
            and self.session is not None
            and self.session.connected
        )

    def registry_changed(self) -> None:
        """Ask the lane to read the registry again."""
        self._registry_changed.set()
        if self.states is not None:
            self.states.wake(whole=True)

    async def run(self) -> None:
        """Work until cancelled; an error that nobody foresaw ends the session and is raised (rule R10)."""
        self._registry = await load_registry(self._database, self.lane)
        session = Session(
            self._session_options(), clock=self._clock, on_up=self._on_up, on_down=self._on_down
        )
        try:
            async with session, asyncio.TaskGroup() as tasks:
                self.session = session
                for part in (self._intake, self._send_canaries, self._follow_registry, self._close_sights):
                    tasks.create_task(part(session), name=f"lane {self.lane} {part.__name__.strip('_')}")
                if self.states is not None:
                    # Supervised on its own: whatever goes wrong in telling must not end the taking in.
                    title, tell = f"lane {self.lane} states", partial(self.states.run, session)
                    tasks.create_task(supervise(title, tell), name=title)
        finally:
            self.session = None
            self._lose_sight()
            await self._close_lost_sights()

    def _session_options(self) -> SessionOptions:
        options = self._options
        return SessionOptions(
            host=options.host,
            port=options.port,
            client_id=f"{options.client_prefix}{self.lane}",
            username=options.username.format(lane=self.lane) if options.username else None,
            password=options.secret(),
            tls_ca=options.tls_ca,
            keepalive_s=options.keepalive_s,
            subscriptions=self._subscriptions(),
            window=options.window,
            protocol=options.protocol,
        )

    def _subscriptions(self) -> tuple[str, ...]:
        return (self.canary.topic, *(native_filter(code) for code in sorted(self._registry.municipalities)))

    async def _intake(self, session: Session) -> None:
        limit = max(1, self._options.window // 2)
        while True:
            waiting = deque(await session.batch(limit=limit, linger_s=self._options.linger_ms / 1000))
            while waiting:
                IN_FLIGHT.labels(self.lane).set(session.unacknowledged)
                await self._take_some(session, waiting)
                IN_FLIGHT.labels(self.lane).set(session.unacknowledged)

    async def _take_some(self, session: Session, waiting: deque[Delivery]) -> None:
        """Store what fits into one transaction, then acknowledge it, then send the receipts."""
        await self._look_up_strangers(waiting)
        async with self._turn:
            taken, batch = await self._judge(waiting)
            failpoints.hit("gateway.received")
            kept = await self._until_reached(lambda: store(self._database, self.lane, batch))
            failpoints.hit("gateway.committed")
            self._registry.note_spools(kept.accepted)
        session.acknowledge(taken)
        failpoints.hit("gateway.acknowledged")
        for topic, payload in receipts.compose(kept.accepted, kept.refused, spooling=self._registry.spooling):
            await _send_if_possible(session, topic, payload)
        failpoints.hit("gateway.receipted")
        if batch.sight is not None:
            await self._proven(batch.sight.since, batch.sight.until)

    async def _judge(self, waiting: deque[Delivery]) -> tuple[list[Delivery], Batch]:
        taken: list[Delivery] = []
        canaries: list[Delivery] = []
        accepted: list[Accepted] = []
        refused: list[Refused] = []
        rest = 0
        while waiting and len(accepted) + len(refused) < EVENTS_AT_ONCE:
            delivery = waiting.popleft()
            taken.append(delivery)
            if delivery.topic == self.canary.topic:
                canaries.append(delivery)
                continue
            verdicts = codecs.judge(
                delivery.topic,
                delivery.payload,
                delivery.received_at,
                retain=delivery.retain,
                registry=self._registry,
            )
            RECEIVED.inc(len(verdicts))
            accepted += [verdict for verdict in verdicts if isinstance(verdict, Accepted)]
            refused += [verdict for verdict in verdicts if isinstance(verdict, Refused)]
            rest += len(verdicts)
            if rest >= EVENTS_IN_A_ROW:
                rest = 0
                await asyncio.sleep(0)
        return taken, Batch(accepted, refused, self.canary.see(canaries))

    async def _look_up_strangers(self, deliveries: Iterable[Delivery]) -> None:
        strangers = [name for delivery in deliveries if (name := codecs.identity(delivery.topic)) is not None]
        await self._until_reached(lambda: self._registry.look_up(self._database, self.lane, strangers))

    async def _until_reached(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Try again for as long as the database is away; what is in hand stays in hand."""
        attempt = 0
        while True:
            try:
                return await work()
            except UNREACHABLE as error:
                attempt += 1
                log.warning("database_unreachable", lane=self.lane, error=describe(error), attempt=attempt)
                await asyncio.sleep(backoff_s(attempt, most=2.0))

    async def _send_canaries(self, session: Session) -> None:
        while True:
            await session.wait_connected()
            self._came_up.clear()
            self._answered.clear()
            await _send_if_possible(session, self.canary.topic, self.canary.payload(self._clock()), qos=1)
            # One at a time: while the database is away none comes back, and the time is blind.
            await _wait(self._answered, BLIND_AFTER.total_seconds())
            await _wait(self._came_up, self._options.canary_s)

    async def _proven(self, since: datetime, until: datetime) -> None:
        if not self.canary.sees_since(since):
            # The connection went while its canary was being stored: that sight is over already.
            await self._until_reached(lambda: close_sight(self._database, self.lane, since))
            return
        self.seen_at = until
        self._answered.set()

    async def _follow_registry(self, session: Session) -> None:
        while True:
            await self._registry_changed.wait()
            self._registry_changed.clear()
            before = self._subscriptions()
            # In turn with the intake: a birth that is being stored must not be missing in the new picture.
            async with self._turn:
                self._registry = await self._until_reached(lambda: load_registry(self._database, self.lane))
            if self._subscriptions() != before:
                await session.resubscribe(self._subscriptions())

    async def _close_sights(self, _session: Session) -> None:
        while True:
            await self._went_down.wait()
            self._went_down.clear()
            await self._close_lost_sights()

    async def _close_lost_sights(self) -> None:
        while self._sights_lost:
            try:
                await close_sight(self._database, self.lane, self._sights_lost[0])
            except UNREACHABLE as error:
                # Not written, the observation ends by itself: its last canary grows old.
                log.warning("observation_left_open", lane=self.lane, error=describe(error))
            self._sights_lost.popleft()

    def _lose_sight(self) -> None:
        self.seen_at = None
        if (since := self.canary.lose_sight()) is not None:
            self._sights_lost.append(since)

    def _on_up(self, session_present: bool) -> None:  # noqa: FBT001 - the shape of the session's callback
        if not session_present and self.session is not None and self.session.session_lost_count:
            SESSION_LOST.labels(self.lane).inc()
        self._came_up.set()
        self._answered.set()
        if self.states is not None:
            self.states.wake()

    def _on_down(self, reason: str) -> None:
        log.warning("lane_disconnected", lane=self.lane, reason=reason)
        self._lose_sight()
        self._went_down.set()


async def _send_if_possible(session: Session, topic: str, payload: bytes, *, qos: int = 0) -> None:
    try:
        await session.publish(topic, payload, qos=qos)
    except NotConnected:
        return  # receipts come again when the device repeats; canaries with the next connection


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
