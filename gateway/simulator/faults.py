"""What goes wrong, and when: seeded outages of a place, and those that are staged for whoever watches.

The devices of a place share its power and its uplink, so an outage takes them all.
"""

import heapq
import itertools
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.seasons import STORM_MONTHS, midnight, storms

_A_MONTH = 1.4  # besides the long one
_MEDIAN_MIN = 22
_SPREAD = 0.9  # of the logarithm
_LONGEST_MIN = 5 * 60
_LONG = timedelta(hours=6)  # a power cut a year, in winter: a line down under snow
_POWER_SHARE, _POWER_SHARE_STORM = 0.4, 0.65
_SILENT_SHARE = 0.5  # of the lost uplinks
_UNSET_SHARE = 1 / 20  # of the boots
_UNSET = timedelta(minutes=1)


class FaultKind(StrEnum):
    """What can happen to a device."""

    POWER_CUT = "power_cut"
    """It vanishes without a word, and boots when the fault is over."""
    UPLINK_LOST = "uplink_lost"
    """It runs on and reaches nobody; with a spool it tells afterwards what happened meanwhile."""
    UPLINK_SILENT = "uplink_silent"
    """As above, but nobody is told: packets vanish, and each side finds out when it has waited long enough."""
    CLOCK_UNSET = "clock_unset"
    """It boots, and believes that it is 1970 until the fault is over."""


OF_THE_UPLINK = frozenset({FaultKind.UPLINK_LOST, FaultKind.UPLINK_SILENT})


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, by the clock of whoever made it."""

    starts_at: datetime
    ends_at: datetime
    kind: FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFault:
    """A fault that is certain to come; in real seconds from the start of the simulation."""

    device: str
    kind: FaultKind
    after_s: float
    for_s: float

    def from_start(self, began_at: datetime) -> Fault:
        """Return when that is."""
        starts_at = began_at + timedelta(seconds=self.after_s)
        return Fault(starts_at, starts_at + timedelta(seconds=self.for_s), self.kind)


def outages(seed: str, since: datetime) -> Iterator[Fault]:
    """Yield the faults of one place from `since` on, one after another, in the village's time, for ever.

    Each month is drawn from the seed and itself alone, so the past does not depend on when somebody began to look.
    """
    began = since.astimezone(VILLAGE_ZONE)
    over_at = since
    for number in itertools.count(began.year * 12 + began.month - 1):
        year, month = number // 12, number % 12 + 1
        for fault in sorted(_month(seed, year, month), key=_start):
            if fault.starts_at >= over_at:
                over_at = fault.ends_at
                yield fault


def _month(seed: str, year: int, month: int) -> Iterator[Fault]:
    rng = random.Random(f"{seed}/{year}-{month}")
    begins_at = midnight(date(year, month, 1)).astimezone(UTC)
    length = midnight(date(year + month // 12, month % 12 + 1, 1)).astimezone(UTC) - begins_at
    share = 0.0
    while (share := share + rng.expovariate(_A_MONTH * storms(month))) < 1:
        yield from _outage(rng, begins_at + length * share, month)
    yearly = random.Random(f"{seed}/{year}")
    if yearly.choice(STORM_MONTHS) == month:
        at = begins_at + length * yearly.random()
        yield Fault(at, at + _LONG, FaultKind.POWER_CUT)


def _outage(rng: random.Random, at: datetime, month: int) -> Iterator[Fault]:
    minutes = min(rng.lognormvariate(math.log(_MEDIAN_MIN), _SPREAD), _LONGEST_MIN)
    over_at = at + timedelta(minutes=minutes)
    by_power = rng.random() < (_POWER_SHARE_STORM if month in STORM_MONTHS else _POWER_SHARE)
    silently, unset = rng.random() < _SILENT_SHARE, rng.random() < _UNSET_SHARE
    if by_power:
        yield Fault(at, over_at, FaultKind.POWER_CUT)
        if unset:
            yield Fault(over_at, over_at + _UNSET, FaultKind.CLOCK_UNSET)
    else:
        yield Fault(at, over_at, FaultKind.UPLINK_SILENT if silently else FaultKind.UPLINK_LOST)


def faults(random_ones: Iterable[Fault], staged: Iterable[StagedFault], pace: Pace) -> Iterator[Fault]:
    """Yield a device's faults in real time, one after another; what begins during another one is left out.

    `random_ones` are in the village's time.
    """
    chance = (Fault(pace.real(f.starts_at), pace.real(f.ends_at), f.kind) for f in random_ones)
    certain = sorted((one.from_start(pace.began_at) for one in staged), key=_start)
    over_at = pace.began_at
    for fault in heapq.merge(certain, chance, key=_start):
        if fault.starts_at >= over_at:
            over_at = fault.ends_at
            yield fault


def by_what_fails(planned: Iterator[Fault]) -> tuple[Iterator[Fault], Iterator[Fault]]:
    """Part faults into those of the device itself and those of its uplink, which may happen at the same time."""
    device, uplink = itertools.tee(planned)
    return (
        (fault for fault in device if fault.kind not in OF_THE_UPLINK),
        (fault for fault in uplink if fault.kind in OF_THE_UPLINK),
    )


def _start(fault: Fault) -> datetime:
    return fault.starts_at
