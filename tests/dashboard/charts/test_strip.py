"""Days as cells and instants as stretches: everything at its place, nothing beyond the ends."""

from dashboard.charts.strip import Cell, Stretch, stretches, strip_of_days
from tests.dashboard.charts.charted import ABOUT


def cell(mark: str, calendar: str = "", label: str = "") -> Cell:
    return Cell(mark, calendar, f"{mark} day", label)


def test_each_day_has_its_cell_and_the_calendar_lies_below() -> None:
    strip = strip_of_days(
        [cell("working", label="mo"), cell("down", "closed"), cell("down", "closed"), cell("unknown")], ABOUT
    )
    assert [(each.mark, each.x, each.width, each.words) for each in strip.measured] == [
        ("working", 2, 21, "working day"),
        ("down", 27, 21, "down day"),
        ("down", 52, 21, "down day"),
        ("unknown", 77, 21, "unknown day"),
    ]
    assert strip.calendar == (Stretch(25, 50, "closed", "closed"),)
    assert [(label.at, label.words) for label in strip.labels] == [(12.5, "mo")]


def test_equal_days_of_a_year_are_one_stretch_and_fill_it() -> None:
    days = [cell("working")] * 200 + [cell("down")] + [cell("working")] * 164
    strip = strip_of_days(days, ABOUT)
    assert [(each.mark, each.words) for each in strip.measured] == [
        ("working", ""),
        ("down", "down day"),
        ("working", ""),
    ]
    assert abs(sum(each.width for each in strip.measured) - 100) < 0.01


def test_no_days_are_no_cells() -> None:
    strip = strip_of_days([], ABOUT)
    assert (strip.measured, strip.calendar, strip.labels) == ((), (), ())


def test_stretches_are_cut_to_the_time_shown() -> None:
    spans = [
        (-50, -10, "up", "a"),
        (-10, 25, "up", "b"),
        (25, 50, "down", "c"),
        (90, 140, "up", "d"),
        (100, 110, "up", "e"),
    ]
    assert stretches(spans, first=0, last=100) == (
        Stretch(0, 25, "up", "b"),
        Stretch(25, 25, "down", "c"),
        Stretch(90, 10, "up", "d"),
    )
