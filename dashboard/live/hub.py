"""The hub: one LISTEN connection a process, one query a lane and wake-up, any number of open pages.

Nobody looking costs nothing: notices of a lane without readers are dropped, and the lane's place is looked up when
the first reader comes. A lock keeps the two apart, so that no event falls between them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from dashboard.live.frames import LaneSight, device_frame, event_frame, sight_frame, usage_frame
from dashboard.live.mailbox import End, Frame, Mailbox
from dashboard.live.places import Place
from dashboard.live.public import PublicStreams
from dashboard.live.sight import SIGHT_POLL_S, blind_everywhere, read_sight
from dashboard.live.store import (
    BURST,
    clients_now,
    lane_codes,
    newest_events,
    news_of_states,
    where_lanes_are,
)
from dashboard.options import WebOptions
from dashboard.points import PublicPoints
from dashboard.web import metrics
from services.runtime.clock import Clock
from services.runtime.tasks import supervise
from services.storage.database import UNREACHABLE, Database
from services.tenants.people import TokenHash

log = structlog.get_logger()


class Full(Exception):
    """There are as many open streams as this process may have."""


@dataclass(frozen=True, eq=False)
class Reader:
    """One open page of a signed-in person, and what it may see."""

    codes: frozenset[str]
    lanes: frozenset[int]
    session: TokenHash
    mailbox: Mailbox = field(default_factory=Mailbox)
    start: dict[int, Place] = field(default_factory=dict)
    """Where the lanes were when it came: what is newer arrives in the mailbox."""

    def wants(self, frame: Frame) -> bool:
        """Whether a frame is about something that this person may see."""
        if frame.municipality is not None:
            return frame.municipality in self.codes
        return frame.lane in self.lanes


class Hub:
    """Reads each piece of news once and leaves it in the mailboxes of those who may see it."""

    def __init__(
        self, database: Database, points: PublicPoints, *, clock: Clock, options: WebOptions
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = options.staff_streams
        self._readers: set[Reader] = set()
        self._places: dict[int, Place] = {}
        self._codes: dict[int, tuple[str, ...]] = {}
        self._sight: dict[int, LaneSight] = {}
        self._lock = asyncio.Lock()
        self.public = PublicStreams(points, clock=clock, most=options.public_streams)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the database for as long as this is open; at the end all streams end."""
        async with asyncio.TaskGroup() as tasks:
            runs = (("live", self._follow), ("sight", self._watch_sight), ("public", self.public.follow))
            started = [
                tasks.create_task(supervise(f"live {name}", run), name=f"live {name}") for name, run in runs
            ]
            try:
                yield
            finally:
                self.end_all()
                for task in started:
                    task.cancel()

    @asynccontextmanager
    async def reader(self, codes: Iterable[str], session: TokenHash) -> AsyncIterator[Reader]:
        """Open a mailbox for a signed-in person's page; raises `Full`."""
        async with self._lock:
            if len(self._readers) >= self._most:
                raise Full
            if not self._codes:
                self._codes = await lane_codes(self._database)
            wanted = frozenset(codes)
            lanes = frozenset(lane for lane, here in self._codes.items() if wanted.intersection(here))
            if idle := [lane for lane in lanes if lane not in self._places]:
                self._places.update(await where_lanes_are(self._database, idle))
            start = {lane: self._places.get(lane, Place()) for lane in lanes}
            reader = Reader(wanted, lanes, session, start=start)
            self._readers.add(reader)
        for lane in lanes & self._sight.keys():
            reader.mailbox.put(sight_frame(self._sight[lane]))
        metrics.STREAMS.labels("staff").inc()
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            metrics.STREAMS.labels("staff").dec()

    def end_session(self, session: TokenHash) -> None:
        """End the streams of a session that has been signed out."""
        for reader in self._readers:
            if reader.session == session:
                reader.mailbox.end(End.SIGNED_OUT)

    def end_all(self) -> None:
        """End every stream: the program stops."""
        for reader in self._readers:
            reader.mailbox.end(End.STOPPING)
        self.public.end_all()

    async def _follow(self) -> None:
        async with self._database.listen("bypunkt_log", "bypunkt_status", "bypunkt_registry") as notices:
            async for channel, payload in notices:
                async with self._lock:
                    await self._take_notice(channel, payload)

    async def _take_notice(self, channel: str, payload: str) -> None:
        lane, _, revision = payload.partition(":")
        match channel:
            case "bypunkt_log":
                await self._read_events(int(lane))
            case "bypunkt_status":
                self.public.wake()
                await self._read_states(int(lane), int(revision or 0))
            case _:
                # The registry has changed, or the connection is new and something may have been missed.
                self.public.wake()
                self._codes = await lane_codes(self._database)
                for known in list(self._places):
                    await self._read_events(known)
                    await self._read_states(known)

    async def _read_events(self, lane: int) -> None:
        if not self._is_followed(lane):
            return
        place, codes = self._places[lane], self._codes.get(lane, ())
        rows = await newest_events(self._database, codes, lane, after=place.position)
        if not rows:
            return
        self._places[lane] = place.with_news(position=rows[-1]["position"])
        if len(rows) == BURST:
            log.info("live_burst_cut", lane=lane, events=rows[-1]["position"] - place.position)
        hotspots = {(row["municipality"], row["device"]) for row in rows if row["type"] == "wifi.usage"}
        usage = (
            await clients_now(self._database, codes, lane, hotspots, now=self._clock()) if hotspots else []
        )
        self._hand_out([*map(event_frame, rows), *map(usage_frame, usage)])

    async def _read_states(self, lane: int, revision: int | None = None) -> None:
        if not self._is_followed(lane):
            return
        place = self._places[lane]
        if revision is not None and revision <= place.revision:
            return
        rows = await news_of_states(self._database, self._codes.get(lane, ()), lane, after=place.revision)
        newest = max((row["revision"] for row in rows), default=revision or 0)
        self._places[lane] = place.with_news(revision=newest)
        self._hand_out(map(device_frame, rows))

    def _is_followed(self, lane: int) -> bool:
        if any(lane in reader.lanes for reader in self._readers):
            return lane in self._places
        self._places.pop(lane, None)
        return False

    def _hand_out(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            for reader in self._readers:
                if reader.wants(frame):
                    reader.mailbox.put(frame)

    async def _watch_sight(self) -> None:
        while True:
            if self._readers:
                try:
                    sight = await read_sight(self._database, now=self._clock())
                except UNREACHABLE:
                    sight = blind_everywhere(self._sight)
                known, self._sight = self._sight, sight
                self._hand_out(
                    sight_frame(now)
                    for lane, now in sight.items()
                    if lane not in known or known[lane].seeing != now.seeing
                )
            else:
                self._sight = {}
            await asyncio.sleep(SIGHT_POLL_S)
