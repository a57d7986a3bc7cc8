"""The spool, off the event loop: one thread does all of SQLite, and many events at once share a commit.

At most `WAITING` callers wait for a commit; the others wait for their turn to wait. While the disk is full or out of
order every call raises SpoolBroken, is logged once, and the next call tries anew. Nobody waits for ever: leaving ends
every wait.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeAlias, TypeVar

import structlog

from gateway.agent.clocks import Clocks, Instant, read
from gateway.agent.entries import Entry
from gateway.agent.failures import AgentRefused, SpoolBroken, SpoolFull
from gateway.agent.opening import Damaged, Place, is_damage, open_spool
from gateway.agent.spool import Spool

log = structlog.get_logger()

WAITING = 1_000
TOGETHER = 500

Result = TypeVar("Result")
_Waiting: TypeAlias = tuple[Entry, asyncio.Future[str | None]]


class Disk:
    """An async context manager; `write` has to run beside it."""

    def __init__(self, place: Place, *, clocks: Clocks) -> None:
        self.set_aside: Path | None = None
        self.trouble: str | None = None
        self._place = place
        self._clocks = clocks
        self._spool: Spool | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[_Waiting] = []
        self._room = asyncio.Semaphore(WAITING)
        self._news = asyncio.Event()
        self._missed = 0
        self._offset_ms = 0
        self._newest_ms = 0
        self.boot = ""
        self.machine = place.machine
        self._entered = self._left = False

    async def __aenter__(self) -> Self:
        """Open the spool; raises AgentRefused when another agent has it, SpoolBroken never."""
        try:
            await self.run(lambda _: None)
        except SpoolBroken:
            pass  # said already; the agent goes on without, and tries again with each event
        except BaseException:
            self._thread.shutdown()
            raise
        self._entered = True
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._left = True
        _fail(self._waiting, "the agent has stopped")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def now(self) -> Instant:
        """Return the present."""
        present = read(self._clocks, lived_offset_ms=self._offset_ms, newest_ms=self._newest_ms)
        if present.sure:
            self._newest_ms = max(self._newest_ms, present.wall_ms)
        return present

    @property
    def newest_ms(self) -> int:
        """The latest time that was ever sure."""
        return self._newest_ms

    def miss(self) -> None:
        """Count an event that could not be kept: it will be a gap in `seq`."""
        self._missed += 1

    async def keep(self, entry: Entry) -> str:
        """Return the id of an event that is on disk now; raises SpoolBroken or SpoolFull."""
        async with self._room:
            if self._left:
                raise SpoolBroken("the agent has stopped")
            future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._waiting.append((entry, future))
            self._news.set()
            kept = await future
        if kept is None:
            raise SpoolFull("the spool is full of events that are worth more")
        return kept

    async def write(self) -> None:
        """Commit what waits, as much as there is at once."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                taken, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._commit(taken)

    async def _commit(self, taken: list[_Waiting]) -> None:
        entries = [entry for entry, _ in taken]
        missed, self._missed = self._missed, 0
        try:
            ids = await self.run(lambda spool: spool.keep(entries, missed=missed))
        except SpoolBroken as error:
            self._missed += missed
            _fail(taken, str(error))
            return
        except asyncio.CancelledError:
            # The thread may still commit them, and then they are sent after the next start.
            _fail(taken, "the agent has stopped")
            raise
        for (_, waiter), kept in zip(taken, ids, strict=True):
            if not waiter.done():
                waiter.set_result(kept)

    async def run(self, work: Callable[[Spool], Result]) -> Result:
        """Let the thread do something with the spool; raises SpoolBroken."""
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)
        except (sqlite3.Error, OSError, Damaged, AgentRefused) as error:
            if isinstance(error, AgentRefused) and not self._entered:
                raise
            trouble = str(error) or type(error).__name__
            if trouble != self.trouble:
                log.warning("spool_broken", path=str(self._place.path), error=trouble)
            self.trouble = trouble
            raise SpoolBroken(trouble) from None
        if self.trouble is not None:
            log.info("spool_works_again", path=str(self._place.path))
            self.trouble = None
        return result

    def _do(self, work: Callable[[Spool], Result]) -> Result:
        """In the thread: open the spool if it is not, and do the work."""
        spool = self._spool
        if spool is None:
            spool, aside = open_spool(self._place, power_ms=round(self._clocks.since_power_up() * 1000))
            self.set_aside = aside or self.set_aside
            self._spool = spool
            self._offset_ms, self.boot = spool.lived_offset_ms, spool.present.boot
            self._newest_ms = max(self._newest_ms, spool.present.newest_ms)
        try:
            return work(spool)
        except sqlite3.Error as error:
            if is_damage(error):
                # The next call opens it anew, and sets it aside.
                self._close()
            raise

    def _close(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()


def _fail(waiting: Iterable[_Waiting], why: str) -> None:
    for _, waiter in waiting:
        if not waiter.done():
            waiter.set_exception(SpoolBroken(why))
