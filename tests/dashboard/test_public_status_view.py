"""The public status page as values: the order of points, the cells of their days, and days told in words."""

from collections.abc import Mapping
from datetime import date, timedelta

from dashboard.pages.public_status import past_view
from dashboard.periods import Period
from dashboard.points import PointView
from dashboard.public_history import Day, Overview, PointYear, Summary
from dashboard.public_status_view import (
    LATELY,
    MOST_TOLD,
    figure_text,
    is_lately_counted,
    lately,
    status_rows,
)
from services.availability.figures import Figures, Times
from tests.dashboard.examples import view

HOUR = 3_600_000
LAST = date(2026, 11, 17)
PERIOD = Period(90, LAST - timedelta(days=89), LAST)
WHOLE = Times(up=24 * HOUR)


def overview(days: Mapping[str, list[Day]]) -> Overview:
    summaries = {("0583", point): Summary(WHOLE, WHOLE, those) for point, those in days.items()}
    return Overview(PERIOD, summaries, ())


def day(ago: int, *, unavailable: float = 0, blind: float = 0, outages: int = 1) -> Day:
    mark = "partly" if unavailable else "working"
    lengths = int(unavailable * HOUR), int(blind * HOUR)
    return Day(LAST - timedelta(days=ago), mark, "", *lengths, outages if unavailable else 0)


def named(point: str, *, device: str = "up", reason: str = "heard", status: str = "active") -> PointView:
    return view(id=point, names={"sv": point}, device=device, reason=reason, status=status)


def test_points_come_by_what_their_state_means_to_a_visitor() -> None:
    views = [
        named("works-b"),
        named("paused", device="down", status="paused"),
        named("late", device="degraded", reason="late"),
        named("unknown", device="blind", reason="not_watched"),
        named("offline", device="degraded", reason="uplink_lost"),
        named("works-a"),
        named("away", device="down", reason="silent"),
    ]
    groups = status_rows(views, overview({}), "sv")
    assert [(group, [row.view.id for row in rows]) for group, rows in groups] == [
        ("trouble", ["away", "offline", "late"]),
        ("unknown", ["unknown"]),
        ("working", ["works-a", "works-b"]),
        ("paused", ["paused"]),
    ]


def test_cells_stand_in_their_place_whatever_is_missing() -> None:
    days = [day(ago) for ago in (40, 39, 2, 1, 0)]
    ((_group, (row,)),) = status_rows([named("a")], overview({"a": days}), "sv")
    assert [(round(x * 0.9), round(width * 0.9), mark) for x, width, mark in row.measured] == [
        (49, 2, "working"),
        (87, 3, "working"),
    ]
    assert row.says == "Tillgänglig: 5 dygn, Inte räknat: 85 dygn"
    assert [figure.counted for figure in row.figures] == [3, 5]


def test_a_day_names_those_that_were_away_longest_and_counts_the_others() -> None:
    views = [named(f"p-{number:02}") for number in range(MOST_TOLD + 3)]
    days = {each.id: [day(1, unavailable=1 + number / 10)] for number, each in enumerate(views)}
    days["p-00"].append(day(0, blind=0.5))
    newest, before = lately(views, overview(days))
    assert newest.unseen
    assert (newest.unseen.points, newest.unseen.longest, newest.told) == (1, HOUR // 2, ())
    assert [each.view.id for each in before.told] == [f"p-{number:02}" for number in range(12, 2, -1)]
    assert (before.more, before.unseen) == (3, None)


def test_what_is_longer_ago_than_the_last_days_is_not_told() -> None:
    days = [day(LATELY, unavailable=2), day(LATELY - 1, unavailable=1, outages=0)]
    (only,) = lately([named("a")], overview({"a": days}))
    assert (only.day, only.told[0].outages) == (LAST - timedelta(days=LATELY - 1), 0)


def test_without_a_counted_day_lately_nothing_is_said_of_outages() -> None:
    views = [named("a"), named("b")]
    assert not is_lately_counted(views, overview({}))
    assert not is_lately_counted(views, overview({"a": [day(LATELY)], "elsewhere": [day(0)]}))
    assert is_lately_counted(views, overview({"b": [day(LATELY - 1)]}))


def test_figure_says_of_how_many_days_when_some_are_missing() -> None:
    assert figure_text(Times(up=9, down=1), 30, 30, "en").counted is None
    some = figure_text(Times(up=9, down=1), 12, 30, "en")
    assert (some.number, some.coverage, some.mark, some.counted) == (
        "90.00\N{NO-BREAK SPACE}%",
        "100.00\N{NO-BREAK SPACE}%",
        "partly",
        12,
    )
    assert figure_text(Times(up=7, blind=3), 30, 30, "en").number == "Not enough data"


def test_year_of_a_point_has_periods_that_end_with_yesterday() -> None:
    whole = Period(365, LAST - timedelta(days=364), LAST)
    up, down = Figures(1, WHOLE, Times(up=8 * HOUR)), Figures(1, Times(down=24 * HOUR), Times(down=8 * HOUR))
    days = [(each, down if each == LAST - timedelta(days=60) else up) for each in whole.all_days]
    past = past_view(PointYear(whole, days, 0, ()), "en")
    assert [(each.days, each.counted, each.figures[0].number) for each in past.periods] == [
        (30, 30, "100.00\N{NO-BREAK SPACE}%"),
        (90, 90, "98.88\N{NO-BREAK SPACE}%"),
        (365, 365, "99.72\N{NO-BREAK SPACE}%"),
    ]
    assert [each for each, _figures in past.days] == [LAST - timedelta(days=60)]
    assert {past.quarter.about.id, past.year.about.id, past.months.about.id} == {
        "quarter",
        "year",
        "availability",
    }
