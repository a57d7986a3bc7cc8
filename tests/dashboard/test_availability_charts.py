"""Days as charts: a cell and a dot a day, months of a long period, and a table that says the same."""

from datetime import date, timedelta

from dashboard.availability_charts import Days, availability_chart, by_month, days_strip
from services.availability.figures import Figures, Times

HOUR = 3_600_000
MONDAY = date(2026, 9, 14)


def day(*, open_hours: int = 8, **hours: float) -> Figures:
    clock = Times(**{name: int(value * HOUR) for name, value in hours.items()})
    return Figures(1, clock, Times(up=open_hours * HOUR), outages=1 if clock.unavailable else 0)


def days(*figures: Figures | None, first: date = MONDAY) -> Days:
    return [(first + timedelta(days=number), each) for number, each in enumerate(figures)]


WEEK = days(
    None,
    day(up=24),
    day(up=22.5, down=1.5),
    day(up=5, blind=19),
    day(up=20, maintenance=4),
    day(up=24, open_hours=0),
)


def test_strip_has_a_cell_a_day_and_tells_the_runs_in_a_table() -> None:
    strip = days_strip(WEEK, "en")
    assert [cell.mark for cell in strip.measured] == [
        "",
        "working",
        "partly",
        "unknown",
        "working",
        "working",
    ]
    assert [(part.mark, part.x) for part in strip.calendar] == [("maintenance", 66.667), ("closed", 83.333)]
    assert strip.measured[2].words == "16 Sept 2026: 93.75\N{NO-BREAK SPACE}%"
    assert strip.measured[4].words == "18 Sept 2026: 100.00\N{NO-BREAK SPACE}%, maintenance some of the time"
    assert [key.look for key in strip.about.keys] == ["working", "partly", "unknown", "maintenance", "closed"]
    assert strip.about.says == (
        "Available: 3 days, Partly available: 1 day, Not enough data: 1 day, Not counted: 1 day."
    )
    equal = days_strip(days(*[day(up=24)] * 3), "sv")
    assert equal.about.table.rows == (("14 sep. – 16 sep. 2026", "3", "Tillgänglig", "–"),)


def test_chart_has_two_series_where_the_hours_are_known() -> None:
    chart = availability_chart(WEEK, "sv")
    assert [(series.look, len(series.dots), len(series.gaps)) for series in chart.series] == [
        ("whole", 4, 2),
        ("open", 4, 2),
    ]
    assert chart.low == 90
    assert [row[:5] for row in chart.about.table.rows][:3] == [
        ("14 sep. 2026", "–", "–", "–", "–"),
        ("15 sep. 2026", "100,00\N{NO-BREAK SPACE}%", "100,00\N{NO-BREAK SPACE}%")
        + ("100,00\N{NO-BREAK SPACE}%",) * 2,
        ("16 sep. 2026", "93,75\N{NO-BREAK SPACE}%", "100,00\N{NO-BREAK SPACE}%")
        + ("100,00\N{NO-BREAK SPACE}%",) * 2,
    ]
    assert chart.about.table.rows[3][1:3] == ("Underlag saknas", "20,83\N{NO-BREAK SPACE}%")
    assert chart.about.table.rows[5][3:5] == ("Stängt", "–")


def test_chart_has_one_series_where_the_hours_are_not_known() -> None:
    unknown = Figures(1, Times(up=24 * HOUR), Times(), hours_known=False)
    chart = availability_chart(days(day(up=24), unknown), "en")
    assert [series.look for series in chart.series] == ["whole"]
    assert chart.about.table.heads[1:4] == ("Around the clock", "Coverage", "Not available")


def test_long_periods_are_shown_by_the_month_and_lose_no_day() -> None:
    year = days(*[day(up=24)] * 200, *[day(up=23, down=1)] * 165, first=date(2025, 9, 16))
    steps = by_month(year, "en")
    assert len(steps) == 13
    assert sum(step.figures.days for step in steps if step.figures) == 365
    assert len(availability_chart(year, "en").series[0].dots) == 13
    assert availability_chart(year, "en").about.says.startswith("Around the clock at least 95.83")
    assert len(days_strip(year, "en").measured) == 2


def test_month_without_any_counted_day_says_nothing() -> None:
    year = days(*[None] * 40, day(up=24), first=date(2026, 1, 1))
    assert [step.figures is None for step in by_month(year, "sv")] == [True, False]


def test_nothing_known_says_so() -> None:
    assert availability_chart(days(None, None), "sv").about.says == "Underlag saknas"
