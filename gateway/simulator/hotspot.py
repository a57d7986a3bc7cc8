"""A hotspot's radio: who is connected, and the counters of its interface."""

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.simulator.village import Visit, rush, visits

_A_DAY = (5, 40)  # visitors on a winter day, by place
_BEFORE = timedelta(hours=8)  # those who came earlier have left


class Hotspot:
    """Follows the visits of one place in the village's time; equipment of the house is not counted."""

    def __init__(self, seed: str, village_now: datetime) -> None:
        self._rng = random.Random(seed)
        a_day = self._rng.uniform(*_A_DAY)
        self._visits: Iterator[Visit] = visits(seed, village_now - _BEFORE, a_day=a_day)
        self._next = next(self._visits)
        self._present: list[Visit] = []
        self._upto = village_now - _BEFORE
        self._most = 0
        self.came: list[Visit] = []
        self.left: list[Visit] = []
        self.restart(village_now)

    def crowd(self, village_now: datetime, until: datetime) -> None:
        """Let people come until then as on a market day in July, on top of who comes anyway."""
        more = rush(self._rng, village_now, until)
        self._visits = heapq.merge((self._next,), self._visits, more, key=lambda visit: visit.starts_at)
        self._next = next(self._visits)

    def restart(self, village_now: datetime) -> None:
        """Begin counting anew, as after a boot; who is there connects again."""
        self.advance(village_now, carries=False)
        self._down = self._up = 0.0
        self._most = len(self._present)

    def advance(self, village_now: datetime, *, carries: bool) -> None:
        """Let the time pass; bytes go through only when there is power and an uplink.

        `came` and `left` are then those who came and left meanwhile.
        """
        self.came = []
        while self._next.starts_at <= village_now:
            self.came.append(self._next)
            self._next = next(self._visits)
        self._present += self.came
        if carries:
            self._count(village_now)
        self.left = [visit for visit in self._present if visit.ends_at <= village_now]
        self._present = [visit for visit in self._present if visit.ends_at > village_now]
        self._most = max(self._most, len(self._present))
        self._upto = village_now

    @property
    def clients(self) -> int:
        """How many are there."""
        return len(self._present)

    def usage(self, interval_s: int) -> dict[str, object]:
        """Return the data of `wifi.usage`, and begin a new interval."""
        most, self._most = self._most, len(self._present)
        return {
            "iface": "wlan0",
            "ssid": "Byn",
            "band": "5",
            "clients": len(self._present),
            "clients_max": most,
            "down_bytes_total": int(self._down),
            "up_bytes_total": int(self._up),
            "interval_s": interval_s,
        }

    def _count(self, until: datetime) -> None:
        for visit in self._present:
            passed = min(until, visit.ends_at) - max(self._upto, visit.starts_at)
            share = passed / (visit.ends_at - visit.starts_at)
            self._down += visit.down_bytes * share
            self._up += visit.up_bytes * share
