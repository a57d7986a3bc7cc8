"""Counted days of points for tests of reports, and sources that need no log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import asyncpg

from services.reports.known import Sources, UsageFound
from services.reports.making import make
from services.reports.models import Outage, Range, Usage
from services.reports.naming import ReportPeriod
from services.reports.store import Listed, Made, listed
from services.storage.database import Connection, Database, Lane, Role, Tenants
from tests.support.villages import lane_of, villages

HOME, POINT = "0781", "dp-lidhult"
AUGUST = ReportPeriod("2026-08")
YEAR = ReportPeriod("2025")
LATER = datetime(2026, 9, 5, 3, tzinfo=UTC)
DAY_MS = 86_400_000
NOTHING = Range(low=0, high=0)
USAGE = Usage(
    down_bytes=12_345_678_901,
    up_bytes=987_654_321,
    sessions=Range(low=120, high=120),
    visitor_days=Range(low=31, high=40),
    reported_days=30,
    expected_days=31,
    covered=300_000,
    kiosk_sessions=NOTHING,
    kiosk_views=NOTHING,
)
_PUT_DAY = """
INSERT INTO bypunkt.availability_day (municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms,
    blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms,
    open_maintenance_ms, hours_known, outages, version, computed_at)
SELECT $1, 'point', $2, $3, 1, $4::int - $5::int - $6::int, 0, 0, $5, $6, 0, 0, 0, 0, 0, 0, 0, true,
    ($5 > 0)::integer, 1, $7
ON CONFLICT (municipality, kind, subject, day)
DO UPDATE SET up_ms = excluded.up_ms, down_ms = excluded.down_ms, blind_ms = excluded.blind_ms
"""
_MONTHS = """
INSERT INTO bypunkt.availability_month (municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms,
    blind_ms, maintenance_ms, open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms,
    open_maintenance_ms, hours_days, outages, computed_at)
SELECT municipality, kind, subject, date_trunc('month', day::timestamp)::date, count(*), sum(up_ms), 0, 0, sum(down_ms),
       sum(blind_ms), 0, 0, 0, 0, 0, 0, 0, count(*), sum(outages), $1
FROM bypunkt.availability_day GROUP BY 1, 2, 3, 4
ON CONFLICT (municipality, kind, subject, month)
DO UPDATE SET up_ms = excluded.up_ms, down_ms = excluded.down_ms, computed_at = excluded.computed_at
"""


@dataclass
class Desk:
    """A database with counted days of Lidhult, and what other parts would answer."""

    database: Database
    admin: "asyncpg.Connection[asyncpg.Record]"
    lane: int
    usage: Usage | None = USAGE
    outage: Outage | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def sources(self) -> Sources:
        async def longest(_c: Connection, _m: str, _first: date, _last: date) -> dict[str, Outage]:
            return {POINT: self.outage} if self.outage else {}

        async def usage(_c: Connection, municipality: str, _first: date, _last: date) -> UsageFound:
            self.asked.append(municipality)
            return UsageFound(self.usage, {POINT: self.usage} if self.usage else {})

        return Sources(longest, usage, {"availability": 1, "small_numbers": 1})

    async def day(self, day: date, *, down: int = 0, blind: int = 0, point: str = POINT) -> None:
        """Count a day as down and blind for so many milliseconds, otherwise up."""
        await self.admin.execute(_PUT_DAY, HOME, point, day, DAY_MS, down, blind, LATER)

    async def month(self, first: date, *, days: int = 31) -> None:
        for number in range(days):
            await self.day(first + timedelta(days=number))

    async def counted(self, until: date, at: datetime = LATER) -> None:
        """Add the months up, and say until when the lane's days are counted."""
        await self.admin.execute(_MONTHS, at)
        await self.admin.execute(
            "INSERT INTO bypunkt.availability_lane VALUES ($1, $2) ON CONFLICT (lane) DO UPDATE SET counted_until = $2",
            self.lane,
            until,
        )

    async def make(self, period: ReportPeriod = AUGUST, now: datetime = LATER) -> list[Made]:
        async with self.database.transaction(Role.WORKER, Lane(self.lane)) as connection:
            return await make(connection, self.sources, HOME, period=period, now=now)

    async def all(self, *codes: str) -> list[Listed]:
        """What somebody of these municipalities finds in the list."""
        async with self.database.transaction(Role.WEB, Tenants(codes or (HOME,))) as connection:
            return await listed(connection)


@asynccontextmanager
async def desk(database_url: str, admin_url: str) -> AsyncIterator[Desk]:
    """August 2026 in Lidhult: 2 h down on the 3rd, 1 h blind on the 4th."""
    async with villages(database_url) as database:
        admin = await asyncpg.connect(admin_url)
        try:
            made = Desk(database, admin, await lane_of(database, HOME))
            await made.month(AUGUST.first)
            await made.day(date(2026, 8, 3), down=7_200_000)
            await made.day(date(2026, 8, 4), blind=3_600_000)
            await made.counted(date(2026, 9, 5), LATER - timedelta(hours=1))
            yield made
        finally:
            await admin.close()
