"""A report's data are found by their keys: a year of many places is not read for the month of one."""

from datetime import date

import pytest

from services.reports.known import queries
from services.storage.database import Lane, Role
from tests.reports.reporting import HOME, Desk

MANY = """
INSERT INTO bypunkt.availability_day (municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms,
    blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms,
    open_maintenance_ms, hours_known, outages, computed_at)
SELECT m.code, k.kind, 'subject-' || n, d::date, 1, 86400000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 0, now()
FROM unnest('{0781,0583}'::text[]) AS m (code), unnest('{device,point}'::text[]) AS k (kind),
    generate_series(1, 30) AS n, generate_series(date '2025-01-01', date '2025-12-31', interval '1 day') AS d
"""
SEQUENTIAL = ("Seq Scan on availability_day", "Seq Scan on availability_month")


@pytest.mark.parametrize(
    ("name", "first", "last", "most"),
    [
        ("days", date(2025, 3, 1), date(2025, 3, 31), 30 * 31),
        ("months", date(2025, 1, 1), date(2025, 12, 31), 30 * 12),
    ],
)
async def test_month_and_year_are_read_by_their_key(
    at_desk: Desk, name: str, first: date, last: date, most: int
) -> None:
    await at_desk.admin.execute(MANY)
    await at_desk.counted(date(2026, 1, 1))
    await at_desk.admin.execute("ANALYZE bypunkt.availability_day, bypunkt.availability_month")
    async with at_desk.database.transaction(Role.WORKER, Lane(at_desk.lane)) as connection:
        rows = await connection.fetch(getattr(queries, name), HOME, first, last)
        plan = await connection.fetch(f"EXPLAIN {getattr(queries, name)}", HOME, first, last)
    said = "\n".join(row[0] for row in plan)
    assert len(rows) == most
    assert not any(scan in said for scan in SEQUENTIAL), said
