from datetime import UTC, datetime, timedelta

import pytest

from gateway.simulator.pace import FIRST_HOUR, VILLAGE_ZONE, Pace, rhythm_s

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval_s", "speed", "expected"), [(60, 1, 60), (60, 20, 3), (300, 60, 5), (60, 60, 1), (60, 600, 1)]
)
def test_rhythm_is_hurried_but_never_below_a_second(interval_s: int, speed: float, expected: int) -> None:
    assert rhythm_s(interval_s, speed) == expected
    assert Pace.beginning(NOW, speed).rhythm(interval_s) == timedelta(seconds=expected)


def test_at_natural_speed_the_village_keeps_our_time() -> None:
    pace = Pace.beginning(NOW, 1)
    assert pace.village(NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_a_hurried_village_begins_in_the_morning_and_lives_an_hour_a_minute() -> None:
    pace = Pace.beginning(NOW, 60)
    later = NOW + timedelta(minutes=1)
    assert pace.village(NOW).astimezone(VILLAGE_ZONE).hour == FIRST_HOUR
    assert pace.village(later) == pace.village(NOW) + timedelta(hours=1)
    assert pace.real(pace.village(later)) == later
