"""Days that are over, as if they had been counted; synthetic."""

from datetime import date

from tests.dashboard.public.demo_site import NOW, Site

YESTERDAY = date(2026, 11, 17)
HOUR = 3_600_000

_ALL_UP = """
INSERT INTO availability_day (municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms,
    maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms,
    hours_known, outages, computed_at)
SELECT p.municipality, 'point', p.id, d.day, 1,
    extract(epoch FROM
        (d.day + 1)::timestamp AT TIME ZONE 'Europe/Stockholm' - d.day::timestamp AT TIME ZONE 'Europe/Stockholm'
    ) * 1000,
    0, 0, 0, 0, 0, 28800000, 0, 0, 0, 0, 0, true, 0, $3
FROM service_point AS p
CROSS JOIN (SELECT $1::date - number AS day FROM generate_series(0, $2 - 1) AS number) AS d
"""


async def count_days(villages: Site, number: int) -> None:
    """Let every point have been up on the last so many days, and open for eight hours of each."""
    await villages.run(_ALL_UP, YESTERDAY, number, NOW)


async def change_day(
    villages: Site,
    point: str,
    day: date,
    *,
    lost: float = 0,
    down: float = 0,
    blind: float = 0,
    maintenance: float = 0,
) -> None:
    """Take hours of a point's day away from what was up."""
    taken = [int(hours * HOUR) for hours in (lost, down, blind, maintenance)]
    await villages.run(_CHANGED, point, day, *taken)


_CHANGED = """
UPDATE availability_day
SET lost_ms = $3::int, down_ms = $4::int, blind_ms = $5::int, maintenance_ms = $6::int,
    up_ms = up_ms - $3::int - $4::int - $5::int - $6::int, outages = CASE WHEN $3::int + $4::int > 0 THEN 1 ELSE 0 END
WHERE subject = $1 AND day = $2
"""
