"""What a hotspot counts of its visitors: how many came on a local day, and how long each stayed. Numbers, no names."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TypeAlias

from gateway.simulator.hotspot import Hotspot
from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.seasons import DAY, midnight
from gateway.simulator.village import Visit
from services.events import moment

Told: TypeAlias = tuple[str, datetime, dict[str, object]]
"""Event type, when it happened, and data."""


class Turnstile:
    """Counts the visitors of one local day after another, in memory: with the power the count is gone.

    The days are real ones, whatever the pace of the village; a session is as long as it was in the village.
    """

    def __init__(self, hotspot: Hotspot, pace: Pace, now: datetime) -> None:
        self._hotspot = hotspot
        self._pace = pace
        self.boot(now)

    def boot(self, now: datetime) -> None:
        """Begin anew, with those who are there."""
        self._booted_at = self._since = now
        self._day = now.astimezone(VILLAGE_ZONE).date()
        self._came = self._hotspot.clients
        self._gone: list[Visit] = []
        self._days: list[Told] = []

    def look(self, now: datetime) -> None:
        """Take note of who came and went when time last passed at the hotspot."""
        for visit in self._hotspot.came:
            self._end_days(self._pace.real(visit.starts_at))
            self._came += 1
        self._gone.extend(self._hotspot.left)
        self._end_days(now)

    def tell(self, clock: Callable[[datetime], datetime]) -> Iterator[Told]:
        """Yield what was counted since it was asked for last; `clock` is what the device believes an instant to be."""
        gone, self._gone = self._gone, []
        for visit in sorted(gone, key=lambda visit: visit.ends_at):
            at = self._pace.real(visit.ends_at)
            yield "wifi.session_end", at, self._session(visit, clock(at))
        days, self._days = self._days, []
        yield from days

    def _session(self, visit: Visit, ended_at: datetime) -> dict[str, object]:
        """Return the data of a session; who was there when the power came back has begun anew then."""
        whole = visit.ends_at - visit.starts_at
        length = min(whole, visit.ends_at - self._pace.village(self._booted_at))
        return {
            "ssid": "Byn",
            "started_at": moment.write(ended_at - length),
            "ended_at": moment.write(ended_at),
            "duration_s": round(length.total_seconds()),
            "down_bytes": round(visit.down_bytes * (length / whole)),
            "up_bytes": round(visit.up_bytes * (length / whole)),
            "end_reason": "idle",
        }

    def _end_days(self, now: datetime) -> None:
        while now >= (ends := _begins(self._day + DAY)):
            begins = _begins(self._day)
            counted = (ends - max(begins, self._since)) / (ends - begins)
            said: dict[str, object] = {"day": self._day.isoformat(), "distinct": self._came}
            self._days.append(("wifi.visitors", now, said | {"coverage_pct": round(100 * counted, 1)}))
            self._day, self._since, self._came = self._day + DAY, ends, self._hotspot.clients


def _begins(day: date) -> datetime:
    """Return the midnight before a day, on a clock that never moves."""
    return midnight(day).astimezone(UTC)
