"""Times of the wall clock that come again by a rule: RFC 5545's RRULE, at most once a day (docs/calendars.md)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise

from dateutil.rrule import rrulestr

YEARS = range(2000, 2400)
"""The years in which something can be planned."""

_DAY_NAME = r"(?:MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"2[0-3]\d{6}(?:T\d{6})?",
    "BYDAY": rf"(?:-?[1-5])?{_DAY_NAME}(?:,(?:-?[1-5])?{_DAY_NAME})*",
    "BYMONTHDAY": r"-?\d\d?(?:,-?\d\d?)*",
    "BYMONTH": r"\d\d?(?:,\d\d?)*",
    "BYSETPOS": r"-?\d(?:,-?\d)*",
    "WKST": _DAY_NAME,
}
_MOST_CHARACTERS = 200
_COMPARED = 60
# The calendar repeats after 400 years, to the day of the week. A rule that never fits is walked to the year 9999, so
# it is read near its end: a quarter of a second for the worst, where three to six would stop everyone else.
_FAR_YEARS = 7600


class RuleRefused(ValueError):
    """A rule cannot be used; the message says why and what to do."""


def checked(rule: str, starts: datetime, length: timedelta) -> str:
    """The rule in its plain form, if what begins at `starts` and lasts `length` can come again by it.

    Raises `RuleRefused`.
    """
    plain = rule.strip().upper()
    _check_parts(plain)
    try:
        times = list(islice(_far(plain, starts), _COMPARED))
    except ValueError as error:
        raise RuleRefused(f"the rule {plain} cannot be read: {error}") from None
    if not times or _near(times[0]) != starts:
        raise RuleRefused(
            f"{starts:%A %Y-%m-%d} is none of the days that {plain} names: start on the first of them"
        )
    if any(following - before < length for before, following in pairwise(times)):
        raise RuleRefused(f"one time of {plain} begins before the one before it ends: make it shorter")
    return plain


def occurrences(rule: str, starts: datetime, *, after: datetime, before: datetime) -> Iterator[datetime]:
    """The times between two others, both included, at which a rule that was `checked` comes again."""
    for far in _far(rule, starts):
        time = _near(far)
        if time > before:
            return
        if time >= after:
            yield time


def _check_parts(rule: str) -> None:
    if len(rule) > _MOST_CHARACTERS:
        raise RuleRefused(f"the rule is longer than {_MOST_CHARACTERS} characters")
    seen: set[str] = set()
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if name in seen:
            raise RuleRefused(f"the rule names {name} twice")
        seen.add(name)
        if name not in _PARTS:
            known = ", ".join(_PARTS)
            raise RuleRefused(f"{name!r} is no part of a rule here; write FREQ=WEEKLY;BYDAY=TU, of {known}")
        if not re.fullmatch(_PARTS[name], value, re.ASCII):
            raise RuleRefused(f"{part!r} is not understood: {_HINTS.get(name, 'docs/calendars.md')}")
    if "FREQ" not in seen:
        raise RuleRefused("the rule does not say how often: FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
    if {"COUNT", "UNTIL"} <= seen:
        raise RuleRefused("a rule ends by COUNT or by UNTIL, not by both")


_HINTS = {
    "FREQ": "at most once a day, so DAILY, WEEKLY, MONTHLY or YEARLY",
    "INTERVAL": "a whole number from 1 to 999",
    "COUNT": "a whole number from 1 to 9999",
    "UNTIL": "a day or a Swedish time: 20261231 or 20261231T160000",
    "BYDAY": "days by two letters, as in MO,TH or 1MO (the first) or -1FR (the last)",
}


def _far(rule: str, starts: datetime) -> Iterator[datetime]:
    parts = dict(part.split("=") for part in rule.split(";"))
    if until := parts.get("UNTIL"):
        # A day is meant to its end.
        parts["UNTIL"] = f"{int(until[:4]) + _FAR_YEARS}{until[4:8]}{until[8:] or 'T235959'}"
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    return iter(rrulestr(text, dtstart=starts.replace(year=starts.year + _FAR_YEARS)))


def _near(far: datetime) -> datetime:
    return far.replace(year=far.year - _FAR_YEARS)
