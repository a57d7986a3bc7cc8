"""What is said of a goal: a pure function of what was promised and what was measured (docs/goals.md)."""

from fractions import Fraction

from services.goals.models import Budget, Goal, Measured, Spent, Status, Trend, Verdict, Why
from services.tenants.models import Comparator

ENOUGH = Fraction(80, 100)
"""With less coverage than this nothing is said of a goal."""


def evaluate(goal: Goal, measured: Measured, *, is_over: bool) -> Verdict:
    """Judge a goal in a period that is over, or that goes on.

    Over: met or not. Going on: not met only when no end of the period can meet it any longer; else at risk when it is
    missed if things go on as they have.
    """
    value, why = measured.value, _why_not(measured)
    if value is None or why is not None:
        return Verdict(Status.INSUFFICIENT_DATA, measured.coverage, why=why, parts=measured.parts)
    return Verdict(
        status=_over(goal, value) if is_over else _going_on(goal, measured),
        coverage=measured.coverage,
        value=value,
        projected=None if is_over else measured.projected,
        budget=None if measured.spent is None else budget(goal.target, measured.spent),
        parts=measured.parts,
    )


def reaches(comparator: Comparator, target: Fraction, value: Fraction) -> bool:
    """Whether a value is what was promised."""
    return value >= target if comparator == "at_least" else value <= target


def budget(target: Fraction, spent: Spent) -> Budget:
    """The time out of order that a target in per cent allows, of all time that is known or will be.

    Whole milliseconds, rounded down: at the end of the period something is left exactly when the target is reached.
    """
    allowed = (spent.known + spent.rest) * (100 - target) / 100
    return Budget(allowance=allowed.numerator // allowed.denominator, used=spent.unavailable)


def trend(comparator: Comparator, value: Fraction | None, before: Fraction | None) -> Trend | None:
    """Whether a value is better than that of the period before; None where either is not known."""
    if value is None or before is None:
        return None
    if value == before:
        return Trend.SAME
    return Trend.BETTER if (value > before) == (comparator == "at_least") else Trend.WORSE


def _why_not(measured: Measured) -> Why | None:
    if measured.why is not None:
        return measured.why
    if measured.value is None:
        return Why.NOTHING_KNOWN
    return Why.LOW_COVERAGE if measured.coverage < ENOUGH else None


def _over(goal: Goal, value: Fraction) -> Status:
    return Status.MET if reaches(goal.comparator, goal.target, value) else Status.NOT_MET


def _going_on(goal: Goal, measured: Measured) -> Status:
    best = measured.most if goal.comparator == "at_least" else measured.least
    if best is not None and not reaches(goal.comparator, goal.target, best):
        return Status.NOT_MET
    ends = measured.projected
    if ends is not None and reaches(goal.comparator, goal.target, ends):
        return Status.ON_TRACK
    return Status.AT_RISK
