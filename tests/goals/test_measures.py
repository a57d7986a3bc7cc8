"""Metrics from what was counted: exact, with the bounds that they can still reach."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.goals.measures import Worked, amount, share
from services.goals.models import Part, Spent, Why, Window
from services.tenants.periods import Period

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
RUNNING = Window(NOVEMBER, date(2026, 11, 16))
OVER = Window(NOVEMBER, date(2026, 12, 1))


def test_a_window_knows_what_of_it_can_be_measured() -> None:
    assert RUNNING.measured == Period(date(2026, 11, 1), date(2026, 11, 15))
    assert (RUNNING.is_over, OVER.is_over) == (False, True)
    assert OVER.measured == NOVEMBER
    assert Window(NOVEMBER, date(2026, 11, 1)).measured is None


def test_an_amount_goes_on_at_its_pace_and_can_only_grow() -> None:
    measured = amount(
        Fraction(30), [Part("dp-x", Fraction(30), Fraction(1))], coverage=Fraction(1), window=RUNNING
    )
    assert [measured.value, measured.projected, measured.least] == [
        Fraction(number) for number in (30, 60, 30)
    ]
    assert measured.most is None
    assert amount(Fraction(30), coverage=Fraction(1), window=OVER).projected == 30


def test_of_an_amount_that_nobody_reports_nothing_is_known() -> None:
    assert amount(Fraction(0), coverage=Fraction(1), window=OVER).why is Why.NOTHING_KNOWN
    begun = Window(NOVEMBER, NOVEMBER.first)
    assert amount(Fraction(9), coverage=Fraction(1), window=begun).why is Why.NOTHING_YET


def test_a_share_of_points_is_that_of_their_time_together() -> None:
    one, two = Worked(90, 10, Fraction(100), 50), Worked(30, 0, Fraction(60), 25)
    both = one.plus(two)
    measured = share(both, [("dp-a", one), ("dp-b", two)], coverage=both.coverage)
    assert measured.value == Fraction(100 * 120, 130)
    assert measured.coverage == Fraction(130, 160)
    assert measured.spent == Spent(10, 130, 75)
    assert measured.parts == (
        Part("dp-a", Fraction(90), Fraction(1)),
        Part("dp-b", Fraction(100), Fraction(1, 2)),
    )


def test_where_the_hours_to_come_are_not_known_there_is_no_budget() -> None:
    measured = share(Worked(9, 1, Fraction(10), None), coverage=Fraction(1))
    assert measured.spent is None
    assert measured.most == 100
    assert Worked(1, 1, Fraction(2), 5).plus(Worked(1, 1, Fraction(2), None)).rest is None


def test_of_nothing_known_there_is_no_share() -> None:
    measured = share(Worked(0, 0, Fraction(0)), coverage=Fraction(0))
    assert (measured.value, measured.why) == (None, Why.NOTHING_KNOWN)
    assert measured.coverage == 0


@given(*(st.integers(0, 10**10) for _ in range(4)))
def test_what_can_still_be_reached_is_never_below_what_is(
    available: int, unavailable: int, blind: int, rest: int
) -> None:
    known = available + unavailable
    measured = share(Worked(available, unavailable, Fraction(known + blind), rest), coverage=Fraction(1))
    if measured.value is not None:
        assert measured.most is not None
        assert 0 <= measured.value <= measured.most <= 100
