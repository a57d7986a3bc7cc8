"""Today's open hours as a bar: minutes of a Swedish clock."""

from datetime import UTC, datetime

import pytest

from dashboard.day_hours import today_of

WEDNESDAY_NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "stretches"),
    [
        ("Mo-Fr 09:00-18:00", [(540, 540)]),
        ("Mo-Fr 09:00-12:00,13:00-18:00", [(540, 180), (780, 300)]),
        ("24/7", [(0, 1440)]),
        ("Sa 10:00-14:00", []),
        ("Mo-Su 18:00-02:00", [(0, 120), (1080, 360)]),
        ("Tu 18:00-02:00", [(0, 120)]),
        ("We 18:00-24:00", [(1080, 360)]),
    ],
)
def test_open_hours_stand_where_the_clock_says(hours: str, stretches: list[tuple[int, int]]) -> None:
    today = today_of(hours, WEDNESDAY_NOON)
    assert today is not None
    assert [(part.x, part.width) for part in today.stretches] == stretches
    assert (today.now, today.whole) == (720, 1440)


def test_holiday_is_shut_where_the_hours_say_so() -> None:
    christmas = datetime(2026, 12, 25, 11, tzinfo=UTC)
    today = today_of("Mo-Fr 09:00-18:00; PH off", christmas)
    assert today is not None
    assert today.stretches == ()


def test_hours_that_are_not_known_have_no_bar() -> None:
    assert today_of(None, WEDNESDAY_NOON) is None
    assert today_of("when the flag is up", WEDNESDAY_NOON) is None
    assert today_of("We 09:00-12:00 unknown", WEDNESDAY_NOON) is None
