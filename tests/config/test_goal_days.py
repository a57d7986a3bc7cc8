"""How many days something should be known of a point, and how much time is still to come."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from config.goal_days import Days, named
from services.availability.figures import Figures, Times
from services.availability.standing import Key
from services.goals.models import Scope, Window
from services.goals.standing import Point
from services.runtime.spans import Span
from services.tenants.periods import Period

JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
ALL = (Span(0, 10**14),)
LIDHULT = Point("0781", "dp-lidhult", "digital", ALL, ())
LAGAN = Point("0781", "dp-lagan", "digital", ALL, ())
POINT, MUNICIPALITY = Scope("0781", "dp-lidhult"), Scope("0781")
HOUR = 3_600_000


def known(figures: Mapping[str, Figures] | None = None, awaited: Mapping[str, date] | None = None) -> Days:
    return Days(
        window=Window(JUNE, date(2026, 7, 1)),
        days=JUNE,
        points=(LIDHULT, LAGAN),
        figures={Key("0781", name): each for name, each in (figures or {}).items()},
        awaited={("0781", name): day for name, day in (awaited or {}).items()},
        ahead=None,
    )


def ten_days(*, hours_known: bool = True) -> Figures:
    return Figures(
        days=10,
        clock=Times(up=230 * HOUR, down=10 * HOUR),
        service=Times(up=80 * HOUR),
        hours_known=hours_known,
    )


def expected(days: Days, scope: Scope) -> dict[str, int]:
    return {each.point.id: each.expected for each in days.of(scope)}


def test_a_points_own_goal_expects_every_day() -> None:
    assert expected(known({"dp-lidhult": ten_days()}), POINT) == {"dp-lidhult": 30}
    assert expected(known(), POINT) == {"dp-lidhult": 30}


def test_a_municipality_expects_a_point_from_its_registration_or_its_first_day() -> None:
    assert expected(known(), MUNICIPALITY) == {}
    late, early, after = date(2026, 6, 26), date(2026, 1, 1), date(2026, 7, 2)
    figures = {"dp-lidhult": ten_days()}
    assert expected(known(figures), MUNICIPALITY) == {"dp-lidhult": 10}
    assert expected(known(figures, {"dp-lidhult": late}), MUNICIPALITY) == {"dp-lidhult": 10}
    assert expected(known(figures, {"dp-lidhult": early}), MUNICIPALITY) == {"dp-lidhult": 30}
    assert expected(known(figures, {"dp-lagan": late}), MUNICIPALITY) == {"dp-lidhult": 10, "dp-lagan": 5}
    assert expected(known(None, {"dp-lagan": after}), MUNICIPALITY) == {}


def test_days_that_are_missing_are_time_that_is_not_known() -> None:
    (point,) = known({"dp-lidhult": ten_days()}).of(POINT)
    worked = point.worked(within_hours=False)
    assert worked is not None
    assert (worked.known, worked.expected, worked.coverage) == (
        240 * HOUR,
        Fraction(720 * HOUR),
        Fraction(1, 3),
    )
    opened = point.worked(within_hours=True)
    assert opened is not None
    assert (opened.known, opened.coverage) == (80 * HOUR, Fraction(1, 3))
    (silent,) = known().of(POINT)
    nothing = silent.worked(within_hours=False)
    assert nothing is not None
    assert (nothing.known, nothing.expected) == (0, Fraction(720 * HOUR))


def test_within_hours_that_are_not_known_nothing_can_be_said() -> None:
    (point,) = known({"dp-lidhult": ten_days(hours_known=False)}).of(POINT)
    assert point.worked(within_hours=True) is None
    (silent,) = known().of(POINT)
    assert silent.worked(within_hours=True) is None


def test_each_point_is_named_once_however_many_goals_are_about_it() -> None:
    assert named((LIDHULT, LAGAN), [POINT, MUNICIPALITY]) == [("0781", "dp-lagan"), ("0781", "dp-lidhult")]
