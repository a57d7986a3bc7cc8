"""(g) What pages and reports ask of a year of days of 1,000 points, and how that grows with the history behind it."""

import gc
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta

import asyncpg

from benchmarks.latency import percentiles
from config.cli.serving import CYCLES_LOOKED_FOR
from services.availability.store import days_of, figures_of, versions_of
from services.reports.store import queries as reports
from services.storage.database import Connection, Database, Role, Tenants
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate

CODE = "0001"
UNTIL = date(2026, 3, 18)
_LOGIN = "bypunkt_app"
_REGISTER = """
INSERT INTO municipality (code, name, county, county_code, seat_lat, seat_lon, lane)
VALUES ($1, 'Synthetic', 'Synthetic', '01', 58, 14, lane_for($1))
"""
# Days as the counter stores them, with outages and blind time of up to an hour each; some points have none on Sundays,
# and of one the hours were not always known. One day in ten was counted twice.
_DAYS = """
INSERT INTO bypunkt.availability_day
SELECT $1, 'point', 'sp-' || lpad(s::text, 4, '0'), d.day::date, 1, 86400000 - x, 0, 0, x / 2, x - x / 2, 0,
    36000000 - x / 3, 0, 0, 0, x / 3, 0, s <> 3 OR d.day < $3::timestamp + interval '140 days', x % 3,
    1 + (x % 10 = 0)::int, now()
FROM generate_series($3::timestamp, $4::timestamp - interval '1 day', '1 day') AS d (day)
CROSS JOIN generate_series(1, $2::int) AS s
CROSS JOIN LATERAL (SELECT (s * 7919 + extract(doy FROM d.day)::int * 104729) % 7200000 AS x) AS x
WHERE s % 7 <> 0 OR extract(dow FROM d.day) <> 0
"""
_MONTHS = """
INSERT INTO bypunkt.availability_month (
    municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_days,
    outages, computed_at
)
SELECT municipality, kind, subject, date_trunc('month', day::timestamp)::date, count(*), sum(up_ms), sum(degraded_ms),
    sum(lost_ms), sum(down_ms), sum(blind_ms), sum(maintenance_ms), sum(open_up_ms), sum(open_degraded_ms),
    sum(open_lost_ms), sum(open_down_ms), sum(open_blind_ms), sum(open_maintenance_ms), sum(hours_known::int),
    sum(outages), now()
FROM bypunkt.availability_day GROUP BY 1, 2, 3, 4
"""
_BEFORE = """
INSERT INTO bypunkt.availability_day_before
SELECT municipality, kind, subject, day, 1, now(),
    to_jsonb(d) - '{municipality,kind,subject,day,version}'::text[] || '{"version": 1}'
FROM bypunkt.availability_day AS d WHERE version = 2
"""
_LANE = "INSERT INTO bypunkt.availability_lane SELECT lane, $2 FROM bypunkt.municipality WHERE code = $1"

Question = Callable[[Connection], Awaitable[object]]


async def measure(
    *, points: int = 1_000, months: tuple[int, ...] = (1, 4, 12), times: int = 300
) -> dict[str, object]:
    """Ask the same with so many months of history, and at the longest what spans a year; as `bypunkt run` would."""
    gc.set_threshold(*CYCLES_LOOKED_FOR)
    by_months: list[dict[str, object]] = []
    for number in months:
        async with EmbeddedPostgres() as server:
            await migrate(server.dsn(), app_login=_LOGIN)
            admin = await asyncpg.connect(server.dsn(), server_settings={"search_path": "bypunkt"})
            try:
                await admin.execute(_REGISTER, CODE)
                await fill(
                    admin, CODE, points, first=UNTIL - timedelta(days=round(30.5 * number)), until=UNTIL
                )
                rows = await admin.fetchval("SELECT count(*) FROM bypunkt.availability_day")
            finally:
                await admin.close()
            async with Database.open(server.dsn(user=_LOGIN)) as database:
                asked = {name: await _asked(database, ask, times) for name, ask in questions().items()}
        by_months.append({"months": number, "days": rows, **asked})
    return {"points": points, "by_months": by_months, "growth": _growth(by_months)}


def questions() -> dict[str, Question]:
    """What is asked, each in a transaction of its own as a page does."""
    last = UNTIL - timedelta(days=1)

    async def overview(connection: Connection, days: int) -> object:
        return await figures_of(connection, "point", UNTIL - timedelta(days=days), last)

    async def point(connection: Connection, days: int) -> object:
        of = {"first": UNTIL - timedelta(days=days), "last": last}
        return (
            await days_of(connection, "point", CODE, subject="sp-0001", **of),
            await versions_of(connection, "point", CODE, subject="sp-0001", **of),
        )

    async def report(connection: Connection) -> object:
        return await connection.fetch(reports.months, CODE, date(2025, 4, 1), date(2026, 3, 31))

    return {
        "overview_30": lambda connection: overview(connection, 30),
        "overview_365": lambda connection: overview(connection, 365),
        "point_30": lambda connection: point(connection, 30),
        "point_365": lambda connection: point(connection, 365),
        "report_year": report,
    }


async def fill(
    admin: asyncpg.Connection, municipality: str, points: int, *, first: date, until: date
) -> None:
    """Write days and months of made-up points as the counter would."""
    edges = [datetime(day.year, day.month, day.day) for day in (first, until)]  # noqa: DTZ001 - local days
    await admin.execute(_DAYS, municipality, points, *edges)
    await admin.execute(_MONTHS)
    await admin.execute(_BEFORE)
    await admin.execute(_LANE, municipality, until)
    await admin.execute("VACUUM ANALYZE")


async def _asked(database: Database, ask: Question, times: int) -> dict[str, float]:
    took: list[float] = []
    for _ in range(times + 5):
        began = time.perf_counter()
        async with database.transaction(Role.WEB, Tenants((CODE,))) as connection:
            await ask(connection)
        took.append((time.perf_counter() - began) * 1000)
    return percentiles(took[5:])


def _growth(by_months: list[dict[str, object]]) -> dict[str, float]:
    """How much longer the same question takes with the longest history than with the shortest: of the medians."""
    found = {}
    for name in ("overview_30", "point_30"):
        first, last = ({**_percentiles(one[name])} for one in (by_months[0], by_months[-1]))
        found[name] = round(last["p50"] / first["p50"], 2)
    return found


def _percentiles(value: object) -> dict[str, float]:
    assert isinstance(value, dict)
    return value
