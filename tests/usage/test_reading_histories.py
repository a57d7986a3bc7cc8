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
KINDS = ("wifi.usage", "kiosk.view", "kiosk.session", "wifi.session_end", "wifi.visitors")
DEVICES = ("hs-lidhult-1", "hs-lidhult-2")
MOST = 2**63 - 1
DAY = timedelta(days=1)
TABLE = "SELECT * FROM bypunkt.usage_radio ORDER BY municipality, device, hour, iface"
# Counted from the log, and added up from that.
TABLES = ("radio", "session", "visitors", "page_day", "day", "month", "page_month", "touched", "lane")


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
    kind = chance.choices(KINDS, [8, 1, 1, 1, 1])[0]
    if kind != "wifi.usage":
        return kind, _happened(chance, kind)
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


def _happened(chance: Random, kind: str) -> dict[str, Any]:
    match kind:
        case "kiosk.view":
            return {"page": chance.choice(["start", "buss/tider"]), "lang": chance.choice(["sv", "en"])}
        case "wifi.session_end":
            return {"duration_s": chance.randint(0, 9000)}
        case "wifi.visitors":
            day = (NOON - timedelta(days=chance.randint(-1, 45))).date()
            return {
                "day": day.isoformat(), "distinct": chance.randint(0, 9), "coverage_pct": chance.uniform(0, 100),
            }  # fmt: skip
        case _:
            return {"session": "s"}


async def play(database: Database, chance: Random) -> None:
    """Send a history: mostly in order, some of it late, some of it twice, in batches of any size."""
    events = history(chance)
    if chance.random() < 0.5:
        events.sort(key=lambda event: event.at)
    for _ in range(chance.choice([0, 1, 5, len(events)])):
        event = events.pop(chance.randrange(len(events)))
        events.insert(chance.randint(0, len(events)), event)
    lane = await lane_of(database, "0781")
    # Days pass, and minutes, while it is read.
    clock = [NOON - chance.choice([0, 1, 14]) * DAY]
    follower = Follower(database, UsageReading(), lane, clock=lambda: clock[0], signals=LaneSignals())
    while events:
        count = chance.choice([1, 2, 5, 30])
        now, events = events[:count], events[count:]
        await add(database, *now, *chance.choices(now, k=2))
        clock[0] = min(NOON, clock[0] + chance.choice([timedelta(0), timedelta(minutes=1), DAY]))
        if chance.random() < 0.8:
            await follower.step()
            assert await verify_lane(database, UsageReading(), lane) == []
    clock[0] = NOON + timedelta(minutes=5)
    while (await follower.step()).events:
        pass


async def all_tables(admin: asyncpg.Connection) -> dict[str, list[str]]:
    """Return every row of the reading's tables, as text."""
    reads = "SELECT format('SELECT t::text AS row FROM bypunkt.usage_%s AS t ORDER BY 1', $1::text)"
    rows = {name: await admin.fetch(await admin.fetchval(reads, name)) for name in TABLES}
    return {name: [row["row"] for row in found] for name, found in rows.items()}


async def make_room(database: Database, since: datetime) -> None:
    async with database.transaction(Role.INGEST, Public()) as connection:
        await make_partitions(connection, now=since)


async def register_by_hand(admin_url: str) -> None:
    """Register the devices in a schema that today's registry does not know."""
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("SET search_path = bypunkt")
        await admin.execute(
            "INSERT INTO municipality (code, name, county, county_code, seat_lat, seat_lon, lane)"
            " VALUES ('0781', 'Ljungby', 'Kronoberg', '07', 56.83, 13.94, lane_for('0781'))"
        )
        await admin.executemany(
            "INSERT INTO device (municipality, id, kind, offline_after_s)"
            " VALUES ('0781', $1, 'hotspot', 180)",
            [(name,) for name in DEVICES],
        )
    finally:
        await admin.close()


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
            live = await all_tables(admin)
            await rebuild_lane(database, UsageReading(), lane, now=NOON)
            assert await all_tables(admin) == live
            assert len(live["radio"]) > 3
            assert len(live["day"]) > 1
            assert live["touched"] == []
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
    known_then = [event for event in history(Random(7)) if event.type in KINDS[:3]]
    events = sorted(known_then, key=lambda event: event.at)
    async with Database.open(url) as database:
        await register_by_hand(blank_database_url)
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
