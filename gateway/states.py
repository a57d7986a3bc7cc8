"""The state of each device as we see it, retained at the broker for whoever may read `down/state` (protocol).

After each connect all of it is published, then only what has changed. What the broker was told is remembered for
one connection alone: a broker that lost its store, a lane that moved here and our own start are one and the same
case, and no table is needed.

A broker that is slow is waited for, and then told the newest: what waits is at most one word a device. The intake
does not wait for any of this, and one read at a time, of all lanes together, takes at most one of its connections.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias

import asyncpg
import structlog
from prometheus_client import Counter

from gateway.mqtt import NotConnected, Refused, Session
from gateway.topics import state_topic
from services.events import moment
from services.runtime.clock import Clock
from services.status.models import Reason
from services.status.store import LaneShown, lane_shown, shown_in_lane
from services.storage.database import UNREACHABLE, Database, Lane, Role

log = structlog.get_logger()

PUBLISHED = Counter("bypunkt_gateway_states_published_total", "States of devices that the broker was told")

# Without a notification the lane is looked at so often: only a worker that stands still changes states without one.
POLL_S = 5.0
# Notices come with every batch of events: they are gathered for so long.
GATHER_S = 0.5
# A database that is away for so long has nothing to say of any device, as on every page (`is_stale` in its schema).
UNKNOWN_AFTER = timedelta(seconds=30)
# On their way to the broker at a time, so that a canary never waits behind many.
AT_ONCE = 10
# A look takes milliseconds; one that hangs must not keep the other lanes from theirs.
LOOK_WITHIN_S = 5.0
# Then the database is asked again: on a slow broker the newest goes out, and not what was new a minute ago.
A_TURN = 200

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of a device."""

    state: str
    reason: str
    since: datetime | None

    def payload(self, at: datetime) -> bytes:
        """Return it as published, `at` being now."""
        since = moment.write(self.since) if self.since else None
        fields = {"state": self.state, "reason": self.reason, "since": since, "at": moment.write(at)}
        return json.dumps(fields, separators=(",", ":")).encode()


Words: TypeAlias = dict[Key, Word | None]  # None: nothing is said, because the device is out of service


class LaneStates:
    """Keeps what the broker says of one lane's devices equal to what is shown of them."""

    def __init__(self, database: Database, lane: int, *, clock: Clock, reads: asyncio.Semaphore) -> None:
        self.lane = lane
        self._database = database
        self._clock = clock
        self._reads = reads
        self._news = asyncio.Event()
        self._all = True
        self._looked: LaneShown | None = None
        self._looked_at = clock()
        self._words: Words = {}
        self._untold: dict[Key, None] = {}

    def wake(self, *, whole: bool = False) -> None:
        """Ask for another look; `whole` when the registry may have changed, or something may have been missed."""
        self._all = self._all or whole
        self._news.set()

    async def run(self, session: Session) -> None:
        """Publish until cancelled."""
        while True:
            await session.wait_connected()
            with suppress(NotConnected):
                await self._keep_equal(session)
            await asyncio.sleep(GATHER_S)

    async def _keep_equal(self, session: Session) -> None:
        generation = session.generation
        self._untold = dict.fromkeys(self._words)
        self._all = True
        while session.generation == generation:
            self._news.clear()
            await self._look()
            if await self._tell(session) < A_TURN:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._news.wait()
                await asyncio.sleep(GATHER_S)

    async def _look(self) -> None:
        """Bring `_words` up to date with the database, or to what is known without it."""
        try:
            async with asyncio.timeout(LOOK_WITHIN_S), self._reads:
                self._looked = await self._read()
        except UNREACHABLE:
            # The intake logs it, and goes on trying.
            self._looked = None
            if self._clock() - self._looked_at > UNKNOWN_AFTER:
                self._take(_unknown(self._words, self._looked_at))
        else:
            self._looked_at = self._clock()

    async def _read(self) -> LaneShown:
        whole, self._all = self._all, False
        async with self._database.transaction(Role.WORKER, Lane(self.lane)) as connection:
            now = await lane_shown(connection, self.lane)
            known = None if whole or self._looked is None or self._looked.stale != now.stale else self._looked
            if known != now:
                after = known.revision if known else None
                self._take(_words(await shown_in_lane(connection, self.lane, after=after)))
        return now

    def _take(self, words: Iterable[tuple[Key, Word | None]]) -> None:
        for key, word in words:
            if key not in self._words or self._words[key] != word:
                self._words[key] = word
                self._untold[key] = None

    async def _tell(self, session: Session) -> int:
        """Publish some of the words that the broker has not been told yet, and return how many."""
        news = list(islice(self._untold, A_TURN))
        for start in range(0, len(news), AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                sent = {
                    key: tasks.create_task(self._say(session, key, self._words[key]))
                    for key in news[start : start + AT_ONCE]
                }
            if not all(task.result() for task in sent.values()):
                raise NotConnected
            for key in sent:
                del self._untold[key]
        return len(news)

    async def _say(self, session: Session, key: Key, word: Word | None) -> bool:
        """Publish a word, or take the old one away; False when the connection is gone."""
        payload = word.payload(self._clock()) if word else b""
        try:
            await session.publish(state_topic(*key), payload, qos=1, retain=True)
        except NotConnected:
            return False
        except Refused as error:
            # Until the next connection: rights do not come by asking again.
            log.warning("state_refused", lane=self.lane, device=key[1], detail=str(error))
            return True
        PUBLISHED.inc()
        return True


def _words(rows: Iterable[asyncpg.Record]) -> Iterator[tuple[Key, Word | None]]:
    for row in rows:
        word = Word(row["state"], row["reason"], row["since"]) if row["in_service"] else None
        yield (row["municipality"], row["device"]), word


def _unknown(words: Words, since: datetime) -> list[tuple[Key, Word]]:
    unseen = Reason.NOT_WATCHED
    return [(key, Word(unseen.state, unseen, since)) for key, word in words.items() if word is not None]
