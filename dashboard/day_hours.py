"""The open hours of today as a bar from midnight to midnight."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.tenants.hours import NO_EXCEPTIONS, SWEDEN, Span, spans_on

WHOLE = 24 * 60
"""The bar's width: a minute of the clock is one. A day of 23 or 25 hours is drawn like any other."""


@dataclass(frozen=True, slots=True)
class OpenStretch:
    """An open part of the day, in minutes of the clock; it has no state of a device."""

    x: int
    width: int
    state: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """The open parts of a day, and where it is now."""

    stretches: tuple[OpenStretch, ...]
    now: int
    whole: int = WHOLE


def today_of(
    expression: str | None, now: datetime, *, exceptions: Mapping[date, str] = NO_EXCEPTIONS
) -> Today | None:
    """Today's open hours on a Swedish clock, or `None` when the hours are not known."""
    here = now.astimezone(SWEDEN)
    spans = spans_on(expression, here.date(), exceptions=exceptions)
    if spans is None:
        return None
    # What opened yesterday and goes on after midnight belongs to this morning too.
    yesterday = spans_on(expression, here.date() - timedelta(days=1), exceptions=exceptions)
    before = [span for span in yesterday or () if _goes_on(span)]
    stretches = [_stretch(0, _minutes(span.ends)) for span in before]
    stretches += [
        _stretch(
            _minutes(span.starts), WHOLE if span.is_whole_day or _goes_over(span) else _minutes(span.ends)
        )
        for span in spans
    ]
    return Today(tuple(stretches), _minutes(here.time()))


def _goes_over(span: Span) -> bool:
    return span.ends <= span.starts


def _goes_on(span: Span) -> bool:
    return _goes_over(span) and not span.is_whole_day and span.ends != time()


def _stretch(begin: int, end: int) -> OpenStretch:
    return OpenStretch(begin, end - begin)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
