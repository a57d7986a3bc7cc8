"""Lanes shared between processes: each is held by one at a time, and taken over from one that has died.

A process lives for the others as long as its beat goes on. They hear with their own monotonic clocks and only while
their own beats get through, so neither a stepped clock nor a database that was away for all makes anybody look dead.
Who is silent for too long is buried, and its lanes are free.

Being buried by mistake (frozen, cut off) is harmless: a gateway's lane has an epoch that rises with each taking, and
every transaction that stores checks it under the lane's row lock. Readings need none: their cursor is moved in the
transaction that writes.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg

from services.log.lanes import lanes_in_use
from services.storage.database import Connection, Database, Public, Role
from services.storage.sql import load_queries

queries = load_queries(__package__, "leases.sql")

CHANNEL = "bypunkt_lanes"
BEAT_S = 1.0
# So long without a new beat, and a process counts as dead. With the beat and the way to the broker it makes six.
SILENT_S = 4.0
# A lease that was confirmed within this time is not in doubt.
FRESH_S = 2.5
_TAKEN = "BY001"  # what the function hold_lane_as raises


class LaneTaken(Exception):
    """Another process has taken the lane: what was to be stored belongs to it now."""


@dataclass(frozen=True, slots=True)
class Roll:
    """The processes of a part with their beats, and who holds which lane in which epoch."""

    beats: Mapping[UUID, int]
    held: Mapping[int, tuple[UUID, int]]
    wanted: Sequence[int]

    def lanes_of(self, holder: UUID) -> dict[int, int]:
        """Return the lanes of a process with their epochs."""
        return {lane: epoch for lane, (who, epoch) in self.held.items() if who == holder}

    @property
    def share(self) -> int:
        """How many lanes are fair for one process: all lanes by all processes, rounded up."""
        return -(-len(self.wanted) // max(1, len(self.beats)))

    def to_take(self, holder: UUID) -> list[int]:
        """Return the free lanes that a process may take."""
        room = self.share - len(self.lanes_of(holder))
        return [lane for lane in self.wanted if lane not in self.held][: max(0, room)]

    def to_give(self, holder: UUID, leaving: Collection[int] = ()) -> list[int]:
        """Return the lanes that a process should give to others, besides those that it is leaving."""
        kept = [lane for lane in sorted(self.lanes_of(holder)) if lane not in leaving]
        return kept[self.share :]


@dataclass(slots=True)
class Hearing:
    """Listens to the beats of others, in seconds of its own clock."""

    silent_s: float = SILENT_S
    _heard: dict[UUID, tuple[int, float]] = field(default_factory=dict)

    def silent(self, beats: Mapping[UUID, int], now: float) -> dict[UUID, int]:
        """Return those who have said nothing new for too long, with their last beat."""
        for holder in self._heard.keys() - beats.keys():
            del self._heard[holder]
        for holder, beat in beats.items():
            if holder not in self._heard or self._heard[holder][0] != beat:
                self._heard[holder] = beat, now
        return {holder: beat for holder, (beat, since) in self._heard.items() if now - since >= self.silent_s}

    def interrupted(self) -> None:
        """Begin anew: while we ourselves could not hear, silence means nothing."""
        self._heard.clear()


class Lease:
    """A lane that this process holds, as whoever works in it sees it.

    `leaving` is set when the lane is to be given to another: finish what is in hand, and return.
    """

    def __init__(self, lane: int, epoch: int | None = None) -> None:
        self.lane = lane
        self.epoch = epoch
        self.leaving = asyncio.Event()
        self._confirmed_at = float("-inf")
        self._news = asyncio.Event()

    @property
    def fresh(self) -> bool:
        """Whether the lease was confirmed a moment ago; otherwise we may have lost it without knowing."""
        return asyncio.get_running_loop().time() - self._confirmed_at <= FRESH_S

    def confirm(self, asked_at: float) -> None:
        """Say that the lease was still ours at a time of the loop's clock."""
        self._confirmed_at = asked_at
        self._news.set()

    def doubt(self) -> None:
        """Say that what was confirmed counts no more."""
        self._confirmed_at = float("-inf")

    async def confirmed(self) -> None:
        """Wait until the lease is known to be ours, now."""
        asked_at = asyncio.get_running_loop().time()
        while self._confirmed_at < asked_at:
            self._news.clear()
            await self._news.wait()


class Leases:
    """What one process asks and tells the others of its part."""

    def __init__(
        self, database: Database, part: str, *, writes: bool = False, lanes: Sequence[int] | None = None
    ) -> None:
        self.id = uuid4()
        self.part = part
        self._database = database
        self._lanes = lanes
        self._writes = writes
        self._role = Role.INGEST if writes else Role.WORKER
        self._take = queries.take_lanes_to_write if writes else queries.take_lanes

    async def beat(self, silent: Mapping[UUID, int], done_with: Collection[int] = ()) -> Roll:
        """Say that we live, bury the silent, give back and take what is fair, and return who holds what."""
        wanted = await self.wanted()
        async with self._database.transaction(self._role, Public()) as connection:
            await connection.execute(queries.be_brief)
            news = await connection.fetchval(queries.beat, self.id, self.part)
            if silent:
                buried = await connection.fetch(queries.bury, list(silent), list(silent.values()))
                news = news or buried
            if done_with:
                given = await connection.fetch(queries.release_lanes, self.part, self.id, list(done_with))
                news = news or given
            roll = await self._read(connection, wanted)
            if news:
                await connection.execute(queries.announce_lanes, self.part)
        free = roll.to_take(self.id)
        if not free:
            return roll
        async with self._database.transaction(self._role, Public()) as connection:
            await connection.execute(queries.be_brief)
            await connection.fetch(self._take, self.part, self.id, free)
            return await self._read(connection, wanted)

    async def wanted(self) -> Sequence[int]:
        """Return the lanes that there is work in: those in use, unless this part has its own."""
        return await lanes_in_use(self._database) if self._lanes is None else self._lanes

    async def leave(self) -> None:
        """Give everything back, and be gone."""
        async with self._database.transaction(self._role, Public()) as connection:
            await connection.execute(queries.leave, self.id)
            await connection.execute(queries.announce_lanes, self.part)

    async def _read(self, connection: Connection, wanted: Sequence[int]) -> Roll:
        beats = {row["id"]: row["beat"] for row in await connection.fetch(queries.roll, self.part)}
        rows = await connection.fetch(queries.held_lanes, self.part)
        # Only writers have epochs; what gateways do among themselves is no news for a reader.
        held = {row["lane"]: (row["holder"], row["epoch"] if self._writes else 0) for row in rows}
        return Roll(beats, held, wanted)


@contextmanager
def in_the_name_of(epoch: int | None) -> Iterator[str]:
    """Give the statement that holds the lane of a transaction in the name of an epoch, nothing for none.

    When the lane has another epoch by now, the statement fails, and that is raised as `LaneTaken`.
    """
    try:
        yield "" if epoch is None else f"SELECT hold_lane_as({epoch:d})"
    except asyncpg.PostgresError as error:
        if error.sqlstate != _TAKEN:
            raise
        raise LaneTaken from None
