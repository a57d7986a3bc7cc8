"""The last 24 hours as a strip: every millisecond at its place, closed time and work below."""

from dashboard.live_strip import MARKS, condition_words, live_strip
from dashboard.point_past import Live
from services.availability.conditions import Condition, Stretch
from services.availability.figures import Figures
from services.runtime.spans import Span

HOUR = 3_600_000
# Midnight in Sweden, in winter.
START = 1_768_086_000_000


def test_strip_has_both_bands_its_clock_and_a_table_in_order() -> None:
    hours = [
        (0, 6, Condition.UP),
        (6, 12, Condition.LOST),
        (12, 18, Condition.MAINTENANCE),
        (18, 24, Condition.BLIND),
    ]
    line = [Stretch(START + first * HOUR, START + last * HOUR, what) for first, last, what in hours]
    closed = (Span(START, START + 8 * HOUR),)
    strip = live_strip(Live(Span(START, START + 24 * HOUR), line, closed, Figures()), "en")
    assert [(part.mark, part.x, part.width) for part in strip.measured] == [
        ("working", 0, 25),
        ("down", 25, 25),
        ("maintenance", 50, 25),
        ("unknown", 75, 25),
    ]
    assert [(part.mark, part.x, part.width) for part in strip.calendar] == [
        ("closed", 0, 33.333),
        ("maintenance", 50, 25),
    ]
    assert [(label.at, label.words) for label in strip.labels] == [
        (0, "00:00"),
        (25, "06:00"),
        (50, "12:00"),
        (75, "18:00"),
        (100, "00:00"),
    ]
    assert strip.about.table.rows[:3] == (
        ("00:00", "06:00", "Working", "6 h 0 min"),
        ("00:00", "08:00", "Closed", "8 h 0 min"),
        ("06:00", "12:00", "No internet", "6 h 0 min"),
    )
    assert (
        strip.about.says
        == "Working: 6 h 0 min, No internet: 6 h 0 min, Maintenance: 6 h 0 min, Not known: 6 h 0 min."
    )
    assert [key.look for key in strip.about.keys] == ["working", "down", "unknown", "maintenance", "closed"]


def test_every_condition_has_a_mark_and_words() -> None:
    assert set(MARKS) == set(Condition)
    assert all(
        len({condition_words(each, lang) for each in Condition}) == len(Condition) for lang in ("sv", "en")
    )
