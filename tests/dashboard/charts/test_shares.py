"""Shares of time: the axis begins below the least of them, 100 % is the top, and what is not known is no dot."""

import pytest

from dashboard.charts.shares import Dot, Line, Values, percent_number, share_scale, shares_chart
from tests.dashboard.charts.charted import ABOUT


@pytest.mark.parametrize(
    ("least", "low"),
    [
        (10_000, 9_900),
        (9_900, 9_900),
        (9_899, 9_500),
        (9_499, 9_000),
        (8_999, 8_000),
        (7_999, 5_000),
        (4_999, 0),
    ],
)
def test_axis_begins_at_the_highest_edge_below_all(least: int, low: int) -> None:
    scale = share_scale([10_000, least])
    assert (scale.low, scale.high) == (low, 10_000)


def test_axis_of_nothing_begins_at_nought() -> None:
    assert share_scale([]).low == 0


def test_lines_stop_where_nothing_is_known() -> None:
    shares = shares_chart(
        [Values("whole", [10_000, 9_500, None, 9_750], ["a", "b", "c", "d"])],
        ["1", "2", "3", "4"],
        ABOUT,
        lang="sv",
    )
    (series,) = shares.series
    assert series.dots == (Dot(12.5, 0, "a"), Dot(37.5, 100, "b"), Dot(87.5, 50, "d"))
    assert series.lines == (Line(12.5, 0, 37.5, 100),)
    assert series.gaps == (Dot(62.5, 100, "c"),)
    assert shares.low == 95
    assert [(tick.at, tick.words) for tick in shares.ticks][::5] == [(100, "95"), (0, "100")]
    assert [label.words for label in shares.labels] == ["1", "2", "3", "4"]


def test_two_series_share_one_scale() -> None:
    low, high = [Values("whole", [5_500], [""]), Values("open", [9_999], [""])]
    chart = shares_chart([low, high], ["1"], ABOUT, lang="en")
    assert [series.dots[0].y for series in chart.series] == [90, 0.02]


def test_per_cent_has_no_more_decimals_than_it_needs() -> None:
    assert [percent_number(value, "sv") for value in (10_000, 9_960, 9_975, 0)] == [
        "100",
        "99,6",
        "99,75",
        "0",
    ]
    assert percent_number(9_960, "en") == "99.6"
