"""Figures in words: never without coverage, never rounded up, and no number where too little is known."""

from decimal import Decimal

import pytest

from dashboard.figure_words import calendar_of, figure_views, figure_words, mark_of, percent_words, total
from services.availability.figures import Figures, Times

HOUR = 3_600_000


def times(**hours: float) -> Times:
    return Times(**{name: int(value * HOUR) for name, value in hours.items()})


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (times(up=22.5, down=1.5), "93,75\N{NO-BREAK SPACE}%"),
        (times(up=24), "100,00\N{NO-BREAK SPACE}%"),
        (Times(up=86_399_999, down=1), "99,99\N{NO-BREAK SPACE}%"),
        (times(up=19.1, blind=4.9), "Underlag saknas"),
        (times(), "Underlag saknas"),
        (times(maintenance=24), "Underhåll hela tiden"),
        (times(maintenance=23, down=1), "0,00\N{NO-BREAK SPACE}%"),
    ],
)
def test_figure_is_a_number_only_when_enough_is_known(of: Times, words: str) -> None:
    assert figure_words(of, "sv") == words


def test_closed_time_has_no_figure() -> None:
    assert figure_words(Times(), "en", is_closed=True) == "Closed"


@pytest.mark.parametrize(
    ("of", "mark"),
    [
        (times(up=23, degraded=1), "working"),
        (times(up=23, lost=1), "partly"),
        (times(down=24), "down"),
        (times(up=1, blind=23), "unknown"),
        (times(maintenance=24), "maintenance"),
        (times(), "unknown"),
    ],
)
def test_mark_says_the_worst_that_is_known(of: Times, mark: str) -> None:
    assert mark_of(of) == mark


def test_calendar_says_maintenance_before_closed() -> None:
    assert calendar_of(Figures(1, times(up=24), times(up=8))) == ""
    assert calendar_of(Figures(1, times(up=24), Times())) == "closed"
    assert calendar_of(Figures(1, times(up=24), Times(), hours_known=False)) == ""
    assert calendar_of(Figures(1, times(up=20, maintenance=4), Times())) == "maintenance"


def test_each_figure_comes_with_its_coverage_and_unknown_hours_give_none() -> None:
    figures = Figures(1, times(up=21, down=1, blind=2), times(up=8), outages=1)
    assert [(view.kind, view.number, view.coverage) for view in figure_views(figures, "en")] == [
        ("clock", "95.45\N{NO-BREAK SPACE}%", "91.66\N{NO-BREAK SPACE}%"),
        ("service", "100.00\N{NO-BREAK SPACE}%", "100.00\N{NO-BREAK SPACE}%"),
    ]
    unknown = Figures(1, times(up=1, blind=23), Times(), hours_known=False)
    assert [(view.kind, view.number) for view in figure_views(unknown, "en")] == [("clock", None)]


def test_days_add_up() -> None:
    days = [
        Figures(1, times(up=24), times(up=8), outages=1),
        Figures(1, times(down=25), Times(), hours_known=False),
    ]
    assert total(days) == Figures(2, times(up=24, down=25), times(up=8), hours_known=False, outages=1)


def test_percent_is_written_as_the_reader_does() -> None:
    assert [percent_words(Decimal("99.70"), lang) for lang in ("sv", "en")] == [
        "99,70\N{NO-BREAK SPACE}%",
        "99.70\N{NO-BREAK SPACE}%",
    ]
