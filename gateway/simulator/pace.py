"""How fast the village lives: its own time, and how often its devices report."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

VILLAGE_ZONE = ZoneInfo("Europe/Stockholm")

# A hurried village begins its first day at this local hour, so that whoever looks sees people come and go.
FIRST_HOUR = 11


def rhythm_s(expected_interval_s: int, speed: float) -> int:
    """Return how often, in real seconds, a device reports that is registered with this interval.

    A device that is registered for a hurried village must be registered with this, or it is never late.
    """
    return max(1, round(expected_interval_s / speed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Two clocks that run side by side from one instant on, the village's `speed` times as fast."""

    began_at: datetime
    village_began_at: datetime
    speed: float

    @classmethod
    def beginning(cls, now: datetime, speed: float) -> Self:
        """Begin now; at its natural speed the village keeps our time."""
        local = now.astimezone(VILLAGE_ZONE)
        if speed != 1:
            local = local.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
        return cls(began_at=now, village_began_at=local.astimezone(now.tzinfo), speed=speed)

    def village(self, real: datetime) -> datetime:
        """Return what time it is in the village."""
        return self.village_began_at + (real - self.began_at) * self.speed

    def real(self, village: datetime) -> datetime:
        """Return when, by our clock, it is this time in the village."""
        return self.began_at + (village - self.village_began_at) / self.speed

    def rhythm(self, interval_s: int) -> timedelta:
        """Return the real time between two reports that are this far apart by the registry."""
        return timedelta(seconds=rhythm_s(interval_s, self.speed))
