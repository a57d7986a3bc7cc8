"""The library bus on its route: where it is at any moment of a trip, and what its receiver makes of that. Pure.

The timetable is made up, as are the road between two stops (a gentle bend) and the valley without reception.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise

from gateway.simulator.faults import Fault, FaultKind
from gateway.simulator.pace import VILLAGE_ZONE
from gateway.simulator.seasons import DAY

MOVING_S, STILL_S = 20, 300  # between two fixes, by the village's clock

_LATE_MIN = (-1.0, 8.0, 1.0)  # at a stop: least, most, most often
_LEAST_STAY = timedelta(minutes=3)
_BEND = 0.06  # of a leg's length, to the side of the straight line
_VALLEY_LEG, _VALLEY = (
    3,
    (0.4, 0.65),
)  # the wooded valley between Tjällmo and Godegård: no reception in this part
_ACCURACY_M = (5.0, 15.0)
_LOST_SHARE, _LOST_M = 0.03, (500.0, 2_500.0)  # a fix from a mast instead of the sky
_DEGREE_M = 111_320.0
_TUESDAY = 1
_GLANCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop, and when the timetable has the bus there (local time)."""

    name: str
    lat: float
    lon: float
    arrives: time
    departs: time


MOTALA = (
    Stop("Borensberg, torget", 58.56, 15.28, time(9, 15), time(10, 0)),
    Stop("Klockrike, skolan", 58.49, 15.34, time(10, 20), time(11, 0)),
    Stop("Fornåsa, affären", 58.47, 15.23, time(11, 20), time(12, 30)),
    Stop("Tjällmo, affären", 58.72, 15.35, time(13, 30), time(14, 30)),
    Stop("Godegård, bygdegården", 58.74, 15.16, time(14, 55), time(15, 40)),
    Stop("Nykyrka, affären", 58.62, 14.96, time(16, 20), time(17, 15)),
)
ROUTES = {"mp-bokbuss-motala": MOTALA}
"""Which places are vehicles, and where they drive."""


@dataclass(frozen=True, slots=True)
class Call:
    """The bus at a stop, as it really came and went."""

    stop: Stop
    arrives_at: datetime
    departs_at: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the bus really is; `heading_deg` is from north, clockwise."""

    lat: float
    lon: float
    speed_kmh: float
    heading_deg: float


def library_day(day: date) -> bool:
    """Whether the timetable has the bus out: every other week, on Tuesday."""
    return day.weekday() == _TUESDAY and day.isocalendar().week % 2 == 1


def every_day(_: date) -> bool:
    """For a hurried village, where nobody waits two weeks to see the bus."""
    return True


class Bus:
    """One vehicle on one route; each trip is drawn from the seed and its date alone."""

    def __init__(
        self, seed: str, route: tuple[Stop, ...], *, runs_on: Callable[[date], bool] = library_day
    ) -> None:
        self._seed = seed
        self._route = route
        self._runs_on = runs_on
        self._rng = random.Random(f"{seed}/fixes")

    def trip(self, day: date) -> tuple[Call, ...]:
        """Return the calls of a day's trip, none when there is no trip."""
        if not self._runs_on(day):
            return ()
        rng = random.Random(f"{self._seed}/{day}")
        calls: list[Call] = []
        for stop in self._route:
            late = timedelta(minutes=max(0.0, rng.triangular(*_LATE_MIN)) if calls else 0.0)
            arrives_at = _at(day, stop.arrives) + late
            calls.append(Call(stop, arrives_at, max(_at(day, stop.departs), arrives_at + _LEAST_STAY)))
        return tuple(calls)

    def whereabouts(self, at: datetime) -> Whereabouts | None:
        """Return where the bus is; nothing between trips, when it is nobody's business."""
        calls = self.trip(at.astimezone(VILLAGE_ZONE).date())
        if not calls or not calls[0].arrives_at <= at <= calls[-1].departs_at:
            return None
        for call in calls:
            if call.arrives_at <= at < call.departs_at:
                return Whereabouts(call.stop.lat, call.stop.lon, 0.0, 0.0)
        for here, there in pairwise(calls):
            if here.departs_at <= at < there.arrives_at:
                return _under_way(here, there, at)
        return Whereabouts(calls[-1].stop.lat, calls[-1].stop.lon, 0.0, 0.0)

    def fix(self, at: datetime) -> dict[str, object] | None:
        """Return what the receiver says, without the time of the fix; nothing between trips."""
        here = self.whereabouts(at)
        if here is None:
            return None
        rng = self._rng
        lost = rng.random() < _LOST_SHARE
        accuracy = rng.uniform(*(_LOST_M if lost else _ACCURACY_M))
        north, east = (rng.gauss(0, accuracy / 3) for _ in range(2))
        lat, lon = _moved(here.lat, here.lon, north=north, east=east)
        said: dict[str, object] = {"lat": round(lat, 6), "lon": round(lon, 6), "acc_m": round(accuracy, 1)}
        if not lost:
            said["speed_kmh"] = round(here.speed_kmh, 1)
            if here.speed_kmh:
                said["heading_deg"] = round(here.heading_deg, 1) % 360
        return said

    def stays_until(self, at: datetime) -> datetime | None:
        """Return when the bus leaves the stop it stands at; nothing when it drives or is not out."""
        for call in self.trip(at.astimezone(VILLAGE_ZONE).date()):
            if call.arrives_at <= at < call.departs_at:
                return call.departs_at
        return None

    def next_trip(self, after: datetime) -> datetime:
        """Return when the next trip begins."""
        first = after.astimezone(VILLAGE_ZONE).date()
        trips = (self.trip(first + DAY * number) for number in count())
        return next(calls[0].arrives_at for calls in trips if calls and calls[0].arrives_at > after)

    def valleys(self, since: datetime) -> Iterator[Fault]:
        """Yield the times without reception, for ever: everything on the bus is cut off, and nobody is told."""
        first = since.astimezone(VILLAGE_ZONE).date()
        for calls in (self.trip(first + DAY * number) for number in count()):
            if not calls:
                continue
            leaves_at, comes_at = calls[_VALLEY_LEG].departs_at, calls[_VALLEY_LEG + 1].arrives_at
            begins_at, ends_at = (leaves_at + (comes_at - leaves_at) * share for share in _VALLEY)
            if begins_at >= since:
                yield Fault(begins_at, ends_at, FaultKind.UPLINK_SILENT)


def _at(day: date, local: time) -> datetime:
    return datetime.combine(day, local, VILLAGE_ZONE).astimezone(UTC)


def _under_way(here: Call, there: Call, at: datetime) -> Whereabouts:
    length = there.arrives_at - here.departs_at
    share, soon = ((moment - here.departs_at) / length for moment in (at, at + _GLANCE))
    (lat, lon), (next_lat, next_lon) = (_on_road(here.stop, there.stop, part) for part in (share, soon))
    north = (next_lat - lat) * _DEGREE_M
    east = (next_lon - lon) * _DEGREE_M * math.cos(math.radians(lat))
    speed_kmh = math.hypot(north, east) / _GLANCE.total_seconds() * 3.6
    return Whereabouts(lat, lon, speed_kmh, math.degrees(math.atan2(east, north)) % 360)


def _on_road(here: Stop, there: Stop, share: float) -> tuple[float, float]:
    """Return where a part of the way has been driven: on a bend to the right of the straight line."""
    wide = math.cos(math.radians(here.lat))
    north, east = there.lat - here.lat, (there.lon - here.lon) * wide
    aside = _BEND * math.sin(math.pi * share)
    return (
        here.lat + north * share - east * aside,
        here.lon + (east * share + north * aside) / wide,
    )


def _moved(lat: float, lon: float, *, north: float, east: float) -> tuple[float, float]:
    return lat + north / _DEGREE_M, lon + east / (_DEGREE_M * math.cos(math.radians(lat)))
