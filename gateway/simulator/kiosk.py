"""A kiosk: what people look at, and how it fares."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.simulator.pace import VILLAGE_ZONE
from gateway.simulator.village import KioskUse, View, kiosk_uses

_A_DAY = (4, 25)  # uses, by place
_SCREEN_HOURS = range(6, 23)  # local
_STORAGE_BYTES = 11_400_000_000
_STORAGE_A_VIEW = 40_000


@dataclass(frozen=True, slots=True)
class Happening:
    """A page was left; the last one of a use ends its session. In the village's time."""

    at: datetime
    use: KioskUse
    view: View
    number: int

    @property
    def last(self) -> bool:
        """Whether the session is over."""
        return self.view is self.use.views[-1]

    @property
    def length(self) -> timedelta:
        """How long the session was."""
        return self.use.ends_at - self.use.starts_at


class Kiosk:
    """Follows the uses of one kiosk in the village's time; a use in which it lost its power is forgotten."""

    def __init__(self, seed: str, village_now: datetime) -> None:
        rng = random.Random(seed)
        self._happenings = _happenings(kiosk_uses(seed, village_now, a_day=rng.uniform(*_A_DAY)))
        self._next = next(self._happenings)
        self._awake_since = village_now
        self._storage = _STORAGE_BYTES + rng.randrange(_STORAGE_BYTES)

    @property
    def next_at(self) -> datetime:
        """When the next page is left."""
        return self._next.at

    def restart(self, village_now: datetime) -> None:
        """Begin anew, as after a boot."""
        self._awake_since = village_now
        while self._next.at <= village_now:
            self._next = next(self._happenings)

    def advance(self, village_now: datetime) -> Iterator[Happening]:
        """Yield what has happened up to now."""
        while self._next.at <= village_now:
            happening, self._next = self._next, next(self._happenings)
            if happening.use.starts_at >= self._awake_since:
                self._storage -= _STORAGE_A_VIEW
                yield happening

    def health(self, village_now: datetime) -> dict[str, object]:
        """Return the data of `kiosk.health`."""
        return {
            "screen_on": village_now.astimezone(VILLAGE_ZONE).hour in _SCREEN_HOURS,
            "locked": True,
            "foreground": True,
            "browser_ok": True,
            "content_version": "1",
            "storage_free_bytes": max(0, self._storage),
            "batt_pct": 100.0,
            "power": "mains",
        }


def _happenings(uses: Iterator[KioskUse]) -> Iterator[Happening]:
    for number, use in enumerate(uses):
        for view in use.views:
            yield Happening(view.ends_at, use, view, number)
