"""What happens in a village, as endless seeded streams in its own time: visitors' visits, and uses of a kiosk.

Each local day is drawn from the seed and its date alone: a village comes out the same whenever somebody begins to
look, and however often. The magnitudes are assumptions (docs/simulator.md), not measurements.
"""

import bisect
import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.simulator.pace import VILLAGE_ZONE
from gateway.simulator.seasons import DAY, JULY, midnight, people, season

# People by local hour, against the mean of the day: peaks at 11-13 and 16-18, next to nobody at night.
_HOURS = (
    *(0.05, 0.03, 0.02, 0.02, 0.03, 0.1, 0.3, 0.6, 1.0, 1.3, 1.6, 2.4),
    *(2.5, 1.6, 1.4, 1.6, 2.3, 2.3, 1.5, 1.1, 0.9, 0.7, 0.4, 0.2),
)
_UPTO_HOUR = (0.0, *itertools.accumulate(hour / sum(_HOURS) for hour in _HOURS))

_MEDIAN_VISIT_MIN = 14
_P90_VISIT_MIN = 95
_LONGEST_VISIT_MIN = 8 * 60
_P90 = 1.2816  # standard deviations to the 90th percentile
_DOWN_BYTES = (60e6, 250e6)
_UP_SHARE = (0.08, 0.16)
_RUSH_AN_HOUR = 40

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


def visits(seed: str, since: datetime, *, a_day: float) -> Iterator[Visit]:
    """Yield the visits that begin from `since` on, in order; `a_day` is a winter day's number."""
    sigma = math.log(_P90_VISIT_MIN / _MEDIAN_VISIT_MIN) / _P90
    for arrived, rng in _arrivals(seed, since, expected=lambda day: a_day * people(day)):
        minutes = min(rng.lognormvariate(math.log(_MEDIAN_VISIT_MIN), sigma), _LONGEST_VISIT_MIN)
        down = rng.uniform(*_DOWN_BYTES)
        up = down * rng.uniform(*_UP_SHARE)
        if arrived >= since:
            yield Visit(arrived, arrived + timedelta(minutes=minutes), round(down), round(up))


def rush(rng: random.Random, since: datetime, until: datetime) -> Iterator[Visit]:
    """Yield the visits of a July day with a market in the village: many people, a few minutes each; ends."""
    at = since
    while (at := at + timedelta(hours=rng.expovariate(_RUSH_AN_HOUR))) < until:
        down = rng.uniform(*_DOWN_BYTES)
        stay = timedelta(minutes=rng.uniform(5, 2 * _MEDIAN_VISIT_MIN))
        yield Visit(at, at + stay, round(down), round(down * rng.uniform(*_UP_SHARE)))


def kiosk_uses(seed: str, since: datetime, *, a_day: float) -> Iterator[KioskUse]:
    """Yield uses of one kiosk, one after another, whatever the season: who finds it taken goes away."""
    free_from = since
    for arrived, rng in _arrivals(seed, since, expected=lambda day: a_day * people(day) / season(day)):
        languages = _LANGUAGES_JULY if arrived.astimezone(VILLAGE_ZONE).month == JULY else _LANGUAGES
        use = KioskUse(arrived, tuple(_views(rng, arrived)), _one_of(rng, languages), _one_of(rng, _ENDS))
        if arrived >= free_from:
            free_from = use.ends_at
            yield use


def _arrivals(
    seed: str, since: datetime, *, expected: Callable[[date], float]
) -> Iterator[tuple[datetime, random.Random]]:
    """Yield arrivals from the beginning of a day on, with the randomness to draw the rest of each from.

    A Poisson process by day: steps in which equally many come, stretched to the hours in which they come.
    """
    day = since.astimezone(VILLAGE_ZONE).date()
    while True:
        rng = random.Random(f"{seed}/{day}")
        begins_at, ends_at = midnight(day).astimezone(UTC), midnight(day + DAY).astimezone(UTC)
        many, share = expected(day), 0.0
        while (share := share + rng.expovariate(many)) < 1:
            yield begins_at + (ends_at - begins_at) * _time_of_day(share), rng
        day += DAY


def _time_of_day(share: float) -> float:
    """Return when, as a part of the day, this share of the day's people has come."""
    hour = bisect.bisect(_UPTO_HOUR, share) - 1
    within = (share - _UPTO_HOUR[hour]) / (_UPTO_HOUR[hour + 1] - _UPTO_HOUR[hour])
    return (hour + within) / 24


def _views(rng: random.Random, at: datetime) -> Iterator[View]:
    tries, chance = _MORE_VIEWS
    more = sum(rng.random() < chance for _ in range(tries))
    for page in ("start", *rng.choices(_PAGES, k=more)):
        dwell_s = round(min(rng.lognormvariate(math.log(_MEDIAN_DWELL_S), 0.8), _LONGEST_DWELL_S), 1)
        at += timedelta(seconds=dwell_s)
        yield View(page, dwell_s, at)


def _one_of(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]
