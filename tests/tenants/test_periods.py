"""Weeks, months, quarters and years cover the calendar without gap or overlap."""

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tenants.periods import Period, PeriodKind, period_at, periods_of

KINDS = st.sampled_from(get_args(PeriodKind))
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("week", date(2026, 11, 16), date(2026, 11, 22)),
        ("month", date(2026, 11, 1), date(2026, 11, 30)),
        ("quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ("year", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_day_lies_in_its_period(kind: PeriodKind, first: date, last: date) -> None:
    period = period_at(kind, date(2026, 11, 18))
    assert period == Period(first, last)
    assert period.days == (last - first).days + 1


def test_february_has_a_leap_day_and_a_week_may_lie_in_two_years() -> None:
    assert period_at("month", date(2028, 2, 10)).last == date(2028, 2, 29)
    assert period_at("week", date(2027, 1, 1)) == Period(date(2026, 12, 28), date(2027, 1, 3))


@given(kind=KINDS, day=DAYS)
def test_every_day_of_a_period_names_the_same_one(kind: PeriodKind, day: date) -> None:
    period = period_at(kind, day)
    assert period.first <= day <= period.last
    assert {period_at(kind, period.first), period_at(kind, period.last)} == {period}
    assert period_at(kind, period.last + timedelta(days=1)).first == period.last + timedelta(days=1)


@given(kind=KINDS, first=DAYS, days=st.integers(0, 800))
def test_periods_follow_each_other(kind: PeriodKind, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    periods = list(periods_of(kind, first, last))
    assert periods[0] == period_at(kind, first)
    assert periods[-1] == period_at(kind, last)
    assert all(one.last + timedelta(days=1) == two.first for one, two in pairwise(periods))


def test_no_days_hold_no_periods() -> None:
    assert list(periods_of("month", date(2026, 2, 1), date(2026, 1, 31))) == []
