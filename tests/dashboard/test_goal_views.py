"""Which period is shown of a goal, and in which order goals stand."""

from datetime import UTC, date, datetime
from fractions import Fraction

from dashboard.goal_views import LONGEST_HISTORY, Names, counts, goal_views, shown
from services.goals.models import Goal, Part, Status, Verdict, Why
from services.goals.store import Result, Standing
from services.tenants.periods import Period, periods_of
from tests.goals.promises import promise

TODAY = date(2026, 11, 18)
NAMES = Names({("0781", "dp-lidhult"): "Lidhult", ("0781", "dp-lagan"): "Lagan"}, {"0781": "Ljungby"})
MONTHS = list(periods_of("month", date(2023, 1, 1), TODAY))


def result(period: Period, verdict: Verdict, *, is_over: bool = True) -> Result:
    return Result("0781", "g-wifi-lidhult", period, period.last, is_over, verdict, 1, datetime.now(UTC))


def met(value: int, *, projected: int | None = None, parts: tuple[Part, ...] = ()) -> Verdict:
    ends = None if projected is None else Fraction(projected)
    return Verdict(Status.MET, Fraction(1), Fraction(value), ends, parts=parts)


def standing(*verdicts: Verdict, goal: Goal | None = None) -> Standing:
    """Verdicts on the newest months, the newest first."""
    months = reversed(MONTHS[-len(verdicts) :]) if verdicts else ()
    return Standing(
        goal or promise(),
        tuple(result(month, verdict) for month, verdict in zip(months, verdicts, strict=True)),
    )


BEGUN = Verdict(Status.INSUFFICIENT_DATA, Fraction(0), why=Why.NOTHING_YET)


def test_period_that_has_just_begun_does_not_hide_the_one_before() -> None:
    both = standing(BEGUN, met(99))
    assert shown(both.results) == both.results[1]
    alone = standing(BEGUN)
    assert shown(alone.results) == alone.results[0]
    assert shown(()) is None


def test_trend_compares_where_it_is_going_with_the_period_before() -> None:
    def trend(*verdicts: Verdict) -> str:
        (view,) = goal_views([standing(*verdicts)], NAMES, TODAY, lang="sv")
        assert view.said is not None
        return view.said.trend

    assert trend(met(99), met(98)) == "bättre än perioden före"
    assert trend(met(10, projected=97), met(98)) == "sämre än perioden före"
    assert trend(met(0), met(0)) == "som perioden före"
    assert trend(met(10, projected=0), met(98)) == "sämre än perioden före"
    assert trend(met(99), Verdict(Status.INSUFFICIENT_DATA, Fraction(0), why=Why.LOW_COVERAGE)) == ""
    assert trend(met(99)) == ""


def test_history_is_as_long_as_can_be_read_and_its_table_says_the_same() -> None:
    (view,) = goal_views([standing(*[met(99)] * 40)], NAMES, TODAY, lang="en")
    assert view.history is not None
    assert len(view.history.measured) == len(view.history.about.table.rows) == LONGEST_HISTORY
    assert view.history.about.says == f"Met: {LONGEST_HISTORY}."
    assert view.history.about.table.rows[0][0] == "November 2026"
    (alone,) = goal_views([standing(met(99))], NAMES, TODAY, lang="en")
    assert alone.history is None


def test_points_stand_by_their_names_with_what_they_contributed() -> None:
    parts = (Part("dp-lagan", None, Fraction(0)), Part("dp-lidhult", Fraction("99.5"), Fraction(1)))
    (view,) = goal_views([standing(met(99, parts=parts))], NAMES, TODAY, lang="en")
    assert view.said is not None
    assert [(part.name, part.value.replace("\N{NO-BREAK SPACE}", " ")) for part in view.said.parts] == [
        ("Lagan", "Not known"),
        ("Lidhult", "99.50 %"),
    ]


def test_only_goals_that_hold_are_counted() -> None:
    ended = promise(id="g-old", valid_until=date(2026, 10, 31))
    lost = Verdict(Status.NOT_MET, Fraction(1), Fraction(1))
    views = goal_views([standing(lost, goal=ended), standing(met(99))], NAMES, TODAY, lang="en")
    assert [view.id for view in views] == ["g-wifi-lidhult", "g-old"]
    assert counts(views, "en") == [(Status.MET, 1, "Met")]
