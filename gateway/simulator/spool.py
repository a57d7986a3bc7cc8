"""What a device keeps until it is receipted: first in, first out, sent again when no receipt comes.

It plays a disk, so it outlives a power cut. It is bounded: when it is full the oldest event that waits is given up
and counted, which leaves a gap in `seq`.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.simulator.documents import Document

MOST = 5_000
WINDOW = 100  # sent and not receipted

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(slots=True)
class _Sent:
    document: Document
    again_at: datetime
    pause: timedelta


class Spool:
    """The events of one device that nobody has confirmed; pure, it is told what time it is."""

    def __init__(self, rng: random.Random) -> None:
        self.given_up = 0
        self._rng = rng
        self._waiting: deque[Document] = deque()
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def due_at(self) -> datetime | None:
        """When something has to be sent again; what can be sent at once is taken at once."""
        return min((sent.again_at for sent in self._sent.values()), default=None)

    def add(self, documents: Iterable[Document]) -> None:
        """Keep events, in their order."""
        self._waiting.extend(documents)
        while len(self) > MOST and self._waiting:
            self._waiting.popleft()
            self.given_up += 1

    def add_first(self, birth: Document) -> None:
        """Keep a birth, which must be heard before all others; it too may be lost, and then nobody sends receipts."""
        self._waiting.appendleft(birth)

    def take(self, now: datetime) -> list[Document]:
        """Return what to send now, and count on its receipt."""
        again = [sent for sent in self._sent.values() if sent.again_at <= now]
        for sent in again:
            sent.pause = min(2 * sent.pause, _LONGEST_PAUSE)
            sent.again_at = now + self._jittered(sent.pause)
        found = [sent.document for sent in again]
        while self._waiting and len(self._sent) < WINDOW:
            document = self._waiting.popleft()
            self._sent[document.id] = _Sent(document, now + self._jittered(_FIRST_PAUSE), _FIRST_PAUSE)
            found.append(document)
        return found

    def receipted(self, ids: Iterable[str]) -> int:
        """Let go of what is stored or refused; return how many that were."""
        return sum(self._sent.pop(known, None) is not None for known in ids)

    def connection_lost(self) -> None:
        """Send everything again on the next connection, oldest first; but that has a birth of its own."""
        unsure = [sent.document for sent in self._sent.values() if sent.document.type != "device.status"]
        self._waiting.extendleft(reversed(unsure))
        self._sent.clear()

    def _jittered(self, pause: timedelta) -> timedelta:
        return pause * self._rng.uniform(0.8, 1.2)
