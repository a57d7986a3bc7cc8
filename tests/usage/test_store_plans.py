"""A year of 1,000 devices is read from months, and the edges from days: in under 50 ms of work, and from no hour."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.storage.database import Connection, Database, Role, Tenants
from services.usage.store import queries
from tests.support.villages import lane_of, villages
from tests.usage.test_plans import MAKE_DEVICES

DEVICES = 1000
NEW_YEAR = date(2026, 1, 1)
TODAY = date(2027, 1, 16)
# A calendar year, and the last 365 days.
STRETCHES = ((NEW_YEAR, date(2027, 1, 1)), (date(2026, 1, 16), TODAY))
STATEMENTS = {
    "usage": queries.usage_of,
    "pages": queries.pages_of,
    "published pages": queries.published_pages_of,
}
MAKE_DAYS = """
INSERT INTO bypunkt.usage_day
SELECT
    '0781', 'hs-many-' || n, '2025-01-01'::date + g, 288, 9, 24, 86400, 1000000, 100000, false, 5, 3000, 7, 10000, 3, 9
FROM generate_series(0, $1::int - 1) AS n, generate_series(0, 744) AS g ORDER BY 2, 3
"""
MAKE_MONTHS = """
INSERT INTO bypunkt.usage_month
SELECT
    municipality, device, date_trunc('month', day)::date, count(*), sum(samples), max(clients_max),
    sum(client_hours), sum(client_seconds), sum(down_bytes), sum(up_bytes), false, sum(sessions), 0, 0,
    sum(session_seconds), sum(visitors), 0, 0, count(*), sum(visitors_coverage), sum(kiosk_sessions),
    sum(kiosk_sessions), count(*), sum(kiosk_views)
FROM bypunkt.usage_day GROUP BY 1, 2, 3
"""
MAKE_PAGES = """
INSERT INTO bypunkt.usage_page_month
SELECT '0781', 'hs-many-' || n, ('2025-01-01'::date + make_interval(months => g))::date, 'sida-' || p, l, 30
FROM generate_series(0, $1::int / 20 - 1) AS n, generate_series(0, 24) AS g, generate_series(1, 10) AS p,
    unnest(ARRAY['sv', 'en', 'de']) AS l ORDER BY 2, 3
"""
# Three devices a point, as far as this table is concerned.
MAKE_PLACES = (
    "UPDATE bypunkt.placement SET point = 'dp-' || substr(md5(device), 1, 2) WHERE device LIKE 'hs-many-%'"
)
TRIES = 5


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


async def explained(connection: Connection, statement: str, *arguments: object) -> tuple[set[str], float]:
    """Return which tables a statement reads, and how many milliseconds the server works for it."""
    process = await connection.fetchval("SELECT pg_backend_pid()")
    tables: set[str] = set()
    least = float("inf")
    for _ in range(TRIES):
        before = worked_ms(process)
        (plan,) = json.loads(
            await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *arguments)
        )
        least = min(least, worked_ms(process) - before)
        tables = {node["Relation Name"] for node in nodes(plan["Plan"]) if "Relation Name" in node}
    return tables, least


def worked_ms(process: int) -> float:
    """Return how long a process has had a processor: what others do at the same time is not in it."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


@pytest.fixture
async def country(admin_url: str, database_url: str) -> Database:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute(MAKE_DEVICES, DEVICES)
            await admin.execute(MAKE_PLACES)
            await admin.execute(MAKE_DAYS, DEVICES)
            await admin.execute(MAKE_MONTHS)
            await admin.execute(MAKE_PAGES, DEVICES)
            await admin.execute("INSERT INTO bypunkt.usage_lane VALUES ($1, $2)", lane, TODAY)
            await admin.execute("VACUUM ANALYZE")
        finally:
            await admin.close()
    return database


async def test_a_year_of_a_thousand_devices_is_read_in_under_50_ms(
    country: Database, database_url: str
) -> None:
    del country
    async with (
        Database.open(database_url) as database,
        database.transaction(Role.WEB, Tenants(("0781", "0583"))) as connection,
    ):
        took = {
            (name, first, by): await explained(connection, statement, first, last, by, None, None, None)
            for name, statement in STATEMENTS.items()
            for first, last in STRETCHES
            for by in ("device", "point", "municipality")
        }
    sys.stderr.write("\n".join(f"{' '.join(map(str, key))}: {ms:.1f} ms" for key, (_, ms) in took.items()))
    assert {key: ms for key, (_, ms) in took.items() if ms >= 50} == {}
    read = set().union(*(tables for tables, _ in took.values()))
    assert not read & {"usage_radio", "usage_session", "usage_visitors", "event"}
