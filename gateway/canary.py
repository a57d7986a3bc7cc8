"""The canary of a lane: a message of our own that goes the whole way, and what it proves (rule R13).

It is published to the broker, comes back in the lane's own session behind whatever waits there, and counts when it
is stored. From a connection's first canary to its newest we could see; everything else is blind.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.mqtt import Delivery
from gateway.topics import canary_topic
from services.log.lanes import BLIND_AFTER
from services.log.store import Sight

_MILLISECOND = timedelta(milliseconds=1)


class Canary:
    """Tells the lane's own canaries from others', and keeps the sight that they prove."""

    def __init__(self, lane: int) -> None:
        self.topic = canary_topic(lane)
        self.nonce = secrets.token_hex(8)  # ours: anybody may publish on an open broker
        self._sight: Sight | None = None
        self._generation = -1

    def payload(self, now: datetime) -> bytes:
        """Return what to publish: who sends it, and when."""
        return f"{self.nonce}:{int(now.timestamp() * 1000)}".encode()

    def see(self, canaries: Iterable[Delivery]) -> Sight | None:
        """Return the sight that these canaries extend or begin, None when they prove nothing."""
        proved = False
        for canary in canaries:
            sent = self._sent_at(canary)
            if sent is None or not timedelta() <= canary.received_at - sent <= BLIND_AFTER:
                continue
            proved = True
            at, present = canary.received_at, self._sight
            same = present is not None and canary.generation == self._generation
            # A clock that was set back begins a new sight: one that ends before it began proves nothing.
            if present is not None and same and timedelta() <= at - present.until <= BLIND_AFTER:
                self._sight = Sight(present.since, at)
            else:
                # What waited at the broker came before the canary, if only within its millisecond: a last will among
                # it must not look like one that we saw happen.
                after = at + _MILLISECOND
                self._sight, self._generation = Sight(after, after), canary.generation
        return self._sight if proved else None

    def sees_since(self, since: datetime) -> bool:
        """Say whether the sight that began then is still the present one."""
        return self._sight is not None and self._sight.since == since

    def lose_sight(self) -> datetime | None:
        """End the present sight, since its connection is gone, and return since when it was."""
        since = self._sight.since if self._sight else None
        self._sight = None
        return since

    def _sent_at(self, canary: Delivery) -> datetime | None:
        nonce, _, sent = canary.payload.decode("ascii", "replace").partition(":")
        if nonce != self.nonce or not sent.isdecimal():
            return None
        return datetime.fromtimestamp(int(sent) / 1000, canary.received_at.tzinfo)
