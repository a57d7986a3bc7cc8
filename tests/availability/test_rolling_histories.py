"""Whatever the order in which measurements, calendars and the registry change, the days are what counting afresh gives.

Random histories over a week and the end of summer time, through the reading `status` itself.
`HYPOTHESIS_PROFILE=thorough` plays 100 histories instead of 3; each names its seed when it fails.
"""

import os
from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg
import pytest

from services.availability.rolling import DayCounter
from services.log.append import make_partitions
from services.status.models import Sign, SignKind
from services.storage.database import Public, Role
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, lane_under_test, moment
from tests.support.villages import NOON

SEEDS = range(100 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 3)
DEVICES = (DEVICE, "hs-lidhult-2")
POINTS = ("dp-lidhult", "dp-other", None)
HOUR = 3_600_000
# From noon on Thursday, 22 October: the night to Sunday has an hour more.
BEGIN = round((datetime(2026, 10, 22, 10, tzinfo=UTC) - NOON).total_seconds() * 1000)
LENGTH = 7 * 24
ROWS = """
SELECT municipality, kind, subject, day, rule, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_known, outages
FROM bypunkt.availability_day ORDER BY 1, 2, 3, 4
"""
MONTHS = "SELECT kind, subject, month, days, up_ms, down_ms, outages FROM bypunkt.availability_month ORDER BY 1, 2, 3"
HOURS_KEPT = "INSERT INTO bypunkt.point_hours VALUES ($1, $2, $3, $4, $5)"
PLACE_KEPT = "INSERT INTO bypunkt.placement VALUES ($1, $2, $3, $4, $5, $6)"
HOURS = ("24/7", "Mo-Fr 09:00-18:00; Sa 10:00-14:00", "20:00-04:00", None)


class Play:
    """One history, as chance has it."""

    def __init__(self, lane: LaneUnderTest, seed: int) -> None:
        self.lane, self.chance = lane, Random(seed)
        self.hour = 0.0
        self.waiting: list[tuple[float, str, Sign]] = sorted(
            (event for device in DEVICES for event in self.life(device)),
            key=lambda event: (event[0], event[1]),
        )

    @property
    def counter(self) -> DayCounter:
        return DayCounter(self.lane.database, clock=lambda: moment(self.lane.now))

    def life(self, device: str) -> list[tuple[float, str, Sign]]:
        """A sign about every hour, with holes; some come a day or more later, as from a device that was cut off."""
        events: list[tuple[float, str, Sign]] = []
        hour, cut_off_until = self.chance.uniform(0, 40), 0.0
        while hour < LENGTH:
            if self.chance.random() < 0.03:
                cut_off_until = hour + self.chance.choice([5, 20, 50])
            received = max(hour, cut_off_until)
            at, there = BEGIN + round(hour * HOUR), BEGIN + round(received * HOUR)
            kind = self.chance.choices(
                [SignKind.HEARTBEAT, SignKind.OFFLINE, SignKind.RESTARTING], [20, 1, 1]
            )[0]
            up = self.chance.choice([True, True, True, None, False]) if kind is SignKind.HEARTBEAT else None
            events.append((received, device, Sign(at, there, kind, uplink_ok=up)))
            hour += self.chance.choice([0.9, 1, 1, 1, 4, 9])
        return events

    async def begin(self) -> None:
        admin = self.lane.admin
        await admin.execute("UPDATE bypunkt.device SET expected_interval_s = 3600, offline_after_s = 10800")
        await admin.execute(
            "INSERT INTO bypunkt.service_point (municipality, id, kind, names)"
            " VALUES ($1, 'dp-other', 'digital', '{}')",
            HOME,
        )
        if self.chance.random() < 0.5:
            await admin.execute("UPDATE bypunkt.device SET kind = 'kiosk' WHERE id = $1", DEVICES[1])
            await admin.execute("UPDATE bypunkt.placement SET kind = 'kiosk' WHERE device = $1", DEVICES[1])
            await admin.execute("DELETE FROM bypunkt.placement WHERE since > '-infinity'")
        async with self.lane.database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=moment(BEGIN))

    async def play(self) -> None:
        while self.hour < LENGTH:
            self.hour += self.chance.choice([0.5, 3, 9])
            self.lane.now = BEGIN + round(self.hour * HOUR)
            await self.look()
            come = [event for event in self.waiting if event[0] <= self.hour]
            if self.chance.random() < 0.8:
                self.waiting = self.waiting[len(come) :]
                self.chance.shuffle(come)
                await self.lane.store([(device, sign) for _, device, sign in come + come[:2]])
            if self.chance.random() < 0.8:
                await self.lane.step()
            for _ in range(self.chance.choice([0, 0, 1, 2])):
                await self.change()
            if self.chance.random() < 0.5:
                await self.count()
        self.lane.now += 30 * HOUR
        await self.look()
        await self.lane.store([(device, sign) for _, device, sign in self.waiting])
        while (await self.lane.step()).events:
            pass

    async def look(self) -> None:
        """We saw until now; sometimes we did not for some hours."""
        start = BEGIN if self.hour < 60 else BEGIN + 70 * HOUR
        await self.lane.see(start, max(self.lane.now, start), closed=False)

    async def count(self) -> None:
        while await self.counter.turn(self.lane.number):
            pass

    async def change(self) -> None:
        """Let a calendar or the registry say something else, at whatever time."""
        chance, admin = self.chance, self.lane.admin
        day = datetime(2026, 10, 22) + timedelta(days=chance.randrange(8))  # noqa: DTZ001 - the wall clock
        starts = day + timedelta(hours=chance.randrange(30))
        ends = starts + timedelta(hours=chance.choice([1, 5, 30]))
        device, point = chance.choice(DEVICES), chance.choice(POINTS)
        since = moment(BEGIN + round(chance.uniform(0, self.hour) * HOUR))
        what = chance.randrange(8)
        if what == 0:
            on = chance.choice([(None, None), (POINTS[0], None), (None, device)])
            rule = chance.choice([None, None, "FREQ=DAILY"])
            await admin.execute(
                "INSERT INTO bypunkt.maintenance (municipality, point, device, starts, ends, rule, reason)"
                " VALUES ($1, $2, $3, $4, $5, $6, 'because')", HOME, *on, starts, ends, rule,
            )  # fmt: skip
        elif what == 1:
            await admin.execute(
                "UPDATE bypunkt.maintenance SET cancelled_at = coalesce(cancelled_at, $1)", since
            )
        elif what == 2:
            await admin.execute(
                "UPDATE bypunkt.maintenance SET starts = $1, ends = $2 WHERE rule IS NULL", starts, ends
            )
        elif what == 3:
            await admin.execute(
                "INSERT INTO bypunkt.hours_exception VALUES ($1, $2, $3, $4) ON CONFLICT (municipality, point, day)"
                " DO UPDATE SET opening_hours = excluded.opening_hours", HOME, POINTS[0], day.date(), "12:00-13:00",
            )  # fmt: skip
        elif what == 4:
            await admin.execute("DELETE FROM bypunkt.hours_exception")
        elif what == 5:
            await self.registered(
                HOURS_KEPT, POINTS[0], since, chance.choice(HOURS), chance.choice(["active", "paused"])
            )
        elif what == 6:
            await self.registered(PLACE_KEPT, device, since, point, "hotspot", chance.random() < 0.8)
        else:
            await self.lane.rebuild()

    async def registered(self, kept: str, name: str | None, since: datetime, *said: object) -> None:
        """As the registry's triggers write it down, but at a time of the history."""
        await self.lane.admin.execute(kept, HOME, name, since, *said)
        asked = (name, None) if kept == HOURS_KEPT else (None, name)
        await self.lane.admin.execute("SELECT bypunkt.touch($1, $2, $3, $4, 'infinity')", HOME, *asked, since)


@pytest.mark.parametrize("seed", SEEDS)
async def test_days_are_what_counting_everything_afresh_gives(
    database_url: str, admin_url: str, seed: int
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        play = Play(lane, seed)
        await play.begin()
        await play.play()
        assert await lane.differences() == []
        await play.count()
        assert await play.counter.verify(lane.number) == []
        rows = await tables(lane.admin)
        assert rows[0]
        await lane.admin.execute(
            "TRUNCATE bypunkt.availability_day, bypunkt.availability_day_before, bypunkt.availability_month,"
            " bypunkt.availability_lane"
        )
        await play.count()
        assert await tables(lane.admin) == rows
        before = await lane.tables()
        await lane.rebuild()
        assert await lane.tables() == before
        await play.count()
        assert await tables(lane.admin) == rows
        assert await lane.admin.fetchval("SELECT max(version) FROM bypunkt.availability_day") == 1
        assert await lane.admin.fetchval("SELECT count(*) FROM bypunkt.availability_touched") == 0


async def tables(admin: asyncpg.Connection) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in await admin.fetch(query)] for query in (ROWS, MONTHS)]
