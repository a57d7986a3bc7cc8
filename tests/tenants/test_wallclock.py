"""The Swedish wall clock in both directions, on the two nights of the year on which it moves."""

from datetime import UTC, date, datetime

import pytest

from services.runtime.spans import length
from services.tenants.wallclock import SWEDEN, ends_at, midnight, milliseconds, starts_at, swedish, whole_days

HOUR = 3_600_000


def utc(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("wall", "starts", "ends"),
    [
        ("2026-12-01T08:00", "2026-12-01T07:00", "2026-12-01T07:00"),
        ("2026-07-01T08:00", "2026-07-01T06:00", "2026-07-01T06:00"),
        # 29 March 2026: from 02:00 straight to 03:00.
        ("2026-03-29T01:59", "2026-03-29T00:59", "2026-03-29T00:59"),
        ("2026-03-29T02:00", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-03-29T02:30", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-03-29T02:59:59", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-03-29T03:00", "2026-03-29T01:00", "2026-03-29T01:00"),
        # 25 October 2026: 02:00 to 03:00 twice.
        ("2026-10-25T01:59", "2026-10-24T23:59", "2026-10-24T23:59"),
        ("2026-10-25T02:00", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("2026-10-25T03:00", "2026-10-25T02:00", "2026-10-25T02:00"),
    ],
)
def test_start_and_end_on_the_wall_clock(wall: str, starts: str, ends: str) -> None:
    assert starts_at(datetime.fromisoformat(wall)) == utc(starts)
    assert ends_at(datetime.fromisoformat(wall)) == utc(ends)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 6, 6), 24), (date(2026, 10, 25), 25)],
)
def test_days_have_the_hours_that_they_have(day: date, hours: int) -> None:
    assert length((whole_days(day, day),)) == hours * HOUR
    assert swedish(midnight(day)) == datetime(day.year, day.month, day.day, tzinfo=SWEDEN)


def test_milliseconds_and_back() -> None:
    at = datetime(2026, 10, 25, 2, 30, 0, 123_456, tzinfo=SWEDEN, fold=1)
    assert milliseconds(at) == utc("2026-10-25T01:30:00.123")
    assert swedish(milliseconds(at)) == at.replace(microsecond=123_000)
    assert swedish(milliseconds(at)).fold == 1
