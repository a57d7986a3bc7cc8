"""What is on its way and has no receipt: at most a window of it, each sent again after a growing pause. Pure."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

WINDOW = 100
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0


@dataclass(slots=True)
class _Sent:
    number: int
    again_at: float
    pause_s: float


class Outbox:
    """The events of one connection that nobody has confirmed; times are seconds on a clock that does not jump."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def room(self) -> int:
        """How many more may be sent."""
        return max(0, WINDOW - len(self._sent))

    @property
    def numbers(self) -> list[int]:
        """The numbers of what is on its way."""
        return [sent.number for sent in self._sent.values()]

    @property
    def due_at(self) -> float | None:
        """When something has to be sent again."""
        return min((sent.again_at for sent in self._sent.values()), default=None)

    def add(self, event_id: str, number: int, now: float) -> None:
        """Take note of what is sent, for the first time or again."""
        known = self._sent.get(event_id)
        pause = min(2 * known.pause_s, LONGEST_PAUSE_S) if known else FIRST_PAUSE_S
        self._sent[event_id] = _Sent(number, now + pause * self._rng.uniform(0.9, 1.1), pause)

    def due(self, now: float) -> list[int]:
        """Return the numbers of what is to be sent again."""
        return [sent.number for sent in self._sent.values() if sent.again_at <= now]

    def receipted(self, ids: Iterable[str]) -> None:
        """Forget what has its receipt."""
        for name in ids:
            self._sent.pop(name, None)

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget what is no longer in the spool."""
        gone = set(numbers)
        self._sent = {name: sent for name, sent in self._sent.items() if sent.number not in gone}

    def connection_lost(self) -> None:
        """Forget all: on the next connection everything is sent again."""
        self._sent.clear()
