"""What befalls a device: its power and its uplink fail and come back, as planned or as somebody orders."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from gateway.simulator.faults import OF_THE_UPLINK, Fault, FaultKind, by_what_fails
from gateway.simulator.uplink import BrokerAddress, Uplink
from services.runtime.clock import Clock

NEVER = datetime.max.replace(tzinfo=UTC)


class Body(Protocol):
    """The device itself, of whatever make."""

    def boot(self, now: datetime, *, clock_unset_until: datetime | None) -> None:
        """Begin anew, perhaps with a clock that knows nothing yet."""

    async def live(self, broker: BrokerAddress) -> None:
        """Work until cancelled: with a goodbye, unless `die` was called before."""

    def die(self) -> None:
        """Lose power: whatever happens next is not done any more."""

    def set_uplink(self, *, up: bool) -> None:
        """Learn that the world is, or is not, to be reached."""

    def crowd(self, until: datetime) -> None:
        """Let many people come until then."""


class Agenda:
    """Faults one after another: the planned ones, and one that was ordered; a newer order replaces it.

    What is over before its turn comes is left out.
    """

    def __init__(self, planned: Iterator[Fault]) -> None:
        self._planned = planned
        self._next = next(planned, None)
        self._ordered: Fault | None = None
        self._changed = asyncio.Event()

    def order(self, fault: Fault) -> None:
        """Let something happen that was not planned."""
        self._ordered = fault
        self._changed.set()

    async def due(self, clock: Clock) -> Fault:
        """Wait for the next fault, and take it from the agenda."""
        while True:
            if (fault := self.take(clock())) is not None:
                return fault
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout((self._next_at - clock()).total_seconds()):
                    await self._changed.wait()

    def take(self, now: datetime) -> Fault | None:
        """Take a fault that has begun from the agenda, if there is one."""
        while self._next_at <= now:
            if self._ordered is not None and self._ordered.starts_at == self._next_at:
                fault, self._ordered = self._ordered, None
            elif self._next is not None:
                fault, self._next = self._next, next(self._planned, None)
            else:
                return None
            if fault.ends_at > now:
                return fault
        return None

    @property
    def _next_at(self) -> datetime:
        return min(
            (fault.starts_at for fault in (self._ordered, self._next) if fault is not None), default=NEVER
        )


class Fortune:
    """Leads one body through its faults, and knows which of them it suffers now."""

    def __init__(self, broker: BrokerAddress, planned: Iterator[Fault], *, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._own, self._uplinks = (Agenda(faults) for faults in by_what_fails(planned))
        self._own_now: Fault | None = None
        self._uplink_now: Fault | None = None

    @property
    def suffers(self) -> tuple[Fault, ...]:
        """What is wrong now."""
        now = self._clock()
        return tuple(
            fault for fault in (self._own_now, self._uplink_now) if fault is not None and fault.ends_at > now
        )

    def order(self, fault: Fault) -> None:
        """Let something happen that was not planned."""
        (self._uplinks if fault.kind in OF_THE_UPLINK else self._own).order(fault)

    async def run(self, body: Body) -> None:
        """Lead the body until cancelled."""
        async with Uplink(self._broker) as uplink, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._weather(uplink, body), name="uplink faults")
            fault = self._own.take(self._clock())
            while True:
                self._own_now = fault
                if fault is not None and fault.kind is FaultKind.POWER_CUT:
                    await self._until(fault.ends_at)
                    fault = self._own.take(self._clock())  # power may come back to a clock that is unset
                else:
                    body.boot(self._clock(), clock_unset_until=fault.ends_at if fault else None)
                    fault = await self._live(body, uplink.address)

    async def _live(self, body: Body, broker: BrokerAddress) -> Fault:
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(body.live(broker), name="body")
            fault = self._own_now = await self._own.due(self._clock)
            body.die()
            life.cancel()
        return fault

    async def _weather(self, uplink: Uplink, body: Body) -> None:
        while True:
            fault = self._uplink_now = await self._uplinks.due(self._clock)
            if fault.kind is FaultKind.UPLINK_LOST:
                uplink.cut()
            else:
                uplink.fall_silent()
            body.set_uplink(up=False)
            await self._until(fault.ends_at)
            self._uplink_now = None
            uplink.restore()
            body.set_uplink(up=True)

    async def _until(self, at: datetime) -> None:
        await asyncio.sleep((at - self._clock()).total_seconds())
