"""All simulated devices of an installation, each with a session of its own at the broker."""

import asyncio
import random
from collections.abc import Sequence

from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.faults import StagedFault, faults, outages
from gateway.simulator.pace import Pace
from gateway.simulator.presence import BrokerAddress, Presence, Tally
from services.runtime.clock import Clock, now
from services.runtime.tasks import supervise

_WAKE_WITHIN_S = 1.5  # the devices come one after another, so that a map is seen to turn


class Fleet:
    """Devices that live at `speed` times the natural pace, and report real present times.

    The same seed gives the same village. `staged` faults come on top of the random ones, to a single device each;
    the devices must be registered with the intervals of `rhythm_s`, but given to us with their unhurried ones.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        *,
        broker: BrokerAddress,
        seed: int = 1,
        speed: float = 1,
        staged: Sequence[StagedFault] = (),
        clock: Clock = now,
    ) -> None:
        self._devices = devices
        self._broker = broker
        self._seed = seed
        self._speed = speed
        self._staged = staged
        self._clock = clock
        self._tally = Tally()
        self._presences: list[Presence] = []

    @property
    def sent(self) -> int:
        """Events that the broker has taken, sendings again and births among them."""
        return self._tally.sent

    @property
    def receipted(self) -> int:
        """Events that devices with a spool know to be stored."""
        return self._tally.receipted

    @property
    def refused(self) -> int:
        """Events that devices with a spool know to be refused."""
        return self._tally.refused

    @property
    def lost(self) -> int:
        """Events that a device without a spool could not send, or that a full spool gave up."""
        return self._tally.lost + sum(presence.spool.given_up for presence in self._presences)

    @property
    def spooled(self) -> int:
        """Events that wait in spools now."""
        return sum(len(presence.spool) for presence in self._presences)

    async def run(self) -> None:
        """Run until cancelled; then every device says goodbye, all at once, within two seconds."""
        pace = Pace.beginning(self._clock(), self._speed)
        self._presences = [self._presence(device, pace) for device in self._devices]
        waking = random.Random(self._seed)
        async with asyncio.TaskGroup() as tasks:
            for device, presence in zip(self._devices, self._presences, strict=True):
                live = self._live(device, presence, after_s=waking.uniform(0, _WAKE_WITHIN_S))
                tasks.create_task(live, name=f"device {device.id}")

    def _presence(self, device: SimulatedDevice, pace: Pace) -> Presence:
        chance = outages(f"{self._seed}/{device.place}/outages", pace.village_began_at)
        certain = [one for one in self._staged if one.device == device.id]
        return Presence(
            DeviceLife(device, seed=self._seed, pace=pace),
            self._broker,
            faults=faults(chance, certain, pace),
            tally=self._tally,
            clock=self._clock,
        )

    @staticmethod
    async def _live(device: SimulatedDevice, presence: Presence, *, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await supervise(f"device {device.id}", presence.run)
