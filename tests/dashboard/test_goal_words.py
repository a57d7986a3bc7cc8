"""Goals in words: rounded against whoever promised, in both languages."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import get_args

import pytest

from dashboard import goal_words
from services.goals.models import Budget, Scope, Status, Trend, Why
from services.tenants.models import Comparator, MetricName
from services.tenants.periods import PeriodKind, period_at
from tests.goals.promises import promise

MINUTE = 60_000


def plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "metric", "comparator", "said"),
    [
        (Fraction("99.999"), "wifi_availability", "at_least", "99,99 %"),
        (Fraction(100), "wifi_availability_open", "at_least", "100,00 %"),
        (Fraction(1, 3), "wifi_availability", "at_least", "0,33 %"),
        (Fraction("39.999"), "hours_per_week", "at_least", "39,99 h"),
        (Fraction("50.001"), "wifi_data_gb", "at_most", "50,01 GB"),
        (Fraction(50), "wifi_data_gb", "at_most", "50,00 GB"),
        (Fraction(1234), "visitor_days", "at_least", "1\N{NO-BREAK SPACE}234"),
        (Fraction(25, 2), "kiosk_sessions", "at_most", "13"),
        (Fraction(25, 2), "kiosk_sessions", "at_least", "12"),
    ],
)
def test_value_never_looks_better_than_it_is(
    value: Fraction, metric: MetricName, comparator: Comparator, said: str
) -> None:
    assert plain(goal_words.value_words(value, metric, comparator, lang="sv")) == plain(said)


def test_target_is_said_as_it_was_written() -> None:
    assert plain(goal_words.target_words(promise(target=Fraction("99.5")), "sv")) == "minst 99,5 %"
    goal = promise(metric="wifi_data_gb", comparator="at_most", target=Fraction(50))
    assert plain(goal_words.target_words(goal, "en")) == "at most 50 GB"


def test_budget_says_what_is_left_or_by_how_much_it_is_exceeded() -> None:
    assert (
        goal_words.budget_words(Budget(432 * MINUTE, 120 * MINUTE), "sv") == "5 h 12 min kvar av 7 h 12 min"
    )
    assert (
        goal_words.budget_words(Budget(60 * MINUTE, 65 * MINUTE), "sv")
        == "5 min mer än de 1 h 0 min som ryms"
    )
    assert goal_words.budget_words(Budget(432 * MINUTE, 0), "en") == "7 h 12 min left of 7 h 12 min"


@pytest.mark.parametrize(
    ("kind", "sv", "en"),
    [
        ("week", "vecka 53 2026", "week 53 2026"),
        ("month", "januari 2027", "January 2027"),
        ("quarter", "kvartal 1 2027", "quarter 1 2027"),
        ("year", "2027", "2027"),
    ],
)
def test_period_has_its_name(kind: PeriodKind, sv: str, en: str) -> None:
    period = period_at(kind, promise().valid_from.replace(year=2027))
    assert [goal_words.period_name(kind, period, lang) for lang in ("sv", "en")] == [sv, en]


def test_scope_is_a_point_or_all_of_a_kind() -> None:
    names = {"point": "Lidhult", "municipality": "Ljungby"}
    assert goal_words.scope_words(Scope("0781", "dp-x"), "sv", **names) == "Lidhult"
    assert goal_words.scope_words(Scope("0781", "dp-x"), "sv", point=None, municipality="Ljungby") == "dp-x"
    assert goal_words.scope_words(Scope("0781"), "sv", **names) == "alla servicepunkter i Ljungby"
    for kind in ("fixed", "mobile", "digital"):
        assert kind in goal_words.scope_words(Scope("0781", None, kind), "en", **names)


def test_everything_that_can_be_said_has_words_in_both_languages() -> None:
    everything: list[tuple[Callable[..., str], Iterable[object]]] = [
        (goal_words.metric_words, get_args(MetricName)),
        (goal_words.metric_notes, get_args(MetricName)),
        (goal_words.status_words, Status),
        (goal_words.why_words, Why),
        (goal_words.trend_words, Trend),
        (goal_words.every_words, get_args(PeriodKind)),
    ]
    for words, things in everything:
        for thing in things:
            swedish, english = words(thing, "sv"), words(thing, "en")
            assert swedish
            assert swedish != english, thing


def test_every_status_has_a_shape_of_its_own_where_it_matters() -> None:
    assert set(goal_words.MARKS) == set(Status)
    worst = [
        goal_words.MARKS[status] for status in (Status.NOT_MET, Status.AT_RISK, Status.INSUFFICIENT_DATA)
    ]
    assert len({*worst, goal_words.MARKS[Status.MET]}) == 4
