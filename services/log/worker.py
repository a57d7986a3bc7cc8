"""The worker: every reading in every lane that this process holds; several processes share them."""

from collections.abc import Sequence

from services.log.follow import Follower, LaneSignals, LogWatch, Reading
from services.log.leases import Lease, Leases
from services.log.sharing import work_in_lanes
from services.runtime.clock import Clock
from services.runtime.tasks import running
from services.storage.database import Database


class Worker:
    """Follows the log for the given readings until cancelled; one supervised follower a reading and lane."""

    def __init__(self, database: Database, readings: Sequence[Reading], *, clock: Clock) -> None:
        self._database = database
        self._readings = readings
        self._clock = clock
        self._signals = LaneSignals()

    async def run(self) -> None:
        """Work in all lanes, woken by notifications and by a look at the heads once a second."""
        watch = LogWatch(self._database, self._signals)
        async with self._database.listen("bypunkt_log") as notices:

            async def listen() -> None:
                await watch.listen(notices)

            async with running({"log notifications": listen, "log heads": watch.poll}):
                leases = Leases(self._database, "worker")
                await work_in_lanes(self._database, leases, self._follow, on_change=self._signals.wake)

    async def _follow(self, lease: Lease) -> None:
        followers = {}
        for reading in self._readings:
            follower = Follower(self._database, reading, lease.lane, clock=self._clock, signals=self._signals)
            followers[f"{reading.name} lane {lease.lane}"] = follower.run
        async with running(followers):
            # Left in the middle of a step, nothing of it is written: whoever comes next begins at the same place.
            await lease.leaving.wait()
