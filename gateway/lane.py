"""One lane of the gateway: a broker session, the intake behind it, and the canary that proves that both work.

The session's window is the only buffer (rule R7): what is not acknowledged stays in it, and the broker holds the
rest. So when PostgreSQL is slow or away nothing piles up here, and nothing is dropped.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from gateway import codecs, receipts
from gateway.mqtt import Delivery, NotConnected, Session, SessionOptions
from gateway.options import MqttOptions
from gateway.topics import canary_topic, native_filter
from services.ingest.models import Accepted, Refused
from services.ingest.registry import LaneRegistry, load_registry
from services.log.store import Batch, Sight, close_sight, store
from services.runtime.clock import Clock
from services.runtime.tasks import backoff_s, describe
from services.storage.database import UNREACHABLE, Database

log = structlog.get_logger()

RECEIVED = Counter("bypunkt_gateway_events_total", "Events received from the broker, before judgement")
IN_FLIGHT = Gauge("bypunkt_gateway_in_flight", "Messages in hand that are not acknowledged yet", ["lane"])
SESSION_LOST = Counter(
    "bypunkt_gateway_session_lost_total", "Broker sessions that were gone at a reconnect", ["lane"]
)

# A canary that took longer, or came longer after the one before, proves nothing (architecture: blind time).
BLIND_AFTER = timedelta(seconds=15)


class GatewayLane:
    """Takes the events of one lane's municipalities from the broker into the log."""

    def __init__(self, database: Database, lane: int, options: MqttOptions, *, clock: Clock) -> None:
        self.lane = lane
        self.seen_at: datetime | None = None  # the newest canary that came the whole way
        self.session: Session | None = None
        self._database = database
        self._options = options
        self._clock = clock
        self._registry = LaneRegistry()
        self._turn = asyncio.Lock()
        self._registry_changed = asyncio.Event()
        self._came_up = asyncio.Event()
        self._went_down = asyncio.Event()
        self._answered = asyncio.Event()  # the canary is back, or its connection is gone
        self.nonce = secrets.token_hex(8)
        self._sight: Sight | None = None
        self._sight_generation = -1

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
        finally:
            self.session = None
            await self._close_sight()

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
        return (
            canary_topic(self.lane),
            *(native_filter(code) for code in sorted(self._registry.municipalities)),
        )

    async def _intake(self, session: Session) -> None:
        limit = max(1, self._options.window // 2)
        while True:
            deliveries = await session.batch(limit=limit, linger_s=self._options.linger_ms / 1000)
            IN_FLIGHT.labels(self.lane).set(session.unacknowledged)
            await self._take(session, deliveries)
            IN_FLIGHT.labels(self.lane).set(session.unacknowledged)

    async def _take(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        async with self._turn:
            batch = await self._judge(deliveries)
            refused = await self._store(batch)
            self._registry.note_spools(batch.accepted)
        session.acknowledge(deliveries)
        for topic, payload in receipts.compose(batch.accepted, refused, spooling=self._registry.spooling):
            await _send_if_possible(session, topic, payload)
        if batch.sight is not None:
            self.seen_at = batch.sight.until
            self._answered.set()

    async def _judge(self, deliveries: Sequence[Delivery]) -> Batch:
        events = [delivery for delivery in deliveries if delivery.topic != canary_topic(self.lane)]
        canaries = [delivery for delivery in deliveries if delivery.topic == canary_topic(self.lane)]
        await self._look_up_strangers(events)
        accepted: list[Accepted] = []
        refused: list[Refused] = []
        for delivery in events:
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
        return Batch(accepted, refused, self._see(canaries))

    async def _look_up_strangers(self, deliveries: Sequence[Delivery]) -> None:
        strangers = [name for delivery in deliveries if (name := codecs.identity(delivery.topic)) is not None]
        attempt = 0
        while True:
            try:
                return await self._registry.look_up(self._database, self.lane, strangers)
            except UNREACHABLE as error:
                attempt += 1
                await self._pause(attempt, error)

    async def _store(self, batch: Batch) -> list[Refused]:
        attempt = 0
        while True:
            try:
                return await store(self._database, self.lane, batch)
            except UNREACHABLE as error:
                attempt += 1
                await self._pause(attempt, error)

    async def _pause(self, attempt: int, error: Exception) -> None:
        log.warning("database_unreachable", lane=self.lane, error=describe(error), attempt=attempt)
        await asyncio.sleep(backoff_s(attempt, most=2.0))

    def _see(self, canaries: Sequence[Delivery]) -> Sight | None:
        for canary in canaries:
            nonce, _, sent = canary.payload.decode("ascii", "replace").partition(":")
            if nonce != self.nonce or not sent.isdecimal():
                continue
            if canary.received_at.timestamp() - int(sent) / 1000 > BLIND_AFTER.total_seconds():
                continue
            at = canary.received_at
            same = self._sight is not None and canary.generation == self._sight_generation
            if same and self._sight is not None and at - self._sight.until <= BLIND_AFTER:
                self._sight = Sight(self._sight.since, at)
            else:
                self._sight, self._sight_generation = Sight(at, at), canary.generation
        return self._sight if canaries else None

    async def _send_canaries(self, session: Session) -> None:
        while True:
            await session.wait_connected()
            self._came_up.clear()
            self._answered.clear()
            sent = int(self._clock().timestamp() * 1000)
            await _send_if_possible(session, canary_topic(self.lane), f"{self.nonce}:{sent}".encode(), qos=1)
            # One at a time: while the database is away none comes back, and the time is blind.
            await _wait(self._answered, BLIND_AFTER.total_seconds())
            await _wait(self._came_up, self._options.canary_s)

    async def _follow_registry(self, session: Session) -> None:
        while True:
            await self._registry_changed.wait()
            self._registry_changed.clear()
            try:
                # In turn with the intake: a birth that is being stored must not be missing in the new picture.
                async with self._turn:
                    self._registry = await load_registry(self._database, self.lane)
            except UNREACHABLE as error:
                await self._pause(1, error)
                self._registry_changed.set()
                continue
            await session.resubscribe(self._subscriptions())

    async def _close_sights(self, _session: Session) -> None:
        while True:
            await self._went_down.wait()
            self._went_down.clear()
            await self._close_sight()

    async def _close_sight(self) -> None:
        if self._sight is None:
            return
        since, self._sight, self.seen_at = self._sight.since, None, None
        try:
            await close_sight(self._database, self.lane, since)
        except UNREACHABLE as error:
            # Not written, the observation ends by itself: its last canary grows old.
            log.warning("observation_left_open", lane=self.lane, error=describe(error))

    def _on_up(self, session_present: bool) -> None:  # noqa: FBT001 - the shape of the session's callback
        if not session_present and self.session is not None and self.session.session_lost_count:
            SESSION_LOST.labels(self.lane).inc()
        self._came_up.set()
        self._answered.set()

    def _on_down(self, reason: str) -> None:
        log.warning("lane_disconnected", lane=self.lane, reason=reason)
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
