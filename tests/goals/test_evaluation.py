"""What is said of a goal: exact, never met on missing data, and never better for more time out of order."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.evaluation import ENOUGH, budget, evaluate, reaches, trend
from services.goals.measures import Worked, share
from services.goals.models import Measured, Spent, Status, Trend, Verdict, Why
from services.tenants.models import Comparator
from tests.goals.promises import promise

HOUR = 3_600_000
JUDGED = {Status.MET, Status.NOT_MET}
# Better from left to right; too little data is neither better nor worse.
ORDER = [Status.NOT_MET, Status.AT_RISK, Status.ON_TRACK, Status.MET]

TIMES = st.integers(0, 40 * 24 * HOUR) | st.integers(0, 5)
TARGETS = st.fractions(0, 100, max_denominator=1000)


def worked(available: int, unavailable: int, *, blind: int = 0, rest: int = 0) -> Worked:
    return Worked(available, unavailable, Fraction(available + unavailable + blind), rest)


def say(time: Worked, target: Fraction | int = 99) -> Verdict:
    measured = share(time, coverage=time.coverage)
    return evaluate(promise(target=Fraction(target)), measured, is_over=time.rest == 0)


def test_a_day_with_an_outage_of_ninety_minutes_is_exact() -> None:
    verdict = say(worked(1350 * 60_000, 90 * 60_000), 90)
    assert (verdict.status, verdict.value, verdict.coverage) == (Status.MET, Fraction("93.75"), Fraction(1))
    assert verdict.budget is not None
    assert verdict.budget.allowance == 144 * 60_000
    assert verdict.budget.left == 54 * 60_000


def test_what_is_reached_exactly_is_met_and_a_millisecond_less_is_not() -> None:
    assert say(worked(99 * HOUR, HOUR)).status is Status.MET
    assert say(worked(99 * HOUR - 1, HOUR + 1)).status is Status.NOT_MET


def test_a_period_that_goes_on_is_on_track_then_at_risk_and_lost_only_for_certain() -> None:
    month = 30 * 24 * HOUR  # of which 1 per cent, 7 h 12 min, may be out of order
    allowed = month // 100
    assert say(worked(240 * HOUR, 2 * HOUR, rest=month - 242 * HOUR)).status is Status.ON_TRACK
    assert say(worked(240 * HOUR, 3 * HOUR, rest=month - 243 * HOUR)).status is Status.AT_RISK
    assert say(worked(240 * HOUR, allowed, rest=month - 240 * HOUR - allowed)).status is Status.AT_RISK
    late = allowed + 1
    assert say(worked(240 * HOUR, late, rest=month - 240 * HOUR - late)).status is Status.NOT_MET


def test_what_is_not_known_may_yet_turn_out_well() -> None:
    """Blind time can still be repaired: the goal is at risk, and not yet missed."""
    known = worked(880 * HOUR, 11 * HOUR, blind=209 * HOUR, rest=1)
    assert say(known).status is Status.AT_RISK
    verdict = say(known)
    assert verdict.budget is not None
    assert verdict.budget.left < 0
    assert say(worked(880 * HOUR, 11 * HOUR, rest=1)).status is Status.NOT_MET


@pytest.mark.parametrize("is_over", [True, False])
def test_without_enough_data_nothing_is_said(is_over: bool) -> None:  # noqa: FBT001 - a parameter of the test
    low = Measured(
        Fraction(100), Fraction(7999, 10_000), projected=Fraction(100), most=Fraction(0), spent=Spent(0, 1, 0)
    )
    verdict = evaluate(promise(), low, is_over=is_over)
    assert (verdict.status, verdict.why) == (Status.INSUFFICIENT_DATA, Why.LOW_COVERAGE)
    assert (verdict.value, verdict.projected, verdict.budget) == (None, None, None)
    nothing = evaluate(promise(), Measured(None, Fraction(1)), is_over=is_over)
    assert (nothing.status, nothing.why) == (Status.INSUFFICIENT_DATA, Why.NOTHING_KNOWN)
    absent = evaluate(promise(), Measured(None, Fraction(0), why=Why.NO_DATA_YET), is_over=is_over)
    assert absent.why is Why.NO_DATA_YET


def test_at_most_is_judged_the_other_way_round() -> None:
    goal = promise(metric="wifi_data_gb", comparator="at_most", target=Fraction(50))

    def status(value: int, projected: int, *, is_over: bool) -> Status:
        measured = Measured(
            Fraction(value), Fraction(1), projected=Fraction(projected), least=Fraction(value)
        )
        return evaluate(goal, measured, is_over=is_over).status

    assert status(50, 50, is_over=True) is Status.MET
    assert status(51, 51, is_over=True) is Status.NOT_MET
    assert status(20, 50, is_over=False) is Status.ON_TRACK
    assert status(20, 51, is_over=False) is Status.AT_RISK
    assert status(51, 90, is_over=False) is Status.NOT_MET


@given(
    available=TIMES, unavailable=TIMES, blind=TIMES, rest=TIMES, target=TARGETS, more=st.integers(1, 10**9)
)
def test_more_time_out_of_order_never_improves_what_is_said(
    available: int, unavailable: int, blind: int, rest: int, target: Fraction, more: int
) -> None:
    more = min(more, available)
    before = say(worked(available, unavailable, blind=blind, rest=rest), target)
    after = say(worked(available - more, unavailable + more, blind=blind, rest=rest), target)
    assert (before.why, before.coverage) == (after.why, after.coverage)
    if before.why is None:
        assert ORDER.index(after.status) <= ORDER.index(before.status)
        assert before.value is not None
        assert after.value is not None
        assert after.value <= before.value


@given(available=TIMES, unavailable=TIMES, blind=TIMES, rest=TIMES, target=TARGETS)
def test_low_coverage_is_never_met_nor_missed(
    available: int, unavailable: int, blind: int, rest: int, target: Fraction
) -> None:
    time = worked(available, unavailable, blind=blind, rest=rest)
    verdict = say(time, target)
    assert (verdict.status is Status.INSUFFICIENT_DATA) == (not time.known or time.coverage < ENOUGH)
    assert (verdict.value is None) == (verdict.status is Status.INSUFFICIENT_DATA)
    assert verdict.status not in JUDGED or verdict.coverage >= ENOUGH


@given(known=TIMES, unavailable=TIMES, rest=TIMES, target=TARGETS)
def test_what_is_left_and_what_is_used_are_the_allowance_and_nothing_is_left_when_it_is_missed(
    known: int, unavailable: int, rest: int, target: Fraction
) -> None:
    unavailable = min(unavailable, known)
    spent = budget(target, Spent(unavailable, known, rest))
    assert spent.left + spent.used == spent.allowance
    assert spent.used == unavailable
    assert 0 <= (known + rest) * (1 - target / 100) - spent.allowance < 1
    if known and not rest:
        value = Fraction(100 * (known - unavailable), known)
        assert reaches("at_least", target, value) == (spent.left >= 0)


@given(available=TIMES, unavailable=TIMES, rest=TIMES.filter(bool), target=TARGETS, out=TIMES, blind=TIMES)
def test_lost_for_certain_is_lost_however_the_period_ends(
    available: int, unavailable: int, rest: int, target: Fraction, out: int, blind: int
) -> None:
    """Whatever part of the rest works, and whatever the unknown time turns out to be."""
    if say(worked(available, unavailable, blind=blind, rest=rest), target).status is not Status.NOT_MET:
        return
    fails = min(out, rest + blind)
    ended = worked(available + rest + blind - fails, unavailable + fails)
    assert say(ended, target).status is Status.NOT_MET


@pytest.mark.parametrize(
    ("comparator", "value", "before", "is_so"),
    [
        ("at_least", 2, 1, Trend.BETTER),
        ("at_least", 1, 2, Trend.WORSE),
        ("at_most", 1, 2, Trend.BETTER),
        ("at_most", 2, 1, Trend.WORSE),
        ("at_most", 2, 2, Trend.SAME),
        ("at_least", None, 2, None),
        ("at_least", 2, None, None),
    ],
)
def test_the_trend_is_towards_what_was_promised(
    comparator: Comparator, value: int | None, before: int | None, is_so: Trend | None
) -> None:
    def exact(number: int | None) -> Fraction | None:
        return None if number is None else Fraction(number)

    assert trend(comparator, exact(value), exact(before)) is is_so
