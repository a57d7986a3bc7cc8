"""What happens in a village, as endless seeded streams in its own time: visitors' visits, and uses of a kiosk.

A stream depends on its seed and its beginning alone, not on how often anybody looks, so a village comes out the
same every time. The magnitudes are assumptions (docs/simulator.md), not measurements.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.simulator.pace import VILLAGE_ZONE

DAY = timedelta(days=1)

# People by local hour, against the mean of the day: peaks at 11-13 and 16-18, next to nobody at night.
_HOURS = (
    *(0.05, 0.03, 0.02, 0.02, 0.03, 0.1, 0.3, 0.6, 1.0, 1.3, 1.6, 2.4),
    *(2.5, 1.6, 1.4, 1.6, 2.3, 2.3, 1.5, 1.1, 0.9, 0.7, 0.4, 0.2),
)
# By month, against winter: July is three winters.
_SEASON = (1.0, 1.0, 1.0, 1.1, 1.3, 2.0, 3.0, 2.4, 1.4, 1.1, 1.0, 1.0)
_JULY = 7

_MEDIAN_VISIT_MIN = 14
_P90_VISIT_MIN = 95
_LONGEST_VISIT_MIN = 8 * 60
_P90 = 1.2816  # standard deviations to the 90th percentile
_DOWN_BYTES = (60e6, 250e6)
_UP_SHARE = (0.08, 0.16)

_MORE_VIEWS = 10, 0.22  # 2.2 views on top of the first, on average
_MEDIAN_DWELL_S = 18
_LONGEST_DWELL_S = 300
_PAGES = ("buss/tider", "oppettider", "nyheter", "kommun/kontakt", "turist", "evenemang", "fraga", "anslag")
_LANGUAGES = {"sv": 78, "en": 12, "de": 7, "fi": 3}
_LANGUAGES_JULY = {"sv": 65, "en": 12, "de": 20, "fi": 3}
_ENDS = {"done": 55, "idle": 40, "reset": 5}


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody's device on a hotspot; what it loads is spread evenly over the visit."""

    starts_at: datetime
    ends_at: datetime
    down_bytes: int
    up_bytes: int


@dataclass(frozen=True, slots=True)
class View:
    """A page that was looked at until `ends_at`."""

    page: str
    dwell_s: float
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class KioskUse:
    """Somebody at a kiosk; `end` is one of done, idle, reset."""

    starts_at: datetime
    views: tuple[View, ...]
    lang: str
    end: str

    @property
    def ends_at(self) -> datetime:
        """When the last page was left."""
        return self.views[-1].ends_at


def season(at: datetime) -> float:
    """Return how many winters' worth of visitors there are in this month."""
    return _SEASON[at.astimezone(VILLAGE_ZONE).month - 1]


def crowd(at: datetime) -> float:
    """Return how many people are about at this hour, against the mean of the day."""
    return _HOURS[at.astimezone(VILLAGE_ZONE).hour] / (sum(_HOURS) / len(_HOURS))


def visits(rng: random.Random, since: datetime, *, a_day: float) -> Iterator[Visit]:
    """Yield visits in the order of their arrival; `a_day` is a winter day's number."""
    sigma = math.log(_P90_VISIT_MIN / _MEDIAN_VISIT_MIN) / _P90
    for arrived in _arrivals(rng, since, a_day=a_day, seasonal=True):
        minutes = min(rng.lognormvariate(math.log(_MEDIAN_VISIT_MIN), sigma), _LONGEST_VISIT_MIN)
        down = rng.uniform(*_DOWN_BYTES)
        up = down * rng.uniform(*_UP_SHARE)
        yield Visit(arrived, arrived + timedelta(minutes=minutes), round(down), round(up))


def kiosk_uses(rng: random.Random, since: datetime, *, a_day: float) -> Iterator[KioskUse]:
    """Yield uses of one kiosk, one after another: who finds it taken goes away."""
    free_from = since
    for arrived in _arrivals(rng, since, a_day=a_day, seasonal=False):
        if arrived < free_from:
            continue
        languages = _LANGUAGES_JULY if arrived.astimezone(VILLAGE_ZONE).month == _JULY else _LANGUAGES
        use = KioskUse(arrived, tuple(_views(rng, arrived)), _one_of(rng, languages), _one_of(rng, _ENDS))
        free_from = use.ends_at
        yield use


def _arrivals(rng: random.Random, since: datetime, *, a_day: float, seasonal: bool) -> Iterator[datetime]:
    """A Poisson process whose rate follows day and season, by thinning the one at its highest rate."""
    peak = max(_HOURS) / (sum(_HOURS) / len(_HOURS)) * (max(_SEASON) if seasonal else 1)
    at = since
    while True:
        at += DAY * rng.expovariate(a_day * peak)
        if rng.random() * peak < crowd(at) * (season(at) if seasonal else 1):
            yield at


def _views(rng: random.Random, at: datetime) -> Iterator[View]:
    tries, chance = _MORE_VIEWS
    more = sum(rng.random() < chance for _ in range(tries))
    for page in ("start", *rng.choices(_PAGES, k=more)):
        dwell_s = round(min(rng.lognormvariate(math.log(_MEDIAN_DWELL_S), 0.8), _LONGEST_DWELL_S), 1)
        at += timedelta(seconds=dwell_s)
        yield View(page, dwell_s, at)


def _one_of(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]
