"""Somebody at work in each lane, and in each only one process of a part at a time (services/log/leases.py)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Gauge

from services.log.leases import BEAT_S, CHANNEL, Hearing, Lease, Leases, Roll
from services.runtime.tasks import describe, supervise
from services.storage.database import UNREACHABLE, Database, Notices

log = structlog.get_logger()

HELD = Gauge("bypunkt_lanes_held", "Lanes that this process works in", ["part"])

# A registry change whose notification was missed is noticed after this long, seconds.
_LOOK_AGAIN_S = 30.0
# A beat that takes longer has failed.
_PATIENCE_S = 5.0
# What is in hand is finished within this, or comes again at whoever takes the lane.
_LEAVE_S = 3.0
_FAREWELL_S = 2.0


async def work_in_lanes(
    database: Database,
    leases: Leases,
    work: Callable[[Lease], Awaitable[None]],
    *,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Run `work(lease)`, supervised, in this process's share of the lanes that there is work in.

    Lanes come and go: `work` should return soon after its lease says `leaving`, and is cancelled when the lane was
    lost. `on_change` is called whenever the registry has changed. Runs until cancelled, and then gives all back.
    """
    clock = asyncio.get_running_loop()
    async with (
        database.listen("bypunkt_registry", CHANNEL) as notices,
        _departing(leases),
        asyncio.TaskGroup() as tasks,
    ):
        crew = _Crew(leases, work, notices=notices, tasks=tasks)
        await crew.beat()
        look_again_at = clock.time() + _LOOK_AGAIN_S
        while True:
            changed = await _news(notices, BEAT_S)
            await crew.beat()
            if changed or clock.time() >= look_again_at:
                look_again_at = clock.time() + _LOOK_AGAIN_S
                on_change()


async def _news(notices: Notices, within_s: float) -> bool:
    """Wait for a notice, and say whether the registry may have changed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            channel, _ = await anext(notices)
            return channel != CHANNEL
    return False


@asynccontextmanager
async def _departing(leases: Leases) -> AsyncIterator[None]:
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await leases.leave()
        except UNREACHABLE as error:
            # Then the others find out by our silence.
            log.warning("lanes_not_given_back", part=leases.part, error=describe(error))


class _Post:
    """A lane that this process works in."""

    def __init__(self, lease: Lease, task: asyncio.Task[None]) -> None:
        self.lease = lease
        self.task = task
        self.ending: asyncio.Task[None] | None = None


class _Crew:
    """The lanes that this process works in. All that it asks of the database it asks in its beat."""

    def __init__(
        self,
        leases: Leases,
        work: Callable[[Lease], Awaitable[None]],
        *,
        notices: Notices,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._leases = leases
        self._work = work
        self._notices = notices
        self._tasks = tasks
        self._hearing = Hearing()
        self._silent: dict[UUID, int] = {}
        self._posts: dict[int, _Post] = {}

    async def beat(self) -> None:
        """Say that we live, and see to it that we are at work where we should be and nowhere else."""
        clock = asyncio.get_running_loop()
        began = clock.time()
        ended = [lane for lane, post in self._posts.items() if post.ending is not None and post.ending.done()]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                roll = await self._leases.beat(self._silent, done_with=ended)
        except UNREACHABLE as error:
            # The lanes at work wait for the database by themselves, with what they have in hand: leave them alone.
            log.warning("database_unreachable", part=self._leases.part, error=describe(error))
            self._hearing.interrupted()
            self._silent = {}
            return
        others = {holder: beat for holder, beat in roll.beats.items() if holder != self._leases.id}
        self._silent = self._hearing.silent(others, began)
        for lane in ended:
            del self._posts[lane]
        self._follow(roll, began)

    def _follow(self, roll: Roll, asked_at: float) -> None:
        ours = roll.lanes_of(self._leases.id)
        for lane, epoch in ours.items():
            if lane not in self._posts:
                self._begin(Lease(lane, epoch))
        for lane, post in self._posts.items():
            if ours.get(lane) == post.lease.epoch:
                post.lease.confirm(asked_at)
            elif post.ending is None:
                log.warning("lane_lost", part=self._leases.part, lane=lane)
                self._end(post, patience_s=0)
        for lane in roll.to_give(
            self._leases.id, [lane for lane, post in self._posts.items() if post.ending]
        ):
            log.info("lane_given", part=self._leases.part, lane=lane)
            self._end(self._posts[lane], patience_s=_LEAVE_S)
        HELD.labels(self._leases.part).set(len(self._posts))

    def _begin(self, lease: Lease) -> None:
        log.info("lane_taken", part=self._leases.part, lane=lease.lane, holder=self._leases.id.hex[:8])
        title = f"{self._leases.part} lane {lease.lane}"
        task = self._tasks.create_task(supervise(title, partial(self._work, lease)), name=title)
        self._posts[lease.lane] = _Post(lease, task)

    def _end(self, post: _Post, *, patience_s: float) -> None:
        title = f"leave {self._leases.part} lane {post.lease.lane}"
        post.ending = self._tasks.create_task(self._leave(post, patience_s), name=title)

    async def _leave(self, post: _Post, patience_s: float) -> None:
        post.lease.leaving.set()
        await asyncio.wait([post.task], timeout=patience_s)
        post.task.cancel()
        await asyncio.wait([post.task])
        self._notices.put(CHANNEL, "left")  # the next beat, at once, gives the lane back
