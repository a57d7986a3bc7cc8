"""All simulated devices of an installation, each with a session of its own at the broker."""

import asyncio
import heapq
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.simulator.agents import KINDS, AgentPresence
from gateway.simulator.device import DeviceLife, SimulatedDevice, bus_of
from gateway.simulator.faults import Fault, FaultKind, StagedFault, faults, outages
from gateway.simulator.fortune import Body, Fortune
from gateway.simulator.pace import Pace
from gateway.simulator.presence import Presence, Tally
from gateway.simulator.uplink import BrokerAddress
from services.runtime.clock import Clock, now
from services.runtime.tasks import supervise

_WAKE_WITHIN_S = 1.5  # the devices come one after another, so that a map is seen to turn
_WAKE_A_SECOND = 100  # but not so many that a broker refuses them


class Fleet:
    """Devices that live at `speed` times the natural pace, and report real present times.

    The same seed gives the same village. `staged` faults come on top of the random ones, to a single device each;
    the devices must be registered with the intervals of `rhythm_s`, but given to us with their unhurried ones.
    The first `agents` of those that can be run the real agent, whose spools are files in `directory`.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        *,
        broker: BrokerAddress,
        seed: int = 1,
        speed: float = 1,
        staged: Sequence[StagedFault] = (),
        agents: int = 0,
        directory: Path | None = None,
        clock: Clock = now,
    ) -> None:
        if agents and directory is None:
            raise ValueError("agents need a directory for their spools")
        self._devices = devices
        able = [device.id for device in devices if device.kind in KINDS]
        self._real = frozenset(able[:agents])
        self._directory = directory or Path()
        self._broker = broker
        self._seed = seed
        self._speed = speed
        self._staged = staged
        self._clock = clock
        self._tally = Tally()
        self._presences: list[Presence] = []
        self._agents: list[AgentPresence] = []
        self._bodies: dict[str, Body] = {}
        self._fortunes: dict[str, Fortune] = {}

    @property
    def sent(self) -> int:
        """Events that the broker has taken, sendings again and births among them."""
        return self._tally.sent + sum(agent.tally.sent for agent in self._agents)

    @property
    def receipted(self) -> int:
        """Events that devices with a spool know to be stored."""
        return self._tally.receipted + sum(agent.tally.receipted for agent in self._agents)

    @property
    def refused(self) -> int:
        """Events that devices with a spool know to be refused."""
        return self._tally.refused + sum(agent.tally.refused for agent in self._agents)

    @property
    def lost(self) -> int:
        """Events that a device without a spool could not send, or that a full spool gave up."""
        return self._tally.lost + sum(presence.spool.given_up for presence in self._presences)

    @property
    def spooled(self) -> int:
        """Events that wait now in spools in memory; an agent's are on disk."""
        return sum(len(presence.spool) for presence in self._presences)

    @property
    def suffers(self) -> Mapping[str, tuple[Fault, ...]]:
        """What is wrong now with which device."""
        return {device: found for device, fortune in self._fortunes.items() if (found := fortune.suffers)}

    def order(self, devices: Collection[str], kind: FaultKind, *, for_s: float) -> datetime:
        """Let something happen to these devices now, and return when it will be over."""
        starts_at = self._clock()
        fault = Fault(starts_at, starts_at + timedelta(seconds=for_s), kind)
        for device in devices:
            if device in self._fortunes:
                self._fortunes[device].order(fault)
        return fault.ends_at

    def crowd(self, *, for_s: float) -> datetime:
        """Let as many people come to all hotspots as on a market day in July, and return until when."""
        until = self._clock() + timedelta(seconds=for_s)
        for body in self._bodies.values():
            body.crowd(until)
        return until

    async def run(self) -> None:
        """Run until cancelled; then every device says goodbye, all at once, within two seconds."""
        pace = Pace.beginning(self._clock(), self._speed)
        for device in self._devices:
            life = DeviceLife(device, seed=self._seed, pace=pace)
            self._bodies[device.id] = self._body(life)
            self._fortunes[device.id] = Fortune(self._broker, self._planned(device, pace), clock=self._clock)
        waking = random.Random(self._seed)
        within_s = max(_WAKE_WITHIN_S, len(self._devices) / _WAKE_A_SECOND)
        async with asyncio.TaskGroup() as tasks:
            for device in self._devices:
                live = self._live(device.id, after_s=waking.uniform(0, within_s))
                tasks.create_task(live, name=f"device {device.id}")

    def _body(self, life: DeviceLife) -> Body:
        if life.device.id in self._real:
            agent = AgentPresence(life, self._directory, tally=self._tally, clock=self._clock)
            self._agents.append(agent)
            return agent
        presence = Presence(life, tally=self._tally, clock=self._clock)
        self._presences.append(presence)
        return presence

    def _planned(self, device: SimulatedDevice, pace: Pace) -> Iterator[Fault]:
        chance = outages(f"{self._seed}/{device.place}/outages", pace.village_began_at)
        bus = bus_of(device.place, seed=self._seed, pace=pace)
        if bus is not None:
            valleys = bus.valleys(pace.village_began_at)
            chance = heapq.merge(chance, valleys, key=lambda fault: fault.starts_at)
        return faults(chance, [one for one in self._staged if one.device == device.id], pace)

    async def _live(self, device: str, *, after_s: float) -> None:
        await asyncio.sleep(after_s)
        body, fortune = self._bodies[device], self._fortunes[device]
        await supervise(f"device {device}", lambda: fortune.run(body))
