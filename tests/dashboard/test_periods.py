"""Periods end with yesterday in Sweden, and only those that are offered can be asked for."""

from datetime import UTC, date, datetime

import pytest

from dashboard.periods import DAYS, period_of, period_words

# Already the 17th in Sweden.
NOW = datetime(2026, 9, 16, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(("asked", "days"), [(None, 30), ("", 30), ("7", 7), ("365", 365), ("1", 1)])
def test_period_is_whole_days_until_yesterday(asked: str | None, days: int) -> None:
    period = period_of(asked, NOW)
    assert period is not None
    assert (period.days, period.last, len(period.all_days)) == (days, date(2026, 9, 16), days)
    assert period.all_days[0] == period.first
    assert period.all_days[-1] == period.last
    assert period.is_live == (days == 1)


@pytest.mark.parametrize("asked", ["0", "8", "-7", "all", "7 ", "3650000"])
def test_what_is_not_offered_is_no_period(asked: str) -> None:
    assert period_of(asked, NOW) is None


def test_choices_can_be_fewer() -> None:
    assert period_of("1", NOW, choices=(7, 30)) is None


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_choice_has_a_name(lang: str) -> None:
    assert len({period_words(days, lang) for days in DAYS}) == len(DAYS)
