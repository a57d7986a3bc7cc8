"""Times as people in Sweden read them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard.web import times

SUMMER = datetime(2026, 6, 3, 7, 40, tzinfo=UTC)


def test_clock_and_day_are_those_of_sweden() -> None:
    assert times.clock(SUMMER) == "09:40"
    assert times.clock(SUMMER.replace(month=12)) == "08:40"
    assert times.day(SUMMER.replace(hour=23), "sv") == "4 juni 2026"
    assert times.day(date(2026, 6, 3), "en") == "3 June 2026"


def test_stamp_names_the_day_unless_it_is_today() -> None:
    assert times.stamp(SUMMER, SUMMER + timedelta(hours=5), "sv") == "09:40"
    assert times.stamp(SUMMER, SUMMER + timedelta(days=1), "sv") == "3 juni 09:40"
    assert times.stamp(SUMMER, SUMMER + timedelta(days=300), "en") == "3 Jun 2026 09:40"
    assert times.precise(SUMMER, SUMMER, "sv") == "09:40:00"
    midnight = datetime(2026, 6, 2, 22, tzinfo=UTC)
    assert times.stamp(midnight, midnight, "sv") == "00:00"


@pytest.mark.parametrize(
    ("seconds", "swedish", "english"),
    [
        (0, "för 1 sekund sedan", "1 second ago"),
        (59, "för 59 sekunder sedan", "59 seconds ago"),
        (5 * 60, "för 5 minuter sedan", "5 minutes ago"),
        (3 * 3600, "för 3 timmar sedan", "3 hours ago"),
        (2 * 86400, "för 2 dagar sedan", "2 days ago"),
        (-30, "för 1 sekund sedan", "1 second ago"),
    ],
)
def test_how_long_ago_is_said_in_words(seconds: int, swedish: str, english: str) -> None:
    now = SUMMER + timedelta(seconds=seconds)
    assert times.ago(SUMMER, now, "sv") == swedish
    assert times.ago(SUMMER, now, "en") == english


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (8, "8 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (13_680, "3 h 48 min"),
        (86_400, "24 h 0 min"),
    ],
)
def test_how_long_something_lasts(seconds: float, words: str) -> None:
    assert times.lasting(timedelta(seconds=seconds)) == words


def test_machines_get_utc_with_milliseconds() -> None:
    assert times.machine(times.local(SUMMER)) == "2026-06-03T07:40:00.000Z"
