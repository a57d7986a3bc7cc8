"""What was counted from events that the log has let go of stays; all later hours are made again and compared."""

from datetime import timedelta
from typing import Any

import asyncpg

from services.log.follow import Follower, LaneSignals
from services.storage.database import Database, Lane, Role
from services.usage.reading import UsageReading
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

HOUR = timedelta(hours=1)
# A partition's end: the log has nothing from before.
HORIZON = NOON + 2 * HOUR
HOURS = "SELECT * FROM usage_hour ORDER BY municipality, device, hour"
# Hours after noon: before the horizon, some days after it (a counter may look back beyond it), and later.
TIMES = (0.2, 1.5, 2.1, 30, 24 * 6, 24 * 7 + 2.5, 24 * 8, 24 * 8 + 1.2)


async def _hours(database: Database, lane: int) -> list[Any]:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        return [tuple(row) for row in await connection.fetch(HOURS)]


async def test_rebuilding_and_comparing_begin_where_the_log_does(database_url: str, admin_url: str) -> None:
    reading = UsageReading()
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        for number, hours in enumerate(TIMES):
            data = {"iface": "wlan0", "clients": number, "down_bytes_total": 1000 * number * number}
            await add(database, heartbeat(number, at=NOON + hours * HOUR, type="wifi.usage", data=data))
        follower = Follower(database, reading, lane, clock=lambda: NOON, signals=LaneSignals())
        while (await follower.step()).events:
            pass
        before = await _hours(database, lane)
        assert len(before) == len(TIMES)
        admin = await asyncpg.connect(admin_url)
        await admin.execute("DELETE FROM bypunkt.event WHERE at < $1", HORIZON)
        await admin.execute("INSERT INTO bypunkt.log_horizon VALUES ('0781', 'standard', $1)", HORIZON)
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            assert await reading.verify(connection, lane) == []
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            await reading.rebuild(connection, lane, now=NOON)
        assert await _hours(database, lane) == before
        # What the log has is looked at.
        await admin.execute("UPDATE bypunkt.usage_radio SET samples = samples + 1")
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            assert len(await reading.verify(connection, lane)) == 3
            await reading.rebuild(connection, lane, now=NOON)
        assert (await _hours(database, lane))[-3:] == before[-3:]
        await admin.close()
