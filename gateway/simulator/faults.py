"""What goes wrong, and when: seeded outages of a place, and those that are staged for whoever watches.

The devices of a place share its power and its uplink, so an outage takes them all.
"""

import heapq
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.simulator.pace import Pace

_BETWEEN = timedelta(days=20)  # one or two outages a month
_MEDIAN_MIN = 22
_SPREAD = 0.9  # of the logarithm
_LONGEST_MIN = 6 * 60
_LONG_SHARE = 1 / 18  # one long power cut a year
_POWER_SHARE = 0.5
_UNSET_SHARE = 1 / 20  # of the boots
_UNSET = timedelta(minutes=1)


class FaultKind(StrEnum):
    """What can happen to a device."""

    POWER_CUT = "power_cut"
    """It vanishes without a word, and boots when the fault is over."""
    UPLINK_LOST = "uplink_lost"
    """It runs on and reaches nobody; with a spool it tells afterwards what happened meanwhile."""
    CLOCK_UNSET = "clock_unset"
    """It boots, and believes that it is 1970 until the fault is over."""


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


def outages(rng: random.Random, since: datetime) -> Iterator[Fault]:
    """Yield the faults of one place, in the village's time, for ever."""
    at = since
    while True:
        at += _BETWEEN * rng.expovariate(1)
        if rng.random() < _LONG_SHARE:
            minutes, kind = float(_LONGEST_MIN), FaultKind.POWER_CUT
        else:
            minutes = min(rng.lognormvariate(math.log(_MEDIAN_MIN), _SPREAD), _LONGEST_MIN)
            kind = FaultKind.POWER_CUT if rng.random() < _POWER_SHARE else FaultKind.UPLINK_LOST
        begin, at = at, at + timedelta(minutes=minutes)
        yield Fault(begin, at, kind)
        if kind is FaultKind.POWER_CUT and rng.random() < _UNSET_SHARE:
            yield Fault(at, at + _UNSET, FaultKind.CLOCK_UNSET)
            at += _UNSET


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


def _start(fault: Fault) -> datetime:
    return fault.starts_at
