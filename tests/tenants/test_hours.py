from datetime import UTC, date, datetime, time
from time import process_time

import pytest

from services.tenants.hours import SWEDEN, Opening, Span, opening_at, spans_on, week_of

SHOP = "Mo-Fr 09:00-18:00; Sa 10:00-14:00; Su,PH off"
WHOLE_DAY = Span(time(), time())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SWEDEN)


@pytest.mark.parametrize(
    ("now", "is_open", "changes_at"),
    [
        ("2024-06-03T08:59", False, "2024-06-03T09:00"),
        ("2024-06-03T09:00", True, "2024-06-03T18:00"),
        ("2024-06-03T18:00", False, "2024-06-04T09:00"),
        ("2024-06-08T10:00", True, "2024-06-08T14:00"),
        ("2024-06-09T12:00", False, "2024-06-10T09:00"),
        # The national day and midsummer's eve.
        ("2024-06-06T12:00", False, "2024-06-07T09:00"),
        ("2024-06-21T12:00", False, "2024-06-24T09:00"),
        ("2024-12-24T12:00", False, "2024-12-27T09:00"),
    ],
)
def test_shop_is_open_or_closed_and_says_until_when(now: str, is_open: bool, changes_at: str) -> None:  # noqa: FBT001 - a case of the table
    assert opening_at(SHOP, at(now)) == Opening(is_open=is_open, changes_at=at(changes_at))


def test_time_in_utc_is_read_on_a_swedish_clock() -> None:
    assert opening_at(SHOP, datetime(2024, 6, 3, 7, 0, tzinfo=UTC)) == Opening(
        is_open=True, changes_at=at("2024-06-03T18:00")
    )


def test_night_when_the_clock_goes_back_is_crossed() -> None:
    opening = opening_at("Sa 20:00-04:00", at("2024-10-26T23:00"))
    assert opening == Opening(is_open=True, changes_at=at("2024-10-27T04:00"))
    assert opening.changes_at is not None
    assert opening.changes_at.astimezone(UTC) == datetime(2024, 10, 27, 3, tzinfo=UTC)


def test_always_open_never_changes() -> None:
    assert opening_at("24/7", at("2024-06-03T12:00")) == Opening(is_open=True, changes_at=None)


def test_rules_that_meet_are_no_change() -> None:
    opening = opening_at('Mo-Fr 09:00-12:00 "manned", Mo-Fr 12:00-18:00', at("2024-06-03T10:00"))
    assert opening == Opening(is_open=True, changes_at=at("2024-06-03T18:00"))


@pytest.mark.parametrize(
    "expression",
    [
        'Mo-Fr 00:00-24:00 "bemannad"; Sa,Su 00:00-24:00 "obemannad"',
        'Mo-Su 00:00-09:00 "obemannad", 09:00-17:00 "bemannad", 17:00-24:00 "obemannad"',
        ", ".join(f'00:{minute:02d}-00:{minute + 1:02d} "{minute}"' for minute in range(24))
        + ", 00:24-24:00",
    ],
)
def test_door_that_never_moves_is_soon_told(expression: str) -> None:
    assert len(expression) <= 500
    began = process_time()
    assert opening_at(expression, at("2024-06-03T12:00")) == Opening(is_open=True, changes_at=None)
    assert process_time() - began < 0.5  # some milliseconds where it was written


def test_change_beyond_a_year_is_no_news() -> None:
    assert opening_at("2024-2025 10:00-12:00; 2026 off", at("2025-12-31T13:00")) == Opening(
        is_open=False, changes_at=None
    )
    assert opening_at("2026 Jun 01 10:00-12:00", at("2024-06-03T12:00")) == Opening(
        is_open=False, changes_at=None
    )
    assert opening_at("2026 Jun 01 10:00-12:00", at("2025-06-03T12:00")) == Opening(
        is_open=False, changes_at=at("2026-06-01T10:00")
    )


def test_change_after_weeks_of_meeting_rules_is_found() -> None:
    opening = opening_at('Mo-Su 00:00-12:00 "a", 12:00-24:00 "b"; Dec 24 off', at("2024-01-03T12:00"))
    assert opening == Opening(is_open=True, changes_at=at("2024-12-24T00:00"))


@pytest.mark.parametrize("expression", [None, "", "when the flag is up", "unknown", "Mo[[", "\0", "9" * 5000])
def test_hours_that_are_not_known_are_not_guessed(expression: str | None) -> None:
    assert opening_at(expression, at("2024-06-03T12:00")) is None
    assert week_of(expression, date(2024, 6, 3)) is None


def test_week_is_an_ordinary_one_even_around_a_holiday() -> None:
    week = week_of(SHOP, date(2024, 6, 6))
    assert week is not None
    assert week.days == (
        *[(Span(time(9), time(18)),)] * 5,
        (Span(time(10), time(14)),),
        (),
    )
    assert week.holidays == ()
    assert not week.is_always_open


def test_week_of_a_place_that_never_closes() -> None:
    week = week_of("24/7", date(2024, 6, 6))
    assert week is not None
    assert week.days == ((WHOLE_DAY,),) * 7
    assert week.holidays is None
    assert week.is_always_open


def test_open_night_belongs_to_its_evening() -> None:
    week = week_of("Fr 22:00-02:00", date(2024, 6, 6))
    assert week is not None
    assert [len(day) for day in week.days] == [0, 0, 0, 0, 1, 0, 0]
    assert week.days[4] == (Span(time(22), time(2)),)


def test_week_follows_the_season() -> None:
    summer_only = "Jun-Aug Mo-Su 10:00-20:00"
    summer, winter = week_of(summer_only, date(2024, 7, 1)), week_of(summer_only, date(2024, 1, 1))
    assert summer is not None
    assert winter is not None
    assert summer.days[0] == (Span(time(10), time(20)),)
    assert winter.days == ((),) * 7


def test_a_days_spans_know_holidays_and_what_is_not_known() -> None:
    shop = "Mo-Fr 09:00-18:00; PH off"
    assert spans_on(shop, date(2026, 11, 18)) == (Span(time(9), time(18)),)
    assert spans_on(shop, date(2026, 12, 25)) == ()
    assert spans_on(shop, date(2026, 11, 21)) == ()
    assert spans_on("24/7", date(2026, 11, 18)) == (Span(time(), time()),)
    assert spans_on("We unknown", date(2026, 11, 18)) is None
    assert spans_on(None, date(2026, 11, 18)) is None
