"""The demo's desk: breaks its villages and servers by hand, and lets them heal by themselves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.pages.demo_desk import AT_A_POINT, AlreadyBroken, Mishap, Switch
from gateway.simulator import FaultKind, Fleet
from services.runtime.clock import Clock, now
from services.runtime.tasks import running
from services.tenants.models import RegistryFile

_LASTS_S: Mapping[Switch, float] = {
    Switch.POWER_CUT: 60,
    Switch.UPLINK_LOST: 90,  # what is told afterwards counts as late after a minute
    Switch.CLOCK_UNSET: 60,
    Switch.BROKER_STOP: 20,
    Switch.BROKER_KILL: 20,
    Switch.DATABASE_STOP: 20,
    Switch.RUSH: 120,
}
_FAULTS = {
    Switch.POWER_CUT: FaultKind.POWER_CUT,
    Switch.UPLINK_LOST: FaultKind.UPLINK_LOST,
    Switch.CLOCK_UNSET: FaultKind.CLOCK_UNSET,
}
_SEEN_AS = {fault: switch for switch, fault in _FAULTS.items()} | {
    FaultKind.UPLINK_SILENT: Switch.UPLINK_LOST
}
# So that the answer to the press, which needs the database too, still arrives.
_BEFORE_STOP_S = 1.0


class Server(Protocol):
    """A server that was started, as the embedded ones are."""

    async def start(self) -> None:
        """Start it again."""

    async def stop(self) -> None:
        """End it cleanly."""

    async def kill(self) -> None:
        """End it at once."""

    async def wait(self) -> int:
        """Wait for its end."""


class Keeper:
    """Starts a server again some time after it has ended, whoever ended it."""

    def __init__(self, server: Server, *, away_s: float, clock: Clock) -> None:
        self.back_at: datetime | None = None
        self.broken_by: Switch | None = None
        self._server = server
        self._away_s = away_s
        self._clock = clock
        self._asked = asyncio.Event()

    def end(self, switch: Switch) -> None:
        """Let it end: cleanly, or like a power cut. Raises AlreadyBroken."""
        if self.back_at is not None:
            raise AlreadyBroken
        self.broken_by = switch
        self.back_at = self._clock() + timedelta(seconds=self._away_s)
        self._asked.set()

    async def run(self) -> None:
        """Keep it until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._end_when_asked(), name="ends when asked")
            while True:
                await self._server.wait()
                self.back_at = self._clock() + timedelta(seconds=self._away_s)
                await asyncio.sleep(self._away_s)
                await self._server.start()
                self.back_at = self.broken_by = None

    async def _end_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            if self.broken_by is Switch.BROKER_KILL:
                await self._server.kill()
            else:
                await asyncio.sleep(_BEFORE_STOP_S)
                await self._server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What the demo stands on."""

    broker: Server
    database: Server


class DemoDesk:
    """Breaks what it is asked to; `run` has to run beside it."""

    def __init__(self, fleet: Fleet, servers: Servers, registry: RegistryFile, *, clock: Clock = now) -> None:
        self._fleet = fleet
        self._clock = clock
        self._broker = Keeper(servers.broker, away_s=_LASTS_S[Switch.BROKER_STOP], clock=clock)
        self._database = Keeper(servers.database, away_s=_LASTS_S[Switch.DATABASE_STOP], clock=clock)
        self._names = {point.id: point.name.get("sv", point.id) for point in registry.service_points}
        self._devices: dict[str, list[str]] = {}
        for device in registry.devices:
            self._devices.setdefault(device.point or "", []).append(device.id)
        self._rush_until: datetime | None = None

    async def run(self) -> None:
        """Bring back what has ended, until cancelled."""
        async with running(
            {"keeper of the broker": self._broker.run, "keeper of the database": self._database.run}
        ):
            await asyncio.Event().wait()

    def places(self) -> Mapping[str, str]:
        """Return the names of the service points that have devices, by their ids."""
        return {point: name for point, name in self._names.items() if point in self._devices}

    def lasts_s(self, switch: Switch) -> float:
        """Return how long a switch breaks what it breaks."""
        return _LASTS_S[switch]

    def under_way(self) -> Sequence[Mishap]:
        """Return what is broken now, also by chance, what heals first at the beginning."""
        return sorted([*self._of_servers(), *self._of_villages()], key=lambda mishap: mishap.ends_at)

    async def press(self, switch: Switch, *, place: str | None) -> None:
        """Break it, and return at once; raises AlreadyBroken."""
        if switch in AT_A_POINT:
            self._break_point(switch, place or "")
        elif switch is Switch.RUSH:
            if self._rush_until is not None and self._rush_until > self._clock():
                raise AlreadyBroken
            self._rush_until = self._fleet.crowd(for_s=_LASTS_S[switch])
        else:
            (self._database if switch is Switch.DATABASE_STOP else self._broker).end(switch)

    def _break_point(self, switch: Switch, place: str) -> None:
        devices = self._devices[place]
        if any(device in self._fleet.suffers for device in devices):
            raise AlreadyBroken
        self._fleet.order(devices, _FAULTS[switch], for_s=_LASTS_S[switch])

    def _of_servers(self) -> list[Mishap]:
        kept = ((self._broker, Switch.BROKER_KILL), (self._database, Switch.DATABASE_STOP))
        found = [
            Mishap(keeper.broken_by or unasked, None, keeper.back_at)
            for keeper, unasked in kept
            if keeper.back_at is not None
        ]
        if self._rush_until is not None and self._rush_until > self._clock():
            found.append(Mishap(Switch.RUSH, None, self._rush_until))
        return found

    def _of_villages(self) -> set[Mishap]:
        suffers = self._fleet.suffers
        return {
            Mishap(_SEEN_AS[fault.kind], self._names.get(point, point), fault.ends_at)
            for point, devices in self._devices.items()
            for device in devices
            for fault in suffers.get(device, ())
        }
