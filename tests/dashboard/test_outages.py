"""Outages are what did not work for visitors, whole across midnight and changes of cause, newest first."""

from dashboard.outages import Outage, outages
from services.availability.conditions import Condition, Stretch


def test_neighbours_are_one_outage_and_what_reaches_the_end_goes_on() -> None:
    line = [
        Stretch(0, 10, Condition.DOWN),
        Stretch(10, 20, Condition.UP),
        Stretch(20, 24, Condition.LOST),
        Stretch(24, 26, Condition.DOWN),
        Stretch(26, 30, Condition.DOWN),
        Stretch(30, 40, Condition.DEGRADED),
        Stretch(40, 50, Condition.MAINTENANCE),
        Stretch(50, 60, Condition.BLIND),
        Stretch(60, 70, Condition.LOST),
    ]
    assert outages(line, until=70) == [
        Outage(60, None, 10, silent=False, without_internet=True),
        Outage(20, 30, 10, silent=True, without_internet=True),
        Outage(0, 10, 10, silent=True, without_internet=False),
    ]
    assert [outage.end for outage in outages(line[-1:], until=71)] == [70]


def test_nothing_is_no_outage() -> None:
    assert outages([], until=5) == []
    assert outages([Stretch(0, 5, Condition.UP)], until=5) == []
