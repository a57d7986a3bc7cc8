"""What waits for one open page, and how much of it may (rule R30).

News of the same thing replaces older news of it, and a reader who lets too much else pile up is shut out; the
browser comes back by itself and says where it was.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MOST_WAITING = 512


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of news as it goes over the wire, in both languages."""

    event: str
    texts: Mapping[str, bytes] = field(repr=False)
    """The `event:` and `data:` lines by language."""
    municipality: str | None = None
    lane: int | None = None
    point: str | None = None
    key: tuple[str, ...] | None = None
    """What it is about: a newer frame with the same key makes it superfluous. None: each one counts."""
    position: int = 0
    revision: int = 0


class End(StrEnum):
    """Why a stream ends."""

    STOPPING = "stopping"
    SIGNED_OUT = "signed_out"
    TOO_SLOW = "too_slow"


class Mailbox:
    """The frames that wait for one reader, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[object, Frame] = {}
        self._loose = 0
        self._arrived = asyncio.Event()
        self.ended: End | None = None

    def put(self, frame: Frame) -> None:
        """Leave a frame; too many that cannot be merged end the stream (the others are as many as there are things)."""
        if self.ended is not None:
            return
        if frame.key is None:
            self._loose += 1
            self._waiting[object()] = frame
        else:
            # Taken out first, so that the newer frame stands at the end of the order.
            self._waiting.pop(frame.key, None)
            self._waiting[frame.key] = frame
        if self._loose > MOST_WAITING:
            self.end(End.TOO_SLOW)
        self._arrived.set()

    def end(self, why: End) -> None:
        """Let no more in, and tell the reader why."""
        if self.ended is None:
            self.ended = why
            self._waiting.clear()
            self._arrived.set()

    async def take(self, wait_s: float) -> list[Frame]:
        """All that waits, as soon as something does; nothing when time is up or the stream has ended."""
        if not self._waiting and self.ended is None:
            self._arrived.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        frames = list(self._waiting.values())
        self._waiting.clear()
        self._loose = 0
        return frames
