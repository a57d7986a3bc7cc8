"""What the registry itself answers: hours a week over whole weeks, and the fewest services at any time."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.goals.models import Scope, Why
from services.goals.registered import hours_a_week, weeks_of
from services.goals.standing import Point, fewest, within
from services.runtime.spans import Span
from services.tenants.hours import NO_EXCEPTIONS, open_spans
from services.tenants.periods import Period, period_at
from services.tenants.wallclock import midnight, whole_days

STORE = "Mo-Fr 09:00-18:00; Sa 10:00-14:00; Su,PH off"


def hours(expression: str, weeks: Period, *, been_until: date | None = None) -> Fraction | None:
    spans = open_spans(expression, NO_EXCEPTIONS, *weeks)
    return hours_a_week({"sp-a": spans}, weeks, been_until=midnight(been_until or weeks.last)).value


def test_the_regular_week_of_a_country_store_is_forty_nine_hours() -> None:
    week = period_at("week", date(2024, 6, 12))
    assert hours(STORE, week) == 49
    assert hours(STORE, period_at("week", date(2024, 6, 5))) == 40  # the national day is a Thursday


def test_the_clock_that_moves_takes_no_hour_from_who_is_closed_then() -> None:
    assert hours(STORE, period_at("week", date(2026, 3, 29))) == 49
    assert hours("24/7", period_at("week", date(2026, 3, 29))) == 167
    assert hours("24/7", period_at("week", date(2026, 10, 25))) == 169


def test_a_month_with_five_sundays_is_not_less_open_than_another() -> None:
    assert {
        hours("Mo-Fr 08:00-16:00", weeks_of(period_at("month", date(2026, month, 1))))
        for month in range(1, 13)
    } == {40}


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_week_belongs_to_exactly_one_month(day: date) -> None:
    week, months = period_at("week", day), {period_at("month", day)}
    months |= {period_at("month", week.first), period_at("month", week.last)}
    owners = [month for month in months if weeks_of(month).first <= week.first <= weeks_of(month).last]
    assert len(owners) == 1
    assert weeks_of(owners[0]).days % 7 == 0


def test_hours_to_come_may_still_be_changed() -> None:
    week = period_at("week", date(2024, 6, 12))
    spans = open_spans(STORE, NO_EXCEPTIONS, *week)
    measured = hours_a_week({"sp-a": spans}, week, been_until=midnight(date(2024, 6, 12)))
    assert [measured.value, measured.least, measured.most] == [
        Fraction(49),
        Fraction(18),
        Fraction(18 + 5 * 24),
    ]
    before = hours_a_week({"sp-a": spans}, week, been_until=midnight(date(2024, 6, 1)))
    assert [before.least, before.most] == [Fraction(0), Fraction(168)]
    after = hours_a_week({"sp-a": spans}, week, been_until=midnight(date(2024, 7, 1)))
    assert after.least == after.most == 49


def test_hours_that_are_not_known_lower_the_coverage_and_not_the_mean() -> None:
    week = period_at("week", date(2024, 6, 12))
    known = open_spans(STORE, NO_EXCEPTIONS, *week)
    measured = hours_a_week({"sp-a": known, "sp-b": None}, week, been_until=0)
    assert [measured.value, measured.coverage] == [Fraction(49), Fraction(1, 2)]
    assert [(part.point, part.value) for part in measured.parts] == [("sp-a", 49), ("sp-b", None)]
    assert hours_a_week({"sp-b": None}, week, been_until=0).why is Why.NOTHING_KNOWN
    assert hours_a_week({}, week, been_until=0).coverage == 0


JUNE = whole_days(date(2026, 6, 1), date(2026, 6, 30))
MIDDLE = midnight(date(2026, 6, 15))
BOTH = frozenset({"dagligvaror", "post_paket", "wifi"})


def point(name: str, *offered: tuple[Span, frozenset[str]], used: Span = JUNE) -> Point:
    return Point("0583", name, "fixed", (used,), offered)


def test_services_are_as_many_as_there_were_at_the_worst_time() -> None:
    always = point("sp-a", (JUNE, BOTH))
    assert fewest([always], JUNE) == 2  # Wi-Fi is none of the five
    until = point(
        "sp-a", (Span(JUNE.start, MIDDLE), BOTH), (Span(MIDDLE, JUNE.end), frozenset({"post_paket"}))
    )
    assert fewest([until], JUNE) == 1
    other = point("sp-b", (JUNE, frozenset({"dagligvaror", "drivmedel"})))
    assert fewest([until, other], JUNE) == 3  # what two points have counts once
    paused = point("sp-a", (JUNE, BOTH), used=Span(JUNE.start, MIDDLE))
    assert fewest([paused], JUNE) == 0
    assert fewest([], JUNE) == 0


def test_a_scope_holds_a_point_or_all_of_a_kind_that_were_in_use() -> None:
    fixed, digital = point("sp-a"), Point("0583", "dp-b", "digital", (JUNE,), ())
    planned, other = Point("0583", "sp-c", "fixed", (), ()), Point("0781", "sp-d", "fixed", (JUNE,), ())
    everywhere = [fixed, digital, planned, other]
    assert within(Scope("0583"), everywhere) == [fixed, digital]
    assert within(Scope("0583", "sp-a"), everywhere) == [fixed]
    assert within(Scope("0583", None, "digital"), everywhere) == [digital]
    assert within(Scope("0583", "sp-c"), everywhere) == []
