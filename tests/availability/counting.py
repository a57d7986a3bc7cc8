"""A lane whose days are counted: a test writes what was measured, and says until when it was judged."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from services.availability.rolling import GRACE, DayCounter
from services.storage.database import Database
from services.tenants.wallclock import midnight
from tests.support.villages import NOON, lane_of, villages

HOME, POINT, DEVICE, OTHER = "0781", "dp-lidhult", "hs-lidhult-1", "hs-lidhult-2"
DAY = date(2026, 9, 7)
"""A Monday; what a test speaks of happens from here on."""
ROWS = """
SELECT kind, subject, day, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms, open_up_ms, open_down_ms,
    hours_known, outages, version
FROM bypunkt.availability_day ORDER BY kind, subject, day
"""
ALL = "SELECT * FROM bypunkt.{} ORDER BY municipality, kind, subject, {}"


def at(day: int, hour: float = 0) -> int:
    """An instant: so many hours (on the clock of an ordinary day) after the midnight that begins a day from DAY on."""
    return midnight(DAY + timedelta(days=day)) + round(hour * 3_600_000)


def moment(instant: int | None) -> datetime | None:
    return None if instant is None else datetime.fromtimestamp(instant / 1000, UTC)


@dataclass
class Counting:
    """One lane with two municipalities' worth of devices, of which a test uses those in `HOME`."""

    database: Database
    admin: asyncpg.Connection
    lane: int

    @property
    def counter(self) -> DayCounter:
        return DayCounter(self.database, clock=lambda: NOON)

    async def hours(self, expression: str | None, *, point: str = POINT) -> None:
        """Let these be the hours of a point, and have been for ever."""
        await self.admin.execute(
            "UPDATE bypunkt.point_hours SET opening_hours = $2 WHERE point = $1", point, expression
        )
        touch = "SELECT bypunkt.touch($1, $2, NULL, $3, 'infinity')"
        await self.admin.execute(touch, HOME, point, moment(at(0)))

    async def work(
        self, starts: datetime, ends: datetime, *, point: str | None = None, device: str | None = None
    ) -> None:
        """Plan work, by the Swedish wall clock."""
        await self.admin.execute(
            "INSERT INTO bypunkt.maintenance (municipality, point, device, starts, ends, reason)"
            " VALUES ($1, $2, $3, $4, $5, 'new firmware')",
            HOME, point, device, starts, ends,
        )  # fmt: skip

    async def measure(self, device: str, *line: tuple[int, str], until: int | None = None) -> None:
        """Write a device's intervals in place of what is there: when each begins, and its reason."""
        ends = [*(start for start, _ in line[1:]), until]
        async with self.admin.transaction():
            await self.admin.execute("DELETE FROM bypunkt.status_interval WHERE device = $1", device)
            await self.add(device, [(start, end, why) for (start, why), end in zip(line, ends, strict=True)])

    async def add(self, device: str, intervals: Iterable[tuple[int, int | None, str]]) -> None:
        await self.admin.executemany(
            "INSERT INTO bypunkt.status_interval (municipality, device, starts_at, ends_at, state, reason)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [(HOME, device, moment(start), moment(end), STATE[why], why) for start, end, why in intervals],
        )

    async def over(self, days: int) -> None:
        """Let so many days be over, and judged as far as they have to be to be counted."""
        await self.judged(at(days) + GRACE // timedelta(milliseconds=1))

    async def judged(self, until: int) -> None:
        """Say until when the lane's devices were judged in full."""
        await self.admin.execute(
            "INSERT INTO bypunkt.reading_cursor (reading, lane, caught_up_at) VALUES ('status', $1, $2)"
            " ON CONFLICT (reading, lane) DO UPDATE SET caught_up_at = excluded.caught_up_at",
            self.lane, moment(until),
        )  # fmt: skip

    async def count(self) -> int:
        """Count all that is to be counted, and return in how many transactions."""
        turns = 1
        while await self.counter.turn(self.lane):
            turns += 1
        return turns

    async def differences(self) -> list[str]:
        return await self.counter.verify(self.lane)

    async def rows(self, subject: str | None = None) -> list[asyncpg.Record]:
        rows = await self.admin.fetch(ROWS)
        return [row for row in rows if subject in {None, row["subject"]}]

    async def day(self, subject: str, day: int = 0) -> asyncpg.Record | None:
        wanted = DAY + timedelta(days=day)
        return next((row for row in await self.rows(subject) if row["day"] == wanted), None)

    async def versions(self, subject: str, day: int = 0) -> list[asyncpg.Record]:
        return await self.admin.fetch(
            "SELECT version, figures FROM bypunkt.availability_day_before WHERE subject = $1 AND day = $2 ORDER BY 1",
            subject, DAY + timedelta(days=day),
        )  # fmt: skip

    async def notes(self) -> int:
        number: int = await self.admin.fetchval("SELECT count(*) FROM bypunkt.availability_touched")
        return number


STATE = {
    "heard": "up", "late": "degraded", "restarting": "degraded", "uplink_lost": "degraded",
    "uplink_reported": "degraded", "silent": "down", "offline": "down", "not_watched": "blind", "unproven": "blind",
}  # fmt: skip


@asynccontextmanager
async def counting(database_url: str, admin_url: str) -> AsyncIterator[Counting]:
    """A lane with nothing measured yet."""
    async with villages(database_url) as database:
        admin = await asyncpg.connect(admin_url)
        try:
            yield Counting(database, admin, await lane_of(database, HOME))
        finally:
            await admin.close()


def wall(day: int, hour: int) -> datetime:
    """A time of the Swedish wall clock, on a day from DAY on."""
    return datetime.combine(DAY + timedelta(days=day), time(hour))
