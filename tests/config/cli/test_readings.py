"""`bypunkt rebuild`: the tables equal the log, and a table that was tampered with is found out and mended."""

from datetime import timedelta

import asyncpg
import pytest

from config.app import READINGS
from services.availability.rolling import DayCounter
from services.log.follow import Follower, LaneSignals
from services.log.store import Sight, record_sight
from services.storage.database import Database, Lane, Role
from tests.config.cli.calling import bypunkt
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

LATER = NOON + timedelta(hours=1)
TAMPERED = (
    ("status", "UPDATE bypunkt.status_interval SET state = 'down' WHERE state = 'up'"),
    ("status", "UPDATE bypunkt.device_status SET state = 'up'"),
    (
        "status",
        "UPDATE bypunkt.status_interval SET ends_at = ends_at - interval '1 s' WHERE ends_at IS NOT NULL",
    ),
    ("status", "DELETE FROM bypunkt.status_interval"),
    ("status", "UPDATE bypunkt.device_status SET last_sign_at = last_sign_at + interval '1 h'"),
    ("usage", "UPDATE bypunkt.usage_radio SET clients_max = clients_max + 1"),
    ("usage", "UPDATE bypunkt.usage_radio SET hour = hour + interval '1 h'"),
    ("usage", "DELETE FROM bypunkt.usage_radio"),
)


@pytest.fixture
async def busy(installed: str) -> str:
    """An installation with an hour of history that both readings have read."""
    data = {"iface": "wlan0", "clients": 3, "down_bytes": 1_000}
    events = [
        heartbeat(number, type="wifi.usage", data=data | {"clients": number}) for number in range(1, 50, 2)
    ]
    async with villages(installed) as database:
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await record_sight(connection, lane, Sight(NOON, LATER))
        await add(database, *events)
        for reading in READINGS:
            follower = Follower(database, reading, lane, clock=lambda: LATER, signals=LaneSignals())
            while (await follower.step()).events:
                pass
    return installed


async def _tamper(admin_url: str, statement: str) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        changed = await admin.execute(statement)
    finally:
        await admin.close()
    assert changed not in ("UPDATE 0", "DELETE 0")


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(("reading", "tampering"), TAMPERED, ids=map(str, range(len(TAMPERED))))
async def test_tables_that_were_tampered_with_are_found_out_and_made_again(
    admin_url: str, reading: str, tampering: str
) -> None:
    equal = f"{reading}: the tables equal the log\n"
    assert (await bypunkt("rebuild", reading, "--verify")).out == equal
    await _tamper(admin_url, tampering)
    said = await bypunkt("rebuild", reading, "--verify")
    assert "hs-lidhult-1" in said.out
    count = len(said.out.splitlines())
    assert said.problem == f"{reading}: {count} differences between the tables and the log"
    assert (await bypunkt("rebuild", reading, "--verify")).code == 1  # to verify mends nothing
    assert (await bypunkt("rebuild", reading)).out == f"{reading}: made again from the log\n"
    assert (await bypunkt("rebuild", reading, "--verify")).out == equal


async def test_days_that_were_tampered_with_are_found_out_and_counted_again(
    busy: str, admin_url: str
) -> None:
    await _tamper(
        admin_url, "UPDATE bypunkt.reading_cursor SET caught_up_at = caught_up_at + interval '2 days'"
    )
    async with Database.open(busy) as database:
        await DayCounter(database, clock=lambda: LATER).once()
    equal = "availability: the tables equal the intervals\n"
    assert (await bypunkt("rebuild", "availability", "--verify")).out == equal
    await _tamper(admin_url, "UPDATE bypunkt.availability_day SET up_ms = up_ms + 1 WHERE kind = 'point'")
    said = await bypunkt("rebuild", "availability", "--verify")
    assert "point dp-lidhult 2026-09-16" in said.out
    assert said.problem.startswith("availability: ")
    assert (await bypunkt("rebuild", "availability")).out == "availability: made again from the intervals\n"
    assert (await bypunkt("rebuild", "availability", "--verify")).out == equal


@pytest.mark.usefixtures("installed")
async def test_a_reading_that_does_not_exist_is_answered_with_those_that_do() -> None:
    problem = (await bypunkt("rebuild", "weather")).problem
    assert all(reading.name in problem for reading in READINGS)


@pytest.mark.usefixtures("installed")
async def test_where_there_is_nothing_there_is_nothing_wrong() -> None:
    for reading in READINGS:
        assert (await bypunkt("rebuild", reading.name, "--verify")).code == 0
        assert (await bypunkt("rebuild", reading.name)).code == 0
