"""Goals measured from what is counted: points together, missing days, hours, and use that nobody saw."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import asyncpg

from config.goal_measures import MEASURES
from services.availability.figures import ENOUGH_PERCENT, percent
from services.goals.evaluation import ENOUGH
from services.goals.judging import GoalKeeper
from services.goals.metrics import METRICS, Source
from services.goals.models import Measured, Scope, Status, Why, Window
from services.goals.store import standings_of
from services.storage.database import Database, Lane, Role, Tenants
from services.tenants.importing import import_registry
from services.tenants.models import MetricName, RegistryFile
from services.tenants.periods import Period
from tests.support.villages import lane_of, villages

HOUR = 3_600_000
DAY = 24 * HOUR
JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
OVER = Window(JUNE, date(2026, 7, 1))
HALF = Window(JUNE, date(2026, 6, 16))
LIDHULT, LJUNGBY = Scope("0781", "dp-lidhult"), Scope("0781")
DAYS = """
INSERT INTO availability_day (municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms,
    maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms,
    hours_known, outages, computed_at)
SELECT
    '0781', 'point', $1, d, 1, 86400000 - $4::int - $5::int, 0, 0, $4, $5, 0, $6::int, 0, 0, $7::int, 0, 0, $8, 0, now()
FROM generate_series($2::date, $3::date, '1 day') AS d
"""
MONTHS = """
INSERT INTO availability_month (
    municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_days, outages,
    computed_at
)
SELECT municipality, kind, subject, '2026-06-01', count(*), sum(up_ms), sum(degraded_ms), sum(lost_ms), sum(down_ms),
    sum(blind_ms), sum(maintenance_ms), sum(open_up_ms), sum(open_degraded_ms), sum(open_lost_ms), sum(open_down_ms),
    sum(open_blind_ms), sum(open_maintenance_ms), count(*) FILTER (WHERE hours_known), sum(outages), now()
FROM availability_day GROUP BY 1, 2, 3
"""
USE = """
INSERT INTO usage_day (
    municipality, device, day, samples, clients_max, client_hours, client_seconds, down_bytes, up_bytes, estimated,
    sessions, session_seconds, visitors, visitors_coverage, kiosk_sessions, kiosk_views
)
SELECT '0781', $1, d, 1, 1, 1, 1, 900000000, 100000000, false, 7, 60, $4::int, $5::int, 3, 9
FROM generate_series($2::date, $3::date, '1 day') AS d
"""
MONTHS_OF_USE = """
INSERT INTO usage_month
SELECT municipality, device, '2026-06-01', count(*), sum(samples), max(clients_max), sum(client_hours),
    sum(client_seconds), sum(down_bytes), sum(up_bytes), bool_or(estimated), sum(sessions), 0, 0, sum(session_seconds),
    coalesce(sum(visitors), 0), 0, 0, count(visitors), coalesce(sum(visitors_coverage), 0), sum(kiosk_sessions), 0, 0,
    sum(kiosk_views)
FROM usage_day GROUP BY 1, 2
"""
OTHER_POINT = {
    "service_points": [
        {"id": "dp-lagan", "kind": "digital", "municipality": "0781", "name": {"sv": "Lagan"}},
        {"id": "sp-hamneda", "kind": "fixed", "municipality": "0781", "name": {"sv": "Hamneda"}},
    ],
    "devices": [{"id": "hs-lagan-1", "kind": "hotspot", "point": "dp-lagan"}],
}


class Village:
    """A database, and somebody who writes down what was counted."""

    def __init__(self, database: Database, admin_url: str) -> None:
        self.database = database
        self._admin_url = admin_url

    async def run(self, sql: str, *values: object) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            await connection.execute("SET search_path = bypunkt")
            await connection.execute(sql, *values)
        finally:
            await connection.close()

    async def days(
        self, point: str, first: int = 1, last: int = 30, *, down: int = 0, blind: int = 0,
        hours: tuple[int, int] | None = (0, 0),
    ) -> None:  # fmt: skip
        """Days of June: down and blind hours of each, and open hours up and down; None: not known."""
        up, out = hours or (0, 0)
        await self.run(
            DAYS, point, date(2026, 6, first), date(2026, 6, last), down * HOUR, blind * HOUR, up * HOUR, out * HOUR,
            hours is not None,
        )  # fmt: skip
        await self.run("DELETE FROM availability_month")
        await self.run(MONTHS)

    async def used(self, device: str, first: int = 1, last: int = 30, *, visitors: int | None = 5) -> None:
        covered = None if visitors is None else 10_000
        await self.run(USE, device, date(2026, 6, first), date(2026, 6, last), visitors, covered)
        await self.run("DELETE FROM usage_month")
        await self.run(MONTHS_OF_USE)

    async def measure(self, metric: MetricName, window: Window, *scopes: Scope) -> Sequence[Measured]:
        lane = await lane_of(self.database, "0781")
        async with self.database.transaction(Role.WORKER, Lane(lane)) as connection:
            measured = await MEASURES[metric](connection, scopes, window)
        return [measured[scope] for scope in scopes]


@asynccontextmanager
async def village(database_url: str, admin_url: str) -> AsyncIterator[Village]:
    async with villages(database_url) as database:
        await import_registry(database, RegistryFile.model_validate(OTHER_POINT))
        here = Village(database, admin_url)
        await here.run("UPDATE device SET registered_at = '2026-01-01'")
        await here.run("INSERT INTO usage_lane SELECT lane, '2026-07-01' FROM lane ON CONFLICT DO NOTHING")
        yield here


def test_every_metric_with_a_source_has_a_measure_and_no_other() -> None:
    assert set(MEASURES) == {name for name, metric in METRICS.items() if metric.source is not Source.NONE}


def test_enough_is_the_same_everywhere() -> None:
    assert ENOUGH * 100 == ENOUGH_PERCENT


async def test_a_point_is_what_its_days_are(database_url: str, admin_url: str) -> None:
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult", 1, 1, down=3)
        await here.days("dp-lidhult", 2, 30)
        (over,) = await here.measure("wifi_availability", OVER, LIDHULT)
        (half,) = await here.measure("wifi_availability", HALF, LIDHULT)
        (none,) = await here.measure("wifi_availability", Window(JUNE, JUNE.first), LIDHULT)
    assert over.value == Fraction(100 * 717, 720)
    assert percent(over.value.numerator, 100 * over.value.denominator) == percent(717, 720)
    assert over.coverage == 1
    assert half.value == Fraction(100 * 357, 360)
    assert half.spent == (3 * HOUR, 360 * HOUR, 360 * HOUR)
    assert half.most == over.value
    assert none.why is Why.NOTHING_YET


async def test_days_that_are_missing_and_points_that_are_silent_lower_the_coverage(
    database_url: str, admin_url: str
) -> None:
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult", 16, 30, blind=12)
        point, everywhere, digital = await here.measure(
            "wifi_availability", OVER, LIDHULT, LJUNGBY, Scope("0781", None, "digital")
        )
        # Registered in the middle of June: the days before are nobody's for the municipality.
        await here.run("UPDATE device SET registered_at = '2026-06-16 12:00+02'")
        _, later = await here.measure("wifi_availability", OVER, LIDHULT, LJUNGBY)
    assert (point.value, point.coverage) == (Fraction(100), Fraction(1, 4))
    assert everywhere == digital
    # Hamneda has no hotspot and is not asked; Lagan has one that was never heard.
    assert [part.point for part in everywhere.parts] == ["dp-lagan", "dp-lidhult"]
    assert everywhere.coverage == Fraction(15 * 12, 2 * 720)
    assert later.coverage == Fraction(15 * 12, 2 * 360)


async def test_hotspot_that_is_moved_leaves_the_verdict_of_days_before_as_it_was(
    database_url: str, admin_url: str
) -> None:
    moved = "UPDATE placement SET since = $1 WHERE device = 'hs-lagan-1' AND point = 'sp-hamneda'"
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult", 1, 30)
        (before,) = await here.measure("wifi_availability", OVER, LJUNGBY)
        await here.run("UPDATE device SET point = 'sp-hamneda' WHERE id = 'hs-lagan-1'")
        await here.run(moved, datetime(2026, 7, 2, 12, tzinfo=UTC))
        (after,) = await here.measure("wifi_availability", OVER, LJUNGBY)
        await here.run(moved, datetime(2026, 6, 16, 12, tzinfo=UTC))
        (meanwhile,) = await here.measure("wifi_availability", OVER, LJUNGBY)
        await here.run(moved, datetime(2026, 5, 31, 12, tzinfo=UTC))
        (long_ago,) = await here.measure("wifi_availability", OVER, LJUNGBY)
    assert before == after
    assert (before.coverage, [part.point for part in before.parts]) == (
        Fraction(1, 2),
        ["dp-lagan", "dp-lidhult"],
    )
    assert [part.point for part in meanwhile.parts] == ["dp-lagan", "dp-lidhult", "sp-hamneda"]
    assert [part.point for part in long_ago.parts] == ["dp-lidhult", "sp-hamneda"]


async def test_within_hours_counts_what_was_open_and_where_hours_are_not_known_nothing_is(
    database_url: str, admin_url: str
) -> None:
    async with village(database_url, admin_url) as here:
        await here.run("UPDATE service_point SET opening_hours = '08:00-16:00' WHERE id = 'dp-lidhult'")
        await here.run("UPDATE point_hours SET opening_hours = '08:00-16:00' WHERE point = 'dp-lidhult'")
        await here.days("dp-lidhult", 1, 15, down=4, hours=(6, 2))
        await here.days("dp-lagan", 1, 15, hours=None)
        point, both = await here.measure("wifi_availability_open", HALF, LIDHULT, LJUNGBY)
    assert (point.value, point.coverage) == (Fraction(75), Fraction(1))
    assert point.spent == (30 * HOUR, 120 * HOUR, 120 * HOUR)
    assert (both.value, both.coverage) == (Fraction(75), Fraction(1, 2))


async def test_maintenance_ahead_is_not_time_to_come(database_url: str, admin_url: str) -> None:
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult", 1, 15)
        await here.run(
            "INSERT INTO maintenance (municipality, starts, ends, reason)"
            " VALUES ('0781', '2026-06-20 08:00', '2026-06-20 12:00', 'new cable')"
        )
        (half,) = await here.measure("wifi_availability", HALF, LIDHULT)
    assert half.spent == (0, 360 * HOUR, 356 * HOUR)


async def test_use_is_summed_and_known_as_far_as_the_points_were_seen(
    database_url: str, admin_url: str
) -> None:
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult", 1, 30, blind=6)
        for device in ("hs-lidhult-1", "hs-lidhult-2"):
            await here.used(device, 1, 15)
        found: dict[str, Any] = {
            name: (await here.measure(name, HALF, LIDHULT))[0]
            for name in ("wifi_sessions", "wifi_data_gb", "kiosk_sessions", "visitor_days")
        }  # fmt: skip
    assert found["wifi_sessions"].value == 2 * 15 * 7
    assert found["wifi_sessions"].projected == 2 * 30 * 7
    assert found["wifi_sessions"].coverage == Fraction(3, 4)
    assert found["wifi_data_gb"].value == 30
    assert found["kiosk_sessions"].value == 90
    assert found["visitor_days"].value == 150
    assert found["visitor_days"].coverage == 1


async def test_visitors_that_were_not_reported_are_not_known(database_url: str, admin_url: str) -> None:
    async with village(database_url, admin_url) as here:
        await here.days("dp-lidhult")
        await here.used("hs-lidhult-1", 1, 15)
        await here.used("hs-lidhult-2", 1, 15, visitors=None)
        await here.used("hs-lidhult-1", 16, 30, visitors=None)
        point, everywhere = await here.measure("visitor_days", OVER, LIDHULT, LJUNGBY)
    assert (point.value, point.coverage) == (Fraction(75), Fraction(1, 4))
    assert everywhere.coverage == Fraction(1, 8)  # Lagan, which was never heard, is half of what there is


async def test_it_all_comes_together_in_the_keeper(database_url: str, admin_url: str) -> None:
    goal = {
        "id": "g-wifi", "municipality": "0781", "metric": "wifi_availability", "point": "dp-lidhult", "target": 99.5,
        "period": "month", "owner": "Ljungby kommun", "valid_from": "2026-06-01",
    }  # fmt: skip
    async with village(database_url, admin_url) as here:
        await import_registry(here.database, RegistryFile.model_validate({"goals": [goal]}))
        await here.days("dp-lidhult", 1, 1, down=3)
        await here.days("dp-lidhult", 2, 30)
        await here.run(
            "INSERT INTO availability_lane SELECT lane, '2026-07-02' FROM lane"
            " ON CONFLICT (lane) DO UPDATE SET counted_until = excluded.counted_until"
        )
        now = datetime(2026, 7, 1, 22, tzinfo=UTC) + timedelta(hours=8)
        await GoalKeeper(here.database, measures=MEASURES, clock=lambda: now).once()
        async with here.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
            (standing,) = await standings_of(connection, periods=50)
    july, june = standing.results
    assert (june.verdict.status, june.verdict.value) == (Status.MET, Fraction(100 * 717, 720))
    assert june.verdict.budget == (3 * HOUR + 36 * 60_000, 3 * HOUR)
    assert (july.verdict.status, july.verdict.why) == (Status.INSUFFICIENT_DATA, Why.NOTHING_KNOWN)
