"""The gateway: a lane's session for every lane that has municipalities and that this process holds."""

import asyncio
from datetime import timedelta

import structlog

from gateway.lane import GatewayLane
from gateway.options import MqttOptions
from gateway.rights.keeper import RightsKeeper
from gateway.states import LaneStates
from gateway.strays import Strays
from services.log.append import make_partitions
from services.log.leases import Lease, Leases
from services.log.sharing import work_in_lanes
from services.runtime.clock import Clock
from services.runtime.tasks import running
from services.storage.database import Database, Public, Role

log = structlog.get_logger()

# Storing transactions at a time: the fewer, the larger each.
STORES_AT_ONCE = 2
_PARTITIONS_EVERY = timedelta(hours=6)


class Gateway:
    """Takes events from the broker into the log, until cancelled."""

    def __init__(self, database: Database, options: MqttOptions, *, clock: Clock) -> None:
        self.lanes: dict[int, GatewayLane] = {}
        self._database = database
        self._options = options
        self._clock = clock
        self._states_read = asyncio.Semaphore(1)
        self._stores = asyncio.Semaphore(STORES_AT_ONCE)
        self._rights = RightsKeeper(database, options) if options.rights_username else None

    @property
    def seeing(self) -> bool:
        """Whether a canary has come the whole way in every lane that there is work in."""
        return bool(self.lanes) and all(lane.seen_at is not None for lane in self.lanes.values())

    async def run(self) -> None:
        """Make room in the log, then work in every lane."""
        await self._make_partitions()
        jobs = {"partitions": self._keep_partitions}
        if self._options.strays:
            jobs["strays"] = self._look_for_strays
        if self._options.states:
            jobs["states"] = self._wake_states
        if self._rights is not None:
            jobs["rights"] = self._rights.run
        async with running(jobs):
            leases = Leases(self._database, "gateway", writes=True)
            await work_in_lanes(self._database, leases, self._work, on_change=self._registry_changed)

    async def _work(self, lease: Lease) -> None:
        states = None
        if self._options.states:
            states = LaneStates(self._database, lease.lane, clock=self._clock, reads=self._states_read)
        lane = GatewayLane(
            self._database, lease, self._options, clock=self._clock, stores=self._stores, states=states
        )
        self.lanes[lease.lane] = lane
        try:
            await lane.run()
        finally:
            del self.lanes[lease.lane]

    async def _look_for_strays(self) -> None:
        """Look for strays in one gateway: another session of that name would throw the first one out."""
        strays = Strays(self._database, self._options, clock=self._clock)
        leases = Leases(self._database, "strays", lanes=(0,))
        await work_in_lanes(self._database, leases, lambda _: strays.run())

    async def _wake_states(self) -> None:
        """Pass on that states changed; without a lane something may have been missed, of any of them."""
        async with self._database.listen("bypunkt_status") as notices:
            async for _, payload in notices:
                lane, _, _ = payload.partition(":")
                for number, at_work in self.lanes.items():
                    if at_work.states is not None and lane in ("", str(number)):
                        at_work.states.wake(whole=not lane)

    def _registry_changed(self) -> None:
        for lane in self.lanes.values():
            lane.registry_changed()
        if self._rights is not None:
            self._rights.registry_changed()

    async def _make_partitions(self) -> None:
        async with self._database.transaction(Role.INGEST, Public()) as connection:
            if made := await make_partitions(connection, now=self._clock()):
                log.info("partitions_made", count=made)

    async def _keep_partitions(self) -> None:
        while True:
            await asyncio.sleep(_PARTITIONS_EVERY.total_seconds())
            await self._make_partitions()
