"""Opening hours in OpenStreetMap's notation: open now, the next change, an ordinary week, and the open time of days.

Read with Sweden's public holidays, midsummer's eve and Christmas eve among them (docs/calendars.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from types import MappingProxyType

from opening_hours import OpeningHours, State, validate

from services.runtime.spans import Spans, common, spans_of, union
from services.tenants import wallclock
from services.tenants.wallclock import ends_at, midnight, milliseconds, starts_at, swedish, whole_days

SWEDEN = wallclock.SWEDEN

# A change farther away than this is no news to anyone; it also bounds the search of odd expressions.
_HORIZON_DAYS = 366
# Five rules a day that meet for a whole year; whoever asks waits for the walk over them (microseconds each).
_MOST_RULES = 2000
_HOLIDAY = re.compile(r"\bPH\b")
_DAY = timedelta(days=1)
# What is open over midnight and closes before this hour belongs to the evening on which it opened.
_NOON = time(12)
_SOON_DAYS = 8
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMES = r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)"

EXCEPTION = re.compile(rf"off|{_TIMES}(?:,{_TIMES})*", re.ASCII)
"""The hours of one day: `off`, or times with commas between; a time that ends before it starts is after midnight."""
NO_EXCEPTIONS: Mapping[date, str] = MappingProxyType({})
"""Hours as they always are."""


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


@dataclass(frozen=True, slots=True)
class _Held:
    """Sets of time: when it is open, and when the hours do not say."""

    open: Spans
    unknown: Spans


def opening_at(
    expression: str | None, now: datetime, *, exceptions: Mapping[date, str] = NO_EXCEPTIONS
) -> Opening | None:
    """Open or closed at `now` (aware), or `None` when the hours are not known or do not say."""
    here = now.astimezone(SWEDEN)
    if any(day >= here.date() - _DAY for day in exceptions):
        return _opening_among(exceptions, expression, here)
    hours = _parsed(expression, "SE")
    if hours is None:
        return None
    state, _comment = hours.state(here)
    if state == State.UNKNOWN:
        return None
    # Two rules that meet are a change of rule, not of state: go on until the door really moves.
    ahead = hours.intervals(here, here + timedelta(days=_HORIZON_DAYS))
    changes = (starts for starts, _ends, then, _comment in islice(ahead, _MOST_RULES) if then != state)
    return Opening(is_open=state == State.OPEN, changes_at=next(changes, None))


def open_spans(
    expression: str | None, exceptions: Mapping[date, str], first: date, last: date
) -> Spans | None:
    """The open time of the local days from `first` to `last`, both included, to the millisecond.

    An exception replaces what begins on its day: what began the evening before goes on after midnight. `None` when
    the hours of any of these days are not known or do not say.
    """
    held = _held(expression, exceptions, first, last)
    return None if held.unknown else held.open


def week_of(expression: str | None, day: date) -> Week | None:
    """An ordinary week at the time of year of `day`, or `None` when the hours are not known."""
    monday = day - timedelta(days=day.weekday())
    days = [_begun(expression, None, monday + timedelta(days=number)) for number in range(7)]
    if expression is None or any(begun.unknown for begun in days):
        return None
    holidays = None
    if _HOLIDAY.search(expression):
        # Christmas Day is a public holiday every year, whatever its weekday.
        holidays = _on_the_clock(_begun(expression, "SE", date(day.year, 12, 25)))
    return Week(days=tuple(_on_the_clock(begun) for begun in days), holidays=holidays)


def spans_on(
    expression: str | None, day: date, *, exceptions: Mapping[date, str] = NO_EXCEPTIONS
) -> tuple[Span, ...] | None:
    """What opens on one day, public holidays counted, or `None` when the hours are not known or do not say."""
    begun = _instead(exceptions[day], day) if day in exceptions else _begun(expression, "SE", day)
    return None if begun.unknown else _on_the_clock(begun)


def _opening_among(exceptions: Mapping[date, str], expression: str | None, now: datetime) -> Opening | None:
    instant, today = milliseconds(now), now.date()
    is_open = False
    for days in (_SOON_DAYS, _HORIZON_DAYS):
        held = _held(expression, exceptions, today, today + timedelta(days=days))
        if _holds(held.unknown, instant):
            return None
        is_open = _holds(held.open, instant)
        end = midnight(today + timedelta(days=days + 1))
        edges = (edge for span in (*held.open, *held.unknown) for edge in span)
        if changes := [edge for edge in edges if instant < edge < end]:
            return Opening(is_open=is_open, changes_at=swedish(min(changes)))
    return Opening(is_open=is_open, changes_at=None)


def _holds(spans: Spans, instant: int) -> bool:
    return any(span.start <= instant < span.end for span in spans)


def _held(expression: str | None, exceptions: Mapping[date, str], first: date, last: date) -> _Held:
    if any(first - _DAY <= day <= last for day in exceptions):
        return _held_among(exceptions, expression, first, last)
    return _held_as_ever(expression, first, last)


# A thousand points share a few dozen expressions.
@lru_cache(maxsize=16_384)
def _held_as_ever(expression: str | None, first: date, last: date) -> _Held:
    return _held_among(NO_EXCEPTIONS, expression, first, last)


def _held_among(exceptions: Mapping[date, str], expression: str | None, first: date, last: date) -> _Held:
    begun = [
        _instead(exceptions[day], day) if day in exceptions else _begun(expression, "SE", day)
        # No time of the notation ends later than the day after it began.
        for day in (first + timedelta(days=number) for number in range(-1, (last - first).days + 1))
    ]
    window = (whole_days(first, last),)
    return _Held(
        open=common(union(*(part.open for part in begun)), window),
        unknown=common(union(*(part.unknown for part in begun)), window),
    )


@lru_cache(maxsize=65_536)
def _begun(expression: str | None, country: str | None, day: date) -> _Held:
    """What begins on `day` by the hours as they always are."""
    today, tomorrow = whole_days(day, day)
    hours = _parsed(expression, country)
    if hours is None:
        return _Held((), spans_of([(today, tomorrow)]))
    noons = starts_at(datetime.combine(day, _NOON)), starts_at(datetime.combine(day + _DAY, _NOON))
    parts = list(hours.intervals(swedish(today) - timedelta(minutes=1), swedish(noons[1])))
    open_time, unknown = (
        spans_of(
            (max(start, today), end if end < noons[1] else tomorrow)
            for start, end in _runs(parts, state)
            if start < tomorrow and not (start < today and end < noons[0])
        )
        for state in (State.OPEN, State.UNKNOWN)
    )
    return _Held(open_time, unknown)


@lru_cache(maxsize=4096)
def _instead(hours: str, day: date) -> _Held:
    """What begins on `day` where only that day is spoken of."""
    dated = _parsed(f"{day.year} {_MONTHS[day.month - 1]} {day.day:02d} {hours}", None)
    if dated is None or not EXCEPTION.fullmatch(hours):
        return _Held((), spans_of([whole_days(day, day)]))
    today, after = whole_days(day, day + _DAY)
    return _Held(spans_of(_runs(list(dated.intervals(swedish(today), swedish(after))), State.OPEN)), ())


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


def _runs(parts: list[tuple[datetime, datetime, State, str]], state: State) -> Spans:
    """When `state` holds, whatever rules it comes from; on the night with an hour twice, for all of it."""
    return spans_of(
        (starts_at(starts.replace(tzinfo=None)), ends_at(ends.replace(tzinfo=None)))
        for starts, ends, then, _comment in parts
        if then == state
    )


def _on_the_clock(begun: _Held) -> tuple[Span, ...]:
    return tuple(Span(swedish(span.start).time(), swedish(span.end).time()) for span in begun.open)
