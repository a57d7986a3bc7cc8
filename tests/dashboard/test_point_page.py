"""What a point's page says of its figures: which days, and how many of them."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from dashboard.outages import Outage
from dashboard.periods import Period
from dashboard.point_page import MOST_OUTAGES, days_view, live_view, outage_views, planned_views
from dashboard.point_past import Planned
from services.availability.figures import Figures, Times
from services.runtime.spans import Span
from services.status.moments import millis
from services.tenants.maintenance import Maintenance

NOW = datetime(2026, 9, 16, 10, tzinfo=UTC)
WEEK = Period(7, date(2026, 9, 9), date(2026, 9, 15))
DAY = Figures(1, Times(up=86_400_000), Times(), hours_known=True)


def test_days_that_are_not_counted_are_told() -> None:
    whole = days_view(WEEK, dict.fromkeys(WEEK.all_days, DAY), "sv")
    assert whole is not None
    assert whole.span_words == "Hela dygn, 9 sep. 2026 till 15 sep. 2026."
    some = days_view(WEEK, {WEEK.first: DAY}, "en")
    assert some is not None
    assert some.span_words == "Whole days, 9 Sept 2026 to 15 Sept 2026. 1 of 7 days are counted."
    assert [view.number for view in some.figures] == ["100.00\N{NO-BREAK SPACE}%"]
    assert days_view(WEEK, {}, "sv") is None
    assert live_view(None, NOW, "sv") is None


def test_outages_have_their_cause_and_the_newest_are_shown() -> None:
    found = [
        Outage(3, None, 60_000, silent=True, without_internet=False),
        Outage(2, 3, 5_400_000, silent=False, without_internet=True),
        Outage(1, 2, 1_000, silent=True, without_internet=True),
    ]
    views = outage_views(found, "sv")
    assert [(view.words, view.lasted, view.ends_at is None) for view in views] == [
        ("Ingen kontakt", "1 min", True),
        ("Internet saknas", "1 h 30 min", False),
        ("Ingen kontakt, en del av tiden utan internet", "1 s", False),
    ]
    assert len(outage_views(found * 20, "sv")) == MOST_OUTAGES


def test_planned_work_says_whose_it_is_and_whether_it_recurs() -> None:
    def planned(**changed: str | None) -> Planned:
        starts = NOW.replace(tzinfo=None) + timedelta(days=1)
        work = Maintenance(
            id=UUID(int=1), municipality="0781", starts=starts, ends=starts + timedelta(hours=1), reason="r",
            created_at=NOW, cancelled_at=None, **changed,
        )  # fmt: skip
        start = millis(NOW + timedelta(days=1))
        return Planned(work, Span(start, start + 3_600_000))

    views = planned_views([planned(point="p"), planned(device="d", rule="FREQ=DAILY"), planned()], NOW, "en")
    assert [(view.when, view.of) for view in views] == [
        ("17 Sept 12:00 – 17 Sept 13:00", "the whole place"),
        ("17 Sept 12:00 – 17 Sept 13:00 (recurs)", "d"),
        ("17 Sept 12:00 – 17 Sept 13:00", "the whole municipality"),
    ]
