"""Deliveries that wait for a consumer, and the account of what is not yet acknowledged.

Bounded, and when it is full: QoS 1 is limited by the broker, which has at most a window of them unacknowledged.
Not every broker keeps to it (3.1.1 cannot be told our window, and Mosquitto 2.0.11 sends another window after
each PUBACK), so at twice the window `over` tells the session to stop reading, and TCP holds the rest back. QoS 0
cannot be held back alone: with a window of deliveries waiting, a new one is dropped and counted.

A lost connection leaves the deliveries where they are: taking them twice is harmless, and if the broker comes
back without our session they exist nowhere else. They go when the broker says that it still has the session,
because then it sends them again. At most a window of such salvage is kept, the newest.
"""

import asyncio
from collections import deque
from contextlib import suppress

from gateway.mqtt.options import Delivery


class Inbox:
    """A bounded queue for one consumer at a time; on one event loop."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.dropped = 0
        self._waiting: deque[Delivery] = deque()
        self._open: dict[int, Delivery] = {}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unacknowledged(self) -> int:
        """QoS 1 deliveries of this connection that the broker still waits for."""
        return len(self._open)

    @property
    def over(self) -> bool:
        """Whether the broker does not keep to the window at all."""
        return len(self._open) >= 2 * self.window

    def put(self, delivery: Delivery) -> None:
        """Take in what has come."""
        if delivery.qos:
            self._open[delivery.mid] = delivery
        elif len(self._waiting) >= self.window:
            self.dropped += 1
            return
        self._waiting.append(delivery)
        self._news.set()

    def settle(self, delivery: Delivery) -> bool:
        """Whether this delivery may be acknowledged: by identity, since message numbers are used again."""
        if self._open.get(delivery.mid) is not delivery:
            return False
        del self._open[delivery.mid]
        return True

    def disconnected(self) -> None:
        """Nothing that has come so far can be acknowledged any more."""
        self._open.clear()

    def reconnected(self, *, session_present: bool) -> None:
        """Forget what the broker will send again, or salvage it when it will not."""
        if session_present:
            self._waiting = deque(waiting for waiting in self._waiting if not waiting.qos)
        while len(self._waiting) > self.window:
            self._waiting.popleft()
            self.dropped += 1

    async def take(self, *, limit: int, linger_s: float) -> list[Delivery]:
        """Wait for one delivery, then for up to `limit`, until `linger_s` has passed or no more can come."""
        while True:
            await self._reach(1)
            with suppress(TimeoutError):
                async with asyncio.timeout(linger_s):
                    await self._reach(limit)
            if self._waiting:
                return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    async def _reach(self, count: int) -> None:
        while len(self._waiting) < count and not (self._waiting and len(self._open) >= self.window):
            self._news.clear()
            await self._news.wait()
