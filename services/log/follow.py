"""Follow the log: a reading takes every event once, lane by lane, with a durable cursor.

The cursor moves in the transaction that holds what the reading wrote, so each event takes effect exactly once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge

from services.log.append import queries
from services.runtime.clock import Clock
from services.storage.database import Connection, Database, Lane, Notices, Public, Role

log = structlog.get_logger()

READ = Counter("bypunkt_reading_events_total", "Events that a reading has taken in", ["reading"])
BEHIND = Gauge(
    "bypunkt_reading_lag_events", "Events in the log that a reading has not taken in", ["reading", "lane"]
)
BEHIND_S = Gauge(
    "bypunkt_reading_lag_seconds", "Time since a reading had read everything", ["reading", "lane"]
)

BATCH = 1000
# A reading that is behind takes more at a time: what a turn costs by itself is then shared by more events.
MOST = 5000
# The more comes, the longer a lane's turns wait for each other, so that a turn has enough to do: a lane with a few
# events a second is answered at once, one with hundreds ten times a second or less.
PAUSE_PER_RATE = 0.001  # seconds of pause for each event a second
# A missed notification costs at most this; an idle lane is looked at once in `IDLE`.
POLL = timedelta(seconds=1)
IDLE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands in a lane: it has read until `after`, the log goes on to `head`, and it takes so many."""

    lane: int
    after: int
    head: int
    limit: int = BATCH

    @property
    def upto(self) -> int:
        """The last position of this turn; positions have no gaps."""
        return min(max(self.head, self.after), self.after + self.limit)

    @property
    def abreast(self) -> bool:
        """Whether nothing is left after this turn."""
        return self.head <= self.upto


@dataclass(frozen=True, slots=True)
class Turn:
    """What a reading did: it has read until `place.upto`, and is to be called again at `wake_at` if nothing comes."""

    place: Place
    wake_at: datetime | None = None


class Reading(Protocol):
    """A projection of the log: its tables are a function of the events, whatever the order of arrival.

    `longest_pause` is how many seconds its turns may wait for each other when much comes.
    """

    name: str
    longest_pause: float

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        """Take in the events of `place`, or of a longer stretch from there if the log has grown since.

        No events: time has passed.
        """

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Drop the lane's tables and make them again from the log."""

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        """Return the differences between the lane's tables and what the log gives; none means equal."""


class LaneSignals:
    """Wakes the followers of a lane; a signal given while nobody waits is kept."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}

    def subscribe(self, lane: int) -> asyncio.Event:
        """Return an event that is set whenever the lane may have news."""
        signal = asyncio.Event()
        self._waiting.setdefault(lane, set()).add(signal)
        return signal

    def unsubscribe(self, lane: int, signal: asyncio.Event) -> None:
        """Stop waking this follower."""
        self._waiting.get(lane, set()).discard(signal)

    def wake(self, lane: int | None = None) -> None:
        """Wake one lane's followers, or everyone's."""
        for signals in self._waiting.values() if lane is None else (self._waiting.get(lane, set()),):
            for signal in signals:
                signal.set()


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction of a follower did; not `abreast`: more was in the log already."""

    events: int
    wake_at: datetime | None
    abreast: bool = True


class Follower:
    """One reading in one lane."""

    def __init__(
        self, database: Database, reading: Reading, lane: int, *, clock: Clock, signals: LaneSignals
    ) -> None:
        self._database = database
        self._reading = reading
        self._lane = lane
        self._clock = clock
        self._signals = signals
        self._limit = BATCH

    async def run(self) -> None:
        """Follow for ever; every error leaves the cursor where it was and is raised."""
        loop = asyncio.get_running_loop()
        signal = self._signals.subscribe(self._lane)
        began = loop.time()
        try:
            while True:
                before, began = began, loop.time()
                signal.clear()
                step = await self.step()
                if step.events < self._limit:
                    await asyncio.sleep(self._pause(step.events, began - before) - (loop.time() - began))
                    await self._rest(signal, step.wake_at)
                self._limit = BATCH if step.abreast else min(2 * self._limit, MOST)
        finally:
            self._signals.unsubscribe(self._lane, signal)

    async def step(self) -> Step:
        """Take in the next batch, or let the reading judge the time that has passed, in one transaction."""
        name, lane = self._reading.name, self._lane
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            after, head = await _hold(connection, name, lane)
            now = self._clock()
            turn = await self._reading.apply(connection, Place(lane, after, head, self._limit), now=now)
            upto, abreast = turn.place.upto, turn.place.abreast
            await connection.execute(queries.move_cursor, name, lane, upto, now if abreast else None)
        READ.labels(name).inc(upto - after)
        return Step(upto - after, turn.wake_at, abreast)

    def _pause(self, events: int, since_last_s: float) -> float:
        """Seconds from the beginning of a turn that took in `events`, to that of the next."""
        rate = events / max(since_last_s, 0.001)
        return min(rate * PAUSE_PER_RATE, self._reading.longest_pause)

    async def _rest(self, signal: asyncio.Event, wake_at: datetime | None) -> None:
        pause = IDLE if wake_at is None else min(IDLE, max(wake_at - self._clock(), timedelta()))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds() + 0.001):
                await signal.wait()


async def _hold(connection: Connection, reading: str, lane: int) -> tuple[int, int]:
    """Take a reading's place in a lane, one holder at a time, and return it with the lane's head."""
    row = await connection.fetchrow(queries.hold_cursor, reading, lane)
    if row is None:
        await connection.execute(queries.begin_cursor, reading, lane)
        row = await connection.fetchrow(queries.hold_cursor, reading, lane)
    if row is None:
        raise LookupError(f"the log has no lane {lane}")
    return row["position"], row["head"]


@asynccontextmanager
async def _held(database: Database, reading: Reading, lane: int) -> AsyncIterator[Connection]:
    """Hold a reading's place in a lane, so that its follower waits."""
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        await _hold(connection, reading.name, lane)
        yield connection


async def rebuild_lane(database: Database, reading: Reading, lane: int, *, now: datetime) -> None:
    """Make a reading's tables of one lane again from the log, while its follower waits."""
    async with _held(database, reading, lane) as connection:
        await reading.rebuild(connection, lane, now=now)


async def verify_lane(database: Database, reading: Reading, lane: int) -> list[str]:
    """Return the differences between a reading's tables of one lane and the log, while its follower waits."""
    async with _held(database, reading, lane) as connection:
        return await reading.verify(connection, lane)


class LogWatch:
    """Tells followers that their lane has news: by notification, and once a second by a look at the heads."""

    def __init__(self, database: Database, signals: LaneSignals) -> None:
        self._database = database
        self._signals = signals
        self._heads: dict[int, int] = {}

    async def listen(self, notices: Notices) -> None:
        """Pass on notifications of `bypunkt_log` for ever."""
        async for _, payload in notices:
            self._signals.wake(int(payload) if payload.isdecimal() else None)

    async def poll(self) -> None:
        """Look at the heads for ever, so that a missed notification costs a second and never an event."""
        while True:
            async with self._database.transaction(Role.WORKER, Public()) as connection:
                heads = {row["lane"]: row["head"] for row in await connection.fetch(queries.heads)}
                cursors = await connection.fetch(queries.cursors)
            for lane, head in heads.items():
                if self._heads.get(lane) != head:
                    self._signals.wake(lane)
            self._heads = heads
            for row in cursors:
                BEHIND.labels(row["reading"], row["lane"]).set(heads.get(row["lane"], 0) - row["position"])
                if row["seconds"] is not None:
                    BEHIND_S.labels(row["reading"], row["lane"]).set(max(0.0, row["seconds"]))
            await asyncio.sleep(POLL.total_seconds())
