"""Time added up: exact until it is shown, and rounded in one place."""

from decimal import Decimal

import pytest

from services.availability.conditions import Condition, Stretch
from services.availability.figures import Figures, Times, percent

TIMES = Times(up=700, degraded=50, lost=20, down=30, blind=100, maintenance=100)


def test_the_six_add_up_to_the_window() -> None:
    assert (TIMES.window, TIMES.counted, TIMES.known) == (1000, 900, 800)
    assert (TIMES.available, TIMES.unavailable) == (750, 50)
    assert str(TIMES.availability) == "93.75"
    assert str(TIMES.coverage) == "88.88"


@pytest.mark.parametrize(
    ("times", "availability"),
    [
        (Times(), None),
        (Times(maintenance=5), None),
        (Times(blind=5), None),
        (Times(up=80, blind=20), Decimal(100)),
        (Times(up=79, blind=21), None),
        (Times(up=799_999, blind=200_001), None),
        (Times(down=10), Decimal(0)),
    ],
)
def test_below_four_fifths_of_the_time_there_is_no_number(times: Times, availability: Decimal | None) -> None:
    assert times.availability == availability


def test_all_is_shown_only_for_all() -> None:
    assert str(percent(99_999, 100_000)) == "99.99"
    assert str(percent(31_535_999_999, 31_536_000_000)) == "99.99"
    assert str(percent(3, 3)) == "100.00"
    assert str(percent(1, 30_000)) == "0.00"


def test_stretches_are_added_up_by_what_they_say() -> None:
    stretches = [
        Stretch(index * 10, index * 10 + index + 1, condition) for index, condition in enumerate(Condition)
    ]
    assert Times.of(stretches) == Times(blind=1, down=2, lost=3, degraded=4, up=5, maintenance=7)


def test_days_are_added_exactly() -> None:
    day = Figures(days=1, clock=TIMES, service=Times(up=5), hours_known=True, outages=2)
    other = Figures(days=1, clock=Times(up=1), service=Times(), hours_known=False, outages=1)
    both = day.plus(other)
    assert both == other.plus(day)
    assert (both.days, both.outages, both.hours_known) == (2, 3, False)
    assert both.clock.up == 701
    assert day.plus(Figures()) == day
