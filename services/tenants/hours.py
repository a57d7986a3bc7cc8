"""Opening hours in OpenStreetMap's notation: open now, the next change, and an ordinary week.

Read with Sweden's public holidays, midsummer's eve and Christmas eve among them (docs/status-of-a-point.md).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State, validate

SWEDEN = ZoneInfo("Europe/Stockholm")

# A change farther away than this is no news to anyone; it also bounds the search of odd expressions.
_HORIZON_DAYS = 366
# Five rules a day that meet for a whole year; whoever asks waits for the walk over them (microseconds each).
_MOST_RULES = 2000
_HOLIDAY = re.compile(r"\bPH\b")


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a place is open, and when that changes (aware, Swedish time; `None`: not within a year)."""

    is_open: bool
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """An open part of a day; `ends` at or before `starts` is after midnight, 00:00 to 00:00 the whole day."""

    starts: time
    ends: time

    @property
    def is_whole_day(self) -> bool:
        """Open from midnight to midnight."""
        return self.starts == self.ends == time()


@dataclass(frozen=True, slots=True)
class Week:
    """Open spans of Monday to Sunday in one week, and of public holidays where the hours name them."""

    days: tuple[tuple[Span, ...], ...]
    holidays: tuple[Span, ...] | None

    @property
    def is_always_open(self) -> bool:
        """Open around the clock, every day."""
        every = self.days if self.holidays is None else (*self.days, self.holidays)
        return all(len(day) == 1 and day[0].is_whole_day for day in every)


def opening_at(expression: str | None, now: datetime) -> Opening | None:
    """Open or closed at `now` (aware), or `None` when the hours are not known or do not say."""
    hours = _parsed(expression, "SE")
    if hours is None:
        return None
    here = now.astimezone(SWEDEN)
    state, _comment = hours.state(here)
    if state == State.UNKNOWN:
        return None
    # Two rules that meet are a change of rule, not of state: go on until the door really moves.
    ahead = hours.intervals(here, here + timedelta(days=_HORIZON_DAYS))
    changes = (starts for starts, _ends, then, _comment in islice(ahead, _MOST_RULES) if then != state)
    return Opening(is_open=state == State.OPEN, changes_at=next(changes, None))


def week_of(expression: str | None, day: date) -> Week | None:
    """An ordinary week at the time of year of `day`, or `None` when the hours are not known."""
    ordinary = _parsed(expression, None)
    if ordinary is None or expression is None:
        return None
    monday = day - timedelta(days=day.weekday())
    week = (datetime.combine(monday + timedelta(days=number), time(), SWEDEN) for number in (0, 7))
    if any(state == State.UNKNOWN for _starts, _ends, state, _comment in ordinary.intervals(*week)):
        return None
    days = tuple(_spans(ordinary, monday + timedelta(days=number)) for number in range(7))
    holidays = None
    if _HOLIDAY.search(expression) and (with_holidays := _parsed(expression, "SE")):
        # Christmas Day is a public holiday every year, whatever its weekday.
        holidays = _spans(with_holidays, date(day.year, 12, 25))
    return Week(days=days, holidays=holidays)


def spans_on(expression: str | None, day: date) -> tuple[Span, ...] | None:
    """What opens on one day, public holidays counted, or `None` when the hours are not known or do not say."""
    hours = _parsed(expression, "SE")
    if hours is None:
        return None
    starts_at = datetime.combine(day, time(), SWEDEN)
    whole = hours.intervals(starts_at, datetime.combine(day + timedelta(days=1), time(), SWEDEN))
    if any(state == State.UNKNOWN for _starts, _ends, state, _comment in whole):
        return None
    return _spans(hours, day)


@lru_cache(maxsize=4096)
def _parsed(expression: str | None, country: str | None) -> OpeningHours | None:
    if not expression or not validate(expression):
        return None
    return OpeningHours(
        expression,
        timezone=SWEDEN,
        country=country,
        auto_country=False,
        auto_timezone=False,
        max_interval_days=_HORIZON_DAYS,
    )


def _spans(hours: OpeningHours, day: date) -> tuple[Span, ...]:
    """What opens on `day`: a span that began the evening before belongs to that evening."""
    starts_at = datetime.combine(day, time(), SWEDEN)
    ends_at = datetime.combine(day + timedelta(days=1), time(), SWEDEN)
    noon_after = ends_at + timedelta(hours=12)
    spans = []
    for opens_at, closes_at, state, _comment in hours.intervals(starts_at, noon_after):
        if state != State.OPEN or opens_at >= ends_at:
            continue
        if opens_at == starts_at and closes_at < ends_at and _was_open(hours, starts_at):
            continue
        last = closes_at if closes_at < noon_after else ends_at
        spans.append(Span(opens_at.timetz().replace(tzinfo=None), last.timetz().replace(tzinfo=None)))
    return tuple(spans)


def _was_open(hours: OpeningHours, at: datetime) -> bool:
    return hours.state(at - timedelta(minutes=1))[0] == State.OPEN
