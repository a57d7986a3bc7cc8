"""A point's use by hour, day and month: a device's day counts where its end saw it, and sums lose nothing."""

from datetime import UTC, date, datetime, timedelta

from dashboard.periods import Period
from dashboard.point_past import last_day, subject_of
from dashboard.point_use import by_day, by_hour, together, use_of
from dashboard.usage_charts import Use
from services.status.moments import millis
from services.storage.database import Role, Tenants
from services.usage.store import Hour, Traffic, Which, usage_of
from tests.dashboard.lived import midnight
from tests.dashboard.staffed import Staffed

MONDAY = date(2026, 9, 14)
NOON = datetime(2026, 9, 16, 12, 30, tzinfo=UTC)


def hour(at: datetime, down: int) -> Hour:
    traffic = Traffic(
        clients_max=4, client_hours=1, client_seconds=3600, down_bytes=down, up_bytes=1, estimated=False
    )
    return Hour(
        municipality="0781", subject="p", hour=at, traffic=traffic, sessions=2, session_seconds=9, kiosk_sessions=0,
        kiosk_views=0,
    )  # fmt: skip


def test_hours_without_a_word_stay_empty() -> None:
    first = NOON.replace(minute=0) - timedelta(hours=3)
    view = by_hour([hour(first, 5), hour(first + timedelta(hours=3), 7)], first, NOON, "sv")
    assert view is not None
    assert [row[1] for row in view.bars.about.table.rows] == ["5 B", "–", "–", "7 B"]
    assert [row[0] for row in view.bars.about.table.rows] == ["11:00", "12:00", "13:00", "14:00"]
    assert view.figures[0].number == "12"
    assert by_hour([], first, NOON, "sv") is None


def test_days_and_months_lose_nothing() -> None:
    week = Period(7, MONDAY, MONDAY + timedelta(days=6))
    days = {MONDAY + timedelta(days=number): Use(down_bytes=number, clients_max=number) for number in (1, 3)}
    view = by_day(days, week, "en")
    assert view is not None
    assert [row[1] for row in view.bars.about.table.rows] == ["–", "1 B", "–", "3 B", "–", "–", "–"]
    year = Period(365, date(2025, 9, 15), MONDAY)
    by_month = by_day({day: Use(down_bytes=1) for day in year.all_days}, year, "en")
    assert by_month is not None
    assert len(by_month.bars.bars) == 13
    assert by_month.figures[0].number == "365"
    assert by_day({}, week, "en") is None


def test_together_adds_what_can_be_added() -> None:
    assert together([Use(1, 2, 9, 4, None, 6, 7), Use(1, 2, 3, 4, 5, 6, 7)]) == Use(2, 4, 9, 8, 5, 12, 14)
    assert together([]).visitors is None


async def test_day_counts_where_its_end_saw_the_device_as_in_the_sums(site: Staffed) -> None:
    today = midnight(site, 0).date()
    for ago in range(1, 8):
        await site.run(_USED, today - timedelta(days=ago))
    await site.run("INSERT INTO usage_lane (lane, counted_until) SELECT lane, $1 FROM lane_in_use", today)
    # Three days ago at noon it was moved away, and yesterday it came back.
    for since, point in ((midnight(site, 3), None), (midnight(site, 1), "dp-lidhult")):
        await site.run(_MOVED, since + timedelta(hours=12), point)
    period = Period(7, today - timedelta(days=7), today - timedelta(days=1))
    subject, window = subject_of("0781", "dp-lidhult"), last_day(millis(site.now()))
    async with site.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        view = await use_of(connection, subject, period, window, lang="sv")
        (summed,) = await usage_of(
            connection, period.first, period.last, by="point", which=Which(points=["dp-lidhult"])
        )
    assert view is not None
    assert [row[1] for row in view.bars.about.table.rows] == ["1,0 kB"] * 4 + ["–"] * 2 + ["1,0 kB"]
    assert view.figures[0].number == "5,0"
    assert (summed.traffic.down_bytes, summed.visitor_days.count.total) == (5_000, 15)
    assert [figure.number for figure in view.figures if figure.words.startswith("besöksdagar")] == ["15"]


_MOVED = """
INSERT INTO placement (municipality, device, since, point, kind, in_service)
VALUES ('0781', 'hs-lidhult-1', $1, $2, 'hotspot', true)
"""
_USED = """
INSERT INTO usage_day (municipality, device, day, samples, clients_max, client_hours, client_seconds, down_bytes,
    up_bytes, estimated, sessions, session_seconds, visitors, visitors_coverage, kiosk_sessions, kiosk_views)
VALUES ('0781', 'hs-lidhult-1', $1, 288, 12, 24, 3600, 1000, 100, false, 2, 60, 3, 10000, 0, 0)
"""
