"""Write a past into the log: judged, deduplicated and stored as the gateway does it, with what it saw meanwhile.

A past is written once. What is there already is counted and left out, so that a past that was interrupted is begun
again with the same seed and dates; what is there of anything else is never mixed with it.
"""

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from gateway import codecs
from gateway.simulator.device import SimulatedDevice
from gateway.simulator.history import Past, Stretch
from gateway.simulator.history_life import Letter, letters
from gateway.simulator.pace import VILLAGE_ZONE
from services.ingest.models import LIMITS, Accepted, Refused
from services.ingest.registry import LaneRegistry, load_registry
from services.log.append import queries as log_queries
from services.log.archive.keeping import turn
from services.log.follow import Follower, LaneSignals, Reading
from services.log.lanes import lanes_for
from services.log.store import Batch, Sight, close_sight, store
from services.runtime.clock import Clock
from services.storage.database import Database, Lane, Public, Role
from services.storage.sql import load_queries

queries = load_queries(__package__, "history.sql")

AT_A_TIME = 2_000
_LANES_AT_A_TIME = 2  # while the database stores of one lane, the other one's next events are made
_NAMED = 3
_NEVER = datetime.max.replace(tzinfo=UTC)


class HistoryRefused(ValueError):
    """The past cannot be written; the message says why and what to do."""


@dataclass(slots=True)
class Written:
    """What became of a past: until when it goes, and how many of its events the log did not have."""

    until: datetime
    events: int = 0
    new: int = 0


class HistoryWriter:
    """Writes one past until `until`, or until our own sight begins that is not of this past.

    `lanes` and `until` are known when it has been `examined`.
    """

    def __init__(self, database: Database, past: Past, *, until: datetime) -> None:
        self._database = database
        self._past = past
        self.written = Written(until)
        self._homes: dict[int, list[SimulatedDevice]] = {}

    @property
    def lanes(self) -> Sequence[int]:
        """The lanes that it writes to; that with most devices first, so that no one is left alone at the end."""
        return sorted(self._homes, key=lambda lane: (-len(self._homes[lane]), lane))

    async def examine(self) -> None:
        """Find out until when the past goes, and whether it can be told; raises `HistoryRefused`."""
        past = self._past
        if past.since < LIMITS.clocks_set_since:
            raise HistoryRefused(
                f"a past that begins on {_day(past.since)} is too long: no clock counts as set before "
                f"{_day(LIMITS.clocks_set_since)}"
            )
        lanes = await lanes_for(self._database, sorted({one.municipality for one in past.devices}))
        homes: dict[int, list[SimulatedDevice]] = defaultdict(list)
        for device in past.devices:
            homes[lanes[device.municipality]].append(device)
        self._homes = dict(homes)
        for lane in self.lanes:
            self.written.until = min(self.written.until, await self._ends_in(lane))
        if self.written.until <= past.since:
            raise HistoryRefused(
                f"these lanes of the log were watched before {_day(past.since)} already, and nobody can say now "
                "that we saw something else: a past is written before the gateway runs for the first time"
            )
        for lane in self.lanes:
            await self._refuse_to_mix(lane)

    async def write(self, readings: Sequence[Reading], *, clock: Clock) -> Written:
        """Write what is not there yet, and let the readings take it in; several lanes at a time."""
        free = asyncio.Semaphore(_LANES_AT_A_TIME)

        async def one(lane: int) -> None:
            async with free:
                await self._write_lane(lane, readings)
                await self._read(lane, readings, clock)

        async with turn(self._database) as ours:
            if not ours:
                raise HistoryRefused(
                    "the log is being archived, imported or cleaned up at this moment: try again later"
                )
            async with self._database.transaction(Role.INGEST, Public()) as connection:
                await connection.execute(log_queries.make_partitions, self._past.since, self.written.until)
            async with asyncio.TaskGroup() as tasks:
                for lane in self.lanes:
                    tasks.create_task(one(lane), name=f"past of lane {lane}")
        return self.written

    async def _ends_in(self, lane: int) -> datetime:
        """Where what we saw otherwise begins in a lane, or where this past ended when it was written before."""
        planned = {sight.starts_at: sight for sight in sights(self._past, until=_NEVER)}
        async with self._database.transaction(Role.INGEST, Lane(lane)) as connection:
            rows = await connection.fetch(queries.sights, lane, self._past.since)
        ends_at = self.written.until
        for row in rows:
            sight = planned.get(row["seen_from"])
            if sight is None:
                ends_at = min(ends_at, max(self._past.since, row["seen_from"]))
            elif row["closed"] and row["seen_until"] != sight.ends_at:
                ends_at = min(ends_at, row["seen_until"])
        return ends_at

    async def _refuse_to_mix(self, lane: int) -> None:
        marks = {device.id: self._past.mark(device) for device in self._homes[lane]}
        async with self._database.transaction(Role.INGEST, Lane(lane)) as connection:
            rows = await connection.fetch(
                queries.told_otherwise,
                self._past.since,
                self.written.until,
                list(marks),
                list(marks.values()),
            )
        if rows:
            named = ", ".join(row["device"] for row in rows[:_NAMED])
            more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
            raise HistoryRefused(
                f"{named}{more}: the log has other events between {_day(self._past.since)} and "
                f"{_day(self.written.until)}, and two pasts are never mixed: choose dates before them, "
                "or repeat the past that is there with its own seed, dates and devices"
            )

    async def _write_lane(self, lane: int, readings: Sequence[Reading]) -> None:
        registry = await load_registry(self._database, lane)
        told = heapq.merge(
            *(letters(self._past, device) for device in self._homes[lane]), key=lambda one: one.received_at
        )
        for sight, some, last in _batches(told, sights(self._past, until=self.written.until)):
            until = sight.ends_at if last else some[-1].received_at
            batch = Batch(_judged(some, registry), sight=Sight(sight.starts_at, until))
            kept = await store(self._database, lane, batch)
            _complain(kept.refused)
            self.written.events += len(some)
            self.written.new += kept.new
            if last:
                await close_sight(self._database, lane, sight.starts_at)
            if kept.new:
                await self._read(lane, readings, partial(_then, until))

    async def _read(self, lane: int, readings: Sequence[Reading], clock: Clock) -> None:
        """Let readings take in what they have not, as at an instant of the past.

        They keep up with what is written: judged long afterwards, each turn would look through all that came later.
        """
        for reading in readings:
            follower = Follower(self._database, reading, lane, clock=clock, signals=LaneSignals())
            while not (await follower.step()).abreast:
                pass


def _then(instant: datetime) -> datetime:
    return instant


def sights(past: Past, *, until: datetime) -> Iterator[Stretch]:
    """Yield when we saw: from the beginning of a past until an instant, but for its blind stretches."""
    edges = [past.since, *(edge for stretch in past.blind for edge in stretch), until]
    for starts_at, ends_at in zip(edges[::2], edges[1::2], strict=True):
        if starts_at < until:
            yield Stretch(starts_at, min(ends_at, until))


def _batches(told: Iterator[Letter], seen: Iterable[Stretch]) -> Iterator[tuple[Stretch, list[Letter], bool]]:
    """Yield what came in each stretch of sight, some at a time; the last of a stretch may be nothing."""
    ahead = next(told)
    for sight in seen:
        some: list[Letter] = []
        while ahead.received_at < sight.ends_at:
            some.append(ahead)
            ahead = next(told)
            if len(some) == AT_A_TIME:
                yield sight, some, False
                some = []
        yield sight, some, True


def _judged(some: Sequence[Letter], registry: LaneRegistry) -> list[Accepted]:
    accepted: list[Accepted] = []
    for letter in some:
        verdicts = codecs.judge(
            letter.topic, letter.payload, letter.received_at, retain=False, registry=registry
        )
        _complain([verdict for verdict in verdicts if isinstance(verdict, Refused)])
        accepted.extend(verdict for verdict in verdicts if isinstance(verdict, Accepted))
    return accepted


def _day(at: datetime) -> str:
    return f"{at.astimezone(VILLAGE_ZONE):%Y-%m-%d}"


def _complain(refused: Sequence[Refused]) -> None:
    for one in refused:
        raise HistoryRefused(f"{one.device}: the log refuses what it tells ({one.reason}: {one.detail})")
