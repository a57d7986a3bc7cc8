"""A past that never was: what befell each place over many days, and when we saw nothing ourselves. Pure and seeded.

Power cuts and lost uplinks come by chance as in the living village (`faults`). Besides, one place is cut off for a
week and tells afterwards, firmware is brought up to date twice a year, and now and then what we received was lost
with a server whose backup was older: what no device keeps any longer then, and nobody saw, stays blind.
"""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise, takewhile
from typing import NamedTuple

from gateway.simulator.bus import ROUTES
from gateway.simulator.device import KEEP_A_SPOOL, SimulatedDevice, bus_of
from gateway.simulator.faults import Fault, FaultKind, outages
from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.seasons import DAY, midnight

WEEK = timedelta(days=7)
CUT_OFF_FROM_DAYS = 21
"""A shorter past has nobody who is cut off for a week."""

_EDITION = 1  # another one for each change of what is told: it is not to be mixed with what was told before
_A_BLIND_STRETCH = 90  # days
_BLIND = (timedelta(hours=3), timedelta(hours=9))
_APART = timedelta(minutes=15)  # between two troubles: what was kept has been told by then
_UPDATE = timedelta(minutes=2)
_UPDATE_EVERY = 182  # days
_NIGHT = timedelta(hours=2)


class TroubleKind(StrEnum):
    """What befalls a device of the past."""

    POWER_CUT = "power_cut"
    UPLINK_LOST = "uplink_lost"
    UPLINK_SILENT = "uplink_silent"
    UPDATE = "update"
    """It restarts of its own will, with other firmware."""


class Stretch(NamedTuple):
    """A stretch of time."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """What befell a device, and how long; after a power cut its clock may be wrong until `clock_set_at`."""

    starts_at: datetime
    ends_at: datetime
    kind: TroubleKind
    clock_set_at: datetime | None = None

    @property
    def of_the_uplink(self) -> bool:
        """Whether the device ran on, and reached nobody."""
        return self.kind in {TroubleKind.UPLINK_LOST, TroubleKind.UPLINK_SILENT}


@dataclass(frozen=True)
class Past:
    """The past of these devices from a local midnight on, for `days` days and as long beyond as anybody asks.

    A function of its fields alone: the same devices, seed and days give the same past, to the last byte.
    """

    devices: tuple[SimulatedDevice, ...]
    seed: int
    days: int
    since: datetime

    @classmethod
    def before(cls, until: datetime, devices: Sequence[SimulatedDevice], *, seed: int, days: int) -> "Past":
        """The past of so many whole days and what has passed of the day in which it ends."""
        first = until.astimezone(VILLAGE_ZONE).date() - days * DAY
        return cls(tuple(devices), seed, days, midnight(first).astimezone(UTC))

    @cached_property
    def blind(self) -> tuple[Stretch, ...]:
        """When we saw nothing, and have nothing of what was sent."""
        rng = self._rng("blind")
        number = max(1, round(self.days / _A_BLIND_STRETCH))
        part = timedelta(days=self.days) / number
        found: list[Stretch] = []
        for place in range(number):
            stretch = self._stretch(rng, self.since + part * place, part)
            while self.cut_off is not None and _touch(stretch, self.cut_off[1], DAY):
                stretch = self._stretch(rng, self.since + part * place, part)
            found.append(stretch)
        return tuple(found)

    @cached_property
    def cut_off(self) -> tuple[str, Trouble] | None:
        """Which place was cut off for a week, and when; its devices keep what happens, and tell it afterwards."""
        places = sorted(
            {one.place for one in self.devices if one.kind in KEEP_A_SPOOL and one.place not in ROUTES}
        )
        if self.days < CUT_OFF_FROM_DAYS or not places:
            return None
        rng = self._rng("cut off")
        place = rng.choice(places)
        starts_at = _minute(self.since + (timedelta(days=self.days) - WEEK) * rng.uniform(0.2, 0.8))
        return place, Trouble(starts_at, starts_at + WEEK, TroubleKind.UPLINK_LOST)

    def troubles(self, device: SimulatedDevice) -> Iterator[Trouble]:
        """Yield what befell a device, one trouble after another, for ever."""
        certain = [self.cut_off[1]] if self.cut_off is not None and self.cut_off[0] == device.place else []
        updates = (
            Trouble(at, at + _UPDATE, TroubleKind.UPDATE)
            for at in self.updates(device)
            if not any(_touch(Stretch(at, at + _UPDATE), one, DAY) for one in certain)
        )
        certain = sorted([*certain, *updates], key=_start)
        return _apart(certain, _told(self._chance(device)), since=self.since)

    def updates(self, device: SimulatedDevice) -> list[datetime]:
        """When a device got other firmware: some night in each half of a year."""
        rng = self._rng(f"{device.id}/updates")
        nights: list[datetime] = []
        for first in range(0, self.days, _UPDATE_EVERY):
            day = (self.since.astimezone(VILLAGE_ZONE).date()) + (first + rng.randrange(_UPDATE_EVERY)) * DAY
            at = midnight(day).astimezone(UTC) + _NIGHT + rng.uniform(0, 7_200) * _SECOND
            if self.since + DAY < at < self.since + self.days * DAY - DAY:
                nights.append(_minute(at))
        return nights

    def mark(self, device: SimulatedDevice) -> str:
        """What the ids of a device's events begin with: another one for each other past."""
        until = self.since + self.days * DAY
        troubles = takewhile(lambda trouble: trouble.starts_at < until, self.troubles(device))
        told = repr((_EDITION, self.seed, self.since, self.days, device, list(troubles), self.blind))
        return "p" + hashlib.blake2b(told.encode(), digest_size=6).hexdigest()

    def _chance(self, device: SimulatedDevice) -> Iterator[Fault]:
        pace = Pace(began_at=self.since, village_began_at=self.since, speed=1)
        chance = outages(f"{self.seed}/{device.place}/outages", self.since)
        bus = bus_of(device.place, seed=self.seed, pace=pace)
        if bus is None:
            return chance
        return heapq.merge(chance, bus.valleys(self.since), key=lambda fault: fault.starts_at)

    def _stretch(self, rng: random.Random, begins_at: datetime, part: timedelta) -> Stretch:
        starts_at = _minute(begins_at + part * rng.uniform(0.1, 0.9))
        return Stretch(starts_at, _minute(starts_at + rng.uniform(*_BLIND_S) * _SECOND))

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.since:%Y-%m-%d}/{self.days}/{what}")


_SECOND = timedelta(seconds=1)
_BLIND_S = tuple(length / _SECOND for length in _BLIND)


def _told(chance: Iterable[Fault]) -> Iterator[Trouble]:
    """Faults as troubles: a clock that knows nothing belongs to the power cut before it."""
    nothing = Fault(datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), FaultKind.POWER_CUT)
    for fault, following in pairwise(_and_then(chance, nothing)):
        if fault.kind is not FaultKind.CLOCK_UNSET:
            unset = following.kind is FaultKind.CLOCK_UNSET and following.starts_at == fault.ends_at
            clock_set_at = following.ends_at if unset else None
            yield Trouble(fault.starts_at, fault.ends_at, TroubleKind(fault.kind.value), clock_set_at)


def _and_then(chance: Iterable[Fault], last: Fault) -> Iterator[Fault]:
    yield from chance
    yield last


def _apart(certain: Sequence[Trouble], chance: Iterable[Trouble], *, since: datetime) -> Iterator[Trouble]:
    """Both in their order; what comes too near to another one by chance is left out."""
    free = (one for one in chance if not any(_touch(one, other, _APART) for other in certain))
    over_at = since
    for trouble in heapq.merge(certain, free, key=_start):
        if trouble.starts_at >= over_at + _APART:
            over_at = trouble.ends_at
            yield trouble


def _touch(one: Stretch | Trouble, other: Stretch | Trouble, apart: timedelta) -> bool:
    return one.starts_at < other.ends_at + apart and other.starts_at < one.ends_at + apart


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _start(trouble: Trouble) -> datetime:
    return trouble.starts_at
