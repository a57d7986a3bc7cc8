"""The hours are a function of the set of events: random histories added batch by batch, against the log each time.

`HYPOTHESIS_PROFILE=thorough` plays 150 histories instead of 5; each names its seed when it fails.
"""

import os
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from services.ingest.models import Accepted
from services.log.append import make_partitions
from services.log.follow import Follower, LaneSignals, rebuild_lane, verify_lane
from services.storage import migrate as migrating
from services.storage.database import Database, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate, migrations
from services.usage.reading import UsageReading
from tests.support import databases
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

SEEDS = range(150 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 5)
DEVICES = ("hs-lidhult-1", "hs-lidhult-2")
MOST = 2**63 - 1
TABLE = "SELECT * FROM bypunkt.usage_radio ORDER BY municipality, device, hour, iface"


def history(chance: Random) -> list[Accepted]:
    """What two devices send: counters that grow, begin again or leave one out, deltas, kiosks, long silences."""
    events: list[Accepted] = []
    for device in DEVICES:
        at = NOON - timedelta(days=15)
        totals = {radio: chance.choice([0, 1000]) for radio in ("wlan0", "wlan1")}
        for number in range(chance.randint(5, 60)):
            at += chance.choice(
                [
                    timedelta(0),
                    *[timedelta(minutes=chance.randint(1, 25))] * 8,
                    timedelta(hours=5),
                    timedelta(days=7),
                    timedelta(days=6, hours=23, minutes=59),
                    timedelta(days=7, seconds=1),
                ]
            )
            if at > NOON:
                break
            kind, data = _said(chance, totals)
            events.append(
                heartbeat(
                    number, id=f"{chance.randint(0, 9)}-{number}", device=device, type=kind, at=at, data=data
                )
            )
    return events


def _said(chance: Random, totals: dict[str, int]) -> tuple[str, dict[str, Any]]:
    kind = chance.choices(["wifi.usage", "kiosk.view", "kiosk.session"], [8, 1, 1])[0]
    if kind != "wifi.usage":
        return kind, {"page": "start"} if kind == "kiosk.view" else {"session": "s"}
    radio = chance.choice(list(totals))
    totals[radio] = 0 if chance.random() < 0.1 else totals[radio] + chance.randint(0, 5000)
    if chance.random() < 0.02:
        totals[radio] = MOST
    data: dict[str, Any] = {"iface": radio, "clients": chance.randint(0, 9)}
    said = {
        "down_bytes_total": min(totals[radio], MOST),
        "up_bytes_total": min(totals[radio], MOST) // 7,
        "down_bytes": chance.choice([5, MOST]),
        "up_bytes": 3,
        "clients_max": chance.randint(0, 12),
        "estimated": True,
    }
    wanted = chance.choice([2, 2, 2, 0])
    names = list(said)
    chosen = names[:2] if wanted else []
    chosen += [name for name in names if chance.random() < 0.15]
    return kind, data | {name: said[name] for name in chosen if chance.random() < 0.9}


async def play(database: Database, chance: Random) -> None:
    """Send a history: mostly in order, some of it late, some of it twice, in batches of any size."""
    events = history(chance)
    if chance.random() < 0.5:
        events.sort(key=lambda event: event.at)
    for _ in range(chance.choice([0, 1, 5, len(events)])):
        event = events.pop(chance.randrange(len(events)))
        events.insert(chance.randint(0, len(events)), event)
    lane = await lane_of(database, "0781")
    follower = Follower(database, UsageReading(), lane, clock=lambda: NOON, signals=LaneSignals())
    while events:
        count = chance.choice([1, 2, 5, 30])
        now, events = events[:count], events[count:]
        await add(database, *now, *chance.choices(now, k=2))
        if chance.random() < 0.8:
            await follower.step()
            assert await verify_lane(database, UsageReading(), lane) == []
    while (await follower.step()).events:
        pass


async def make_room(database: Database, since: datetime) -> None:
    async with database.transaction(Role.INGEST, Public()) as connection:
        await make_partitions(connection, now=since)


@pytest.mark.parametrize("seed", SEEDS)
async def test_hours_that_are_added_up_equal_those_counted_from_the_log(
    database_url: str, admin_url: str, seed: int
) -> None:
    async with villages(database_url) as database:
        await make_room(database, NOON - timedelta(days=16))
        lane = await lane_of(database, "0781")
        await play(database, Random(seed))
        assert await verify_lane(database, UsageReading(), lane) == []
        admin = await asyncpg.connect(admin_url)
        try:
            live = await admin.fetch(TABLE)
            await rebuild_lane(database, UsageReading(), lane, now=NOON)
            assert await admin.fetch(TABLE) == live
            assert len(live) > 3
        finally:
            await admin.close()


async def test_an_installation_from_before_the_radios_keeps_its_figures(
    blank_database_url: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migration counts what the reading had read, and leaves the rest to the reading."""
    known = migrations()
    number = next(migration.version for migration in known if migration.name == "readings_keep_up")
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrations", lambda: known[: number - 1])
        await migrate(blank_database_url)
    url = postgres.dsn(databases.name_in(blank_database_url), user="bypunkt_app")
    events = sorted(history(Random(7)), key=lambda event: event.at)
    async with villages(url) as database:
        await make_room(database, NOON - timedelta(days=16))
        lane = await lane_of(database, "0781")
        await add(database, *events)
        admin = await asyncpg.connect(blank_database_url)
        try:
            await admin.execute(
                "INSERT INTO bypunkt.reading_cursor (reading, lane, position) VALUES ('usage', $1, $2)",
                lane, len(events) // 2,
            )  # fmt: skip
            assert await migrate(blank_database_url) == [migration.name for migration in known[number - 1 :]]
            assert await verify_lane(database, UsageReading(), lane) == []
            assert len(await admin.fetch(TABLE)) > 3
            follower = Follower(database, UsageReading(), lane, clock=lambda: NOON, signals=LaneSignals())
            assert (await follower.step()).events == len(events) - len(events) // 2
            assert await verify_lane(database, UsageReading(), lane) == []
        finally:
            await admin.close()
