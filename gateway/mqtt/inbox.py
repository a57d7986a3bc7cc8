"""Deliveries that wait for a consumer, and the account of what is not yet acknowledged.

Bounded, and when it is full: QoS 1 is limited by the broker, which has at most a window of them unacknowledged.
Not every broker keeps to it (3.1.1 cannot be told our window, and Mosquitto 2.0.11 sends another window after
each PUBACK), and a window of large messages is more than we want to hold. So at twice the window, or at IN_HAND
bytes, `over` tells the session to stop reading, and TCP holds the rest back. What has begun to come is still taken
in, so that a single message always fits. QoS 0 cannot be held back alone: with a window of deliveries waiting, a
new one is dropped and counted.

A lost connection leaves the deliveries where they are: taking them twice is harmless, and if the broker comes
back without our session they exist nowhere else. They go when the broker says that it still has the session,
because then it sends them again. At most a window of such salvage is kept, the newest.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import chain

from gateway.mqtt.options import Delivery

IN_HAND = 1024 * 1024
"""Bytes of payload. With 16 lanes, a message on top and half a message being read, 25 MB of a process's 50 (Q4)."""


class Inbox:
    """A bounded queue for one consumer at a time; on one event loop."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.dropped = 0
        self._waiting: deque[Delivery] = deque()
        self._open: dict[int, Delivery] = {}
        self._bytes = 0  # at least what is in hand
        self._news: asyncio.Future[None] | None = None  # what the consumer waits for, and
        self._wanted = 0  # how many deliveries it wants

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unacknowledged(self) -> int:
        """QoS 1 deliveries of this connection that the broker still waits for."""
        return len(self._open)

    @property
    def over(self) -> bool:
        """Whether no more should be read for now."""
        return len(self._open) >= 2 * self.window or (self._bytes >= IN_HAND and self._counted() >= IN_HAND)

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Take in what has come."""
        waiting, unacknowledged = self._waiting, self._open
        for delivery in deliveries:
            if delivery.qos:
                unacknowledged[delivery.mid] = delivery
            elif len(waiting) >= self.window:
                self.dropped += 1
                continue
            waiting.append(delivery)
            self._bytes += len(delivery.payload)
        if self._news is not None and self._reached(self._wanted):
            _ring(self._news)

    def settle(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Return those that may be acknowledged, each once: by identity, since message numbers are used again."""
        settled = []
        unacknowledged = self._open
        for delivery in deliveries:
            if unacknowledged.get(delivery.mid) is delivery:
                del unacknowledged[delivery.mid]
                settled.append(delivery)
        return settled

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
            if linger_s and not self._reached(limit):
                await self._reach(limit, within_s=linger_s)
            if self._waiting:
                return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def _reached(self, count: int) -> bool:
        waiting = len(self._waiting)
        return waiting >= count or bool(waiting and (len(self._open) >= self.window or self.over))

    async def _reach(self, count: int, *, within_s: float | None = None) -> None:
        """Wait until so many are there or no more can come; the consumer is not woken for less."""
        if self._reached(count):
            return
        loop = asyncio.get_running_loop()
        news = self._news = loop.create_future()
        self._wanted = count
        timer = None if within_s is None else loop.call_later(within_s, _ring, news)
        try:
            await news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()

    def _counted(self) -> int:
        """Count again: what has left is not noted anywhere, since it is only now that it matters."""
        known = self._open.get
        loose = (each for each in self._waiting if known(each.mid) is not each)
        self._bytes = sum(len(each.payload) for each in chain(self._open.values(), loose))
        return self._bytes


def _ring(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)
