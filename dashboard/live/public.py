"""The public stream: states of points as everyone may know them, for `/` and `/p/…`; no session, no address kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dashboard.live.frames import point_frame
from dashboard.live.mailbox import End, Frame, Mailbox
from dashboard.points import PublicPoints, Snapshot, changed
from dashboard.web import metrics
from services.runtime.clock import Clock

# The first news goes out at once; a burst of more is read together so often.
_APART_S = 0.25


class PublicFull(Exception):
    """There are as many public streams as this process may have."""


@dataclass(frozen=True, eq=False)
class PublicReader:
    """One open public page, and what it shows: one point, one municipality, or everything."""

    municipality: str | None
    point: str | None
    mailbox: Mailbox = field(default_factory=Mailbox)

    def wants(self, frame: Frame) -> bool:
        """Whether the page shows what the frame is about."""
        return self.municipality in (None, frame.municipality) and self.point in (None, frame.point)


class PublicStreams:
    """Reads the public picture once for all open pages, and hands out what has changed in it."""

    def __init__(self, points: PublicPoints, *, clock: Clock, most: int) -> None:
        self._points = points
        self._clock = clock
        self._most = most
        self._readers: set[PublicReader] = set()
        self._last: Snapshot | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A state may have changed."""
        self._points.forget()
        self._woken.set()

    @asynccontextmanager
    async def reader(self, *, municipality: str | None, point: str | None) -> AsyncIterator[PublicReader]:
        """Open a mailbox that begins with how things are now; raises `PublicFull`."""
        if len(self._readers) >= self._most:
            raise PublicFull
        reader = PublicReader(municipality, point)
        self._readers.add(reader)
        metrics.STREAMS.labels("public").inc()
        try:
            snapshot = await self._points.current()
            self._last = self._last or snapshot
            for view in snapshot.views:
                frame = point_frame(view, self._clock())
                if reader.wants(frame):
                    reader.mailbox.put(frame)
            yield reader
        finally:
            self._readers.discard(reader)
            metrics.STREAMS.labels("public").dec()

    def end_all(self) -> None:
        """End every stream: the program stops."""
        for reader in self._readers:
            reader.mailbox.end(End.STOPPING)

    async def follow(self) -> None:
        """Hand out changes for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if not self._readers:
                self._last = None
                continue
            newest = await self._points.current()
            # Looked up only now: whoever came in the meantime has been told of a picture between the two.
            before, self._last = self._last, newest
            now = self._clock()
            for view in changed(before, self._last):
                frame = point_frame(view, now)
                for reader in self._readers:
                    if reader.wants(frame):
                        reader.mailbox.put(frame)
            await asyncio.sleep(_APART_S)
