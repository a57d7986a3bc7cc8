"""What kind of day it is in a Swedish village: how many people are about, and how hard the weather is on the wires.

The magnitudes are assumptions (docs/simulator.md), not measurements.
"""

from datetime import date, datetime, time, timedelta
from functools import cache

from opening_hours import OpeningHours, State

from gateway.simulator.pace import VILLAGE_ZONE

DAY = timedelta(days=1)
JULY = 7

# By month, against winter: July is three winters.
_SEASON = (1.0, 1.0, 1.0, 1.1, 1.3, 2.0, 3.0, 2.4, 1.4, 1.1, 1.0, 1.0)
# Monday to Sunday, against the mean of the week: errands before the weekend, and a quiet Sunday.
_WEEK = (0.95, 0.95, 0.95, 1.0, 1.15, 1.15, 0.85)
_PUBLIC_HOLIDAY = 0.6  # the shop is closed
_SCHOOL_HOLIDAY = 1.2
_SCHOOL_HOLIDAY_WEEKS = (9, 44)  # winter and autumn break, the same in much of the country
# By month, against the mean of the year: wind, wet snow and ice on the lines in winter, thunder in July.
_STORMS = (1.5, 1.2, 1.0, 0.7, 0.7, 0.8, 1.0, 0.9, 0.6, 0.7, 1.4, 1.5)
STORM_MONTHS = (11, 12, 1, 2)


def season(day: date) -> float:
    """Return how many winters' worth of visitors there are in this month."""
    return _SEASON[day.month - 1]


def people(day: date) -> float:
    """Return how many people are about on a day, against the mean of a winter's week."""
    if day in public_holidays(day.year):
        special = _PUBLIC_HOLIDAY
    elif day.isocalendar().week in _SCHOOL_HOLIDAY_WEEKS:
        special = _SCHOOL_HOLIDAY
    else:
        special = 1.0
    return season(day) * _WEEK[day.weekday()] * special


def storms(month: int) -> float:
    """Return how many outages a month (1 to 12) has, against the mean of the year."""
    return _STORMS[month - 1]


@cache
def public_holidays(year: int) -> frozenset[date]:
    """Return Sweden's public holidays, midsummer's eve and Christmas eve among them."""
    whole = OpeningHours("PH", country="SE").intervals(datetime(year, 1, 1), datetime(year + 1, 1, 1))  # noqa: DTZ001 - local days
    found: set[date] = set()
    for begins, ends, state, _comment in whole:
        days = (begins.date() + DAY * number for number in range((ends - begins).days))
        found.update(days if state == State.OPEN else ())
    return frozenset(found)


def midnight(day: date) -> datetime:
    """Return when a local day begins."""
    return datetime.combine(day, time(), VILLAGE_ZONE)
