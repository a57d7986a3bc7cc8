"""One lane of the gateway: a broker session, the intake behind it, and the canary that proves that both work.

The lane is ours by lease. When it is to be given away, what is in hand is stored and acknowledged, and the session is
left; the broker keeps it, with its queue, for the next holder. When our connection ends while nobody has confirmed the
lease for a while, another process may have taken the lane, and its session: we do not throw it out again by
connecting, but leave and ask first.
"""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter

from gateway.canary import Canary
from gateway.intake import Intake
from gateway.mqtt import NotConnected, Session, SessionOptions
from gateway.options import MqttOptions
from gateway.states import LaneStates
from gateway.topics import native_filter
from services.log.lanes import BLIND_AFTER
from services.log.leases import LaneTaken, Lease
from services.log.store import Sight, close_sight
from services.runtime.clock import Clock
from services.runtime.tasks import describe, supervise
from services.storage.database import UNREACHABLE, Database

log = structlog.get_logger()

SESSION_LOST = Counter(
    "bypunkt_gateway_session_lost_total", "Broker sessions that were gone at a reconnect", ["lane"]
)


class LaneInDoubt(Exception):
    """The connection has ended, and the lease was not confirmed lately: another process may hold the lane."""


class GatewayLane:
    """Takes the events of one lane's municipalities from the broker into the log."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        options: MqttOptions,
        *,
        clock: Clock,
        stores: asyncio.Semaphore,
        states: LaneStates | None = None,
    ) -> None:
        self.lane = lease.lane
        self.states = states
        self.seen_at: datetime | None = None  # the newest canary that came the whole way
        self.session: Session | None = None
        self.canary = Canary(self.lane)
        self._lease = lease
        self._database = database
        self._options = options
        self._clock = clock
        self._intake = Intake(
            database,
            lease,
            canary=self.canary,
            stores=stores,
            pace_s=options.linger_ms / 1000,
            window=options.window,
            on_sight=self._proven,
        )
        self._in_doubt = asyncio.Event()
        self._registry_changed = asyncio.Event()
        self._came_up = asyncio.Event()
        self._answered = asyncio.Event()  # the canary is back, or its connection is gone
        self._sights_lost: deque[datetime] = deque()
        self._went_down = asyncio.Event()

    def knows(self, municipality: str, device: str) -> str | None:
        """Return the life cycle of a device as the lane knows it."""
        known = self._intake.registry.device(municipality, device)
        return known.lifecycle if known else None

    def subscribed_to(self, municipality: str) -> bool:
        """Say whether the lane takes in a municipality's events now."""
        return (
            municipality in self._intake.registry.municipalities
            and self.session is not None
            and self.session.connected
        )

    def registry_changed(self) -> None:
        """Say that the registry may have changed."""
        self._registry_changed.set()

    async def run(self) -> None:
        """Work until the lane is left; an error that nobody foresaw ends the session and is raised (rule R10)."""
        if not self._lease.fresh:
            await self._lease.confirmed()
        await self._intake.renew_registry()
        session = Session(
            self._session_options(), clock=self._clock, on_up=self._on_up, on_down=self._on_down
        )
        try:
            async with session, asyncio.TaskGroup() as tasks:
                self.session = session
                parts = (
                    self._intake.judge,
                    self._intake.store,
                    self._send_canaries,
                    self._follow_registry,
                    self._close_sights,
                    self._doubt,
                )
                work = [tasks.create_task(part(session), name=self._title(part.__name__)) for part in parts]
                if self.states is not None:
                    # Supervised on its own: whatever goes wrong in telling must not end the taking in.
                    title, tell = self._title("states"), partial(self.states.run, session)
                    work.append(tasks.create_task(supervise(title, tell), name=title))
                await self._lease.leaving.wait()
                judging, storing, *_ = work
                judging.cancel()
                await asyncio.wait([judging])
                self._intake.close()
                await asyncio.wait([storing])
                for task in work:
                    task.cancel()
        except* LaneTaken:
            # Not before it is known whose the lane is.
            self._lease.doubt()
            raise
        finally:
            self.session = None
            self._intake.leave()
            self._lose_sight()
            await self._close_lost_sights()

    def _title(self, part: str) -> str:
        return f"lane {self.lane} {part.strip('_')}"

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
            self.canary.topic,
            *(native_filter(code) for code in sorted(self._intake.registry.municipalities)),
            *self._intake.routes.filters,
        )

    async def _send_canaries(self, session: Session) -> None:
        while True:
            await session.wait_connected()
            self._came_up.clear()
            self._answered.clear()
            with suppress(NotConnected):  # another one goes out with the next connection
                await session.publish(self.canary.topic, self.canary.payload(self._clock()), qos=1)
            # One at a time: while the database is away none comes back, and the time is blind.
            await _wait(self._answered, BLIND_AFTER.total_seconds())
            await _wait(self._came_up, self._options.canary_s)

    async def _proven(self, sight: Sight) -> None:
        if not self.canary.sees_since(sight.since):
            # The connection went while its canary was being stored: that sight is over already.
            await self._intake.until_reached(lambda: close_sight(self._database, self.lane, sight.since))
            return
        self.seen_at = sight.until
        self._answered.set()

    async def _follow_registry(self, session: Session) -> None:
        while True:
            await self._registry_changed.wait()
            self._registry_changed.clear()
            before = self._subscriptions()
            if await self._intake.renew_registry() and self.states is not None:
                self.states.wake(whole=True)
            if self._subscriptions() != before:
                await session.resubscribe(self._subscriptions())

    async def _doubt(self, _session: Session) -> None:
        """End the lane when its connection has ended and nobody knows whose the lane is by now."""
        await self._in_doubt.wait()
        raise LaneInDoubt

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
        if not self._lease.fresh:
            self._in_doubt.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
