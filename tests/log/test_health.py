"""How the path does is read from the database alone, and costs no walk through the log."""

from datetime import timedelta

import pytest

from services.log import health
from services.log.health import LogSize, Place, Refusals, read_health, reading_health, refusals
from services.log.leases import Leases
from services.log.models import Partition
from services.log.store import Batch, Sight, close_sight, store
from services.storage.database import Lane, Role, Tenants
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

SECOND = timedelta(seconds=1)
ALL = Tenants(("0781", "0583"))
LETTER = """
INSERT INTO dead_letter (municipality, lane, topic, reason, detail, received_at, size, fingerprint, replayable)
VALUES ('0781', $1, 't', $2, '', $3, 1, '', false)
"""


async def test_lanes_tell_what_came_who_saw_and_who_holds_them(database_url: str) -> None:
    async with villages(database_url) as database:
        ljungby, motala = await lane_of(database, "0781"), await lane_of(database, "0583")
        await add(database, *(heartbeat(number) for number in range(5)))
        await store(database, ljungby, Batch(sight=Sight(NOON, NOON + 10 * SECOND)))
        leases = Leases(database, "gateway", writes=True)
        await leases.beat({})
        async with database.transaction(Role.WEB, ALL) as connection:
            found = await read_health(
                connection, [ljungby, motala], readings=["status"], now=NOON + 12 * SECOND
            )
        lanes = {lane.lane: lane for lane in found.lanes}
        assert (lanes[ljungby].head, lanes[ljungby].newest_at) == (5, NOON + timedelta(minutes=4))
        assert (lanes[motala].head, lanes[motala].newest_at) == (0, None)
        assert found.newest_at == NOON + timedelta(minutes=4)
        assert [lane.lane for lane in found.blind(NOON + 12 * SECOND)] == [motala]
        assert [lane.lane for lane in found.blind(NOON + 26 * SECOND)] == sorted([ljungby, motala])
        assert {lane.gateway for lane in found.lanes} == {leases.id}
        assert lanes[ljungby].worker is None
        assert found.size.bytes > 0
        assert found.size.bytes_an_event is None
        assert not found.size.is_short(NOON)
        assert found.size.is_short(NOON + timedelta(days=60))
        await close_sight(database, ljungby, NOON)
        async with database.transaction(Role.WEB, ALL) as connection:
            found = await read_health(connection, [ljungby], readings=["status"], now=NOON + 12 * SECOND)
        assert not found.lanes[0].sees(NOON + 12 * SECOND)


async def test_a_reading_is_late_when_it_was_not_at_the_end_lately(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await add(database, *(heartbeat(number) for number in range(5)))
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(
                "INSERT INTO reading_cursor (reading, lane, position, caught_up_at) VALUES ('status', $1, 2, $2)",
                lane,
                NOON,
            )
        for seconds, late in ((15, 0), (16, 1)):
            async with database.transaction(Role.WEB, ALL) as connection:
                now = NOON + seconds * SECOND
                found = await read_health(connection, [lane], readings=["status", "usage"], now=now)
            status, usage = found.readings
            assert (status.behind, status.late, status.lanes, status.read_until) == (3, late, 1, NOON)
            assert (usage.behind, usage.late, usage.read_until, usage.stands) == (5, 1, None, True)


def test_the_longest_ago_is_what_counts() -> None:
    places = [Place("status", number, 1, NOON - number * 20 * SECOND) for number in range(3)]
    found = reading_health("status", places, NOON)
    assert (found.behind, found.late, found.read_until, found.stands) == (3, 2, NOON - 40 * SECOND, False)
    assert not reading_health("status", [], NOON).stands


def test_bytes_an_event_are_told_when_there_are_enough_of_them() -> None:
    full = Partition("a", "standard", NOON, NOON + timedelta(days=30), 3_000_000, 10_000)
    empty = Partition("b", "standard", NOON, NOON + timedelta(days=60), 1_000_000, 0)
    size = LogSize([full, empty])
    assert (size.bytes, size.bytes_an_event) == (4_000_000, 300)
    assert (size.starts_at, size.ends_at) == (NOON, NOON + timedelta(days=60))


async def test_refusals_are_counted_by_reason_since_an_instant(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            for minutes, reason in ((-5, "nul"), (1, "nul"), (2, "empty"), (3, "nul")):
                await connection.execute(LETTER, lane, reason, NOON + timedelta(minutes=minutes))
        async with database.transaction(Role.WEB, ALL) as connection:
            assert await refusals(connection, NOON) == Refusals([("nul", 2), ("empty", 1)], more=False)
            monkeypatch.setattr(health, "MOST_LETTERS", 2)
            assert await refusals(connection, NOON) == Refusals([("empty", 1), ("nul", 1)], more=True)
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            assert await refusals(connection, NOON) == Refusals([], more=False)
