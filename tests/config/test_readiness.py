"""Ready means: the database answers, every lane has seen a canary lately, and its readings keep up."""

from collections.abc import Sequence
from datetime import timedelta

from config.readiness import readiness_of
from services.log.follow import Follower, LaneSignals
from services.log.store import Batch, Sight, close_sight, store
from services.storage.database import Database, Lane, Role
from services.usage.reading import UsageReading
from tests.support.villages import NOON, lane_of, villages

READINGS = ["usage"]
SECOND = timedelta(seconds=1)
BLIND = "{} of 2 lanes have seen no canary for 15 s"
UNREAD = "{} of 2 lanes were not read to their end for 30 s"


async def _parts(
    database: Database, seconds: int = 0, *, readings: Sequence[str] = READINGS
) -> dict[str, tuple[bool, str]]:
    """What is ready, that long after noon, and why not."""
    readiness = await readiness_of(database, readings=readings, clock=lambda: NOON + seconds * SECOND)()
    return {part.name: (part.ready, part.detail) for part in readiness.parts}


async def _see(database: Database, code: str, seconds: int = 0) -> int:
    lane = await lane_of(database, code)
    await store(database, lane, Batch(sight=Sight(NOON, NOON + seconds * SECOND)))
    return lane


async def _read(database: Database, code: str, seconds: int = 0) -> None:
    lane, now = await lane_of(database, code), NOON + seconds * SECOND
    await Follower(database, UsageReading(), lane, clock=lambda: now, signals=LaneSignals()).step()


async def test_without_a_database_nothing_is_ready() -> None:
    async with Database.open("postgresql://nobody@/nowhere?host=/nonexistent") as database:
        parts = await _parts(database)
    assert parts.pop("database") == (False, "not reached")
    assert set(parts.values()) == {(False, "not known without the database")}


async def test_without_municipalities_nothing_can_be_seen_or_read(database_url: str) -> None:
    async with Database.open(database_url) as database:
        parts = await _parts(database)
    assert parts.pop("database") == (True, "")
    assert set(parts.values()) == {(False, "no municipality is registered")}


async def test_every_lane_must_have_seen_within_fifteen_seconds(database_url: str) -> None:
    async with villages(database_url) as database:
        assert (await _parts(database))["broker"] == (False, BLIND.format(2))
        await _see(database, "0781")
        assert (await _parts(database))["broker"] == (False, BLIND.format(1))
        await _see(database, "0583", seconds=10)
        assert (await _parts(database, 15))["broker"] == (True, "")
        assert (await _parts(database, 16))["broker"] == (False, BLIND.format(1))
        assert (await _parts(database, 26))["broker"] == (False, BLIND.format(2))


async def test_a_connection_that_has_ended_sees_nothing_any_more(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await _see(database, "0781")
        await _see(database, "0583")
        assert (await _parts(database))["broker"] == (True, "")
        await close_sight(database, lane, NOON)
        assert (await _parts(database))["broker"] == (False, BLIND.format(1))


async def test_every_lane_must_have_been_read_to_its_end_within_thirty_seconds(database_url: str) -> None:
    async with villages(database_url) as database:
        assert (await _parts(database))["readings"] == (False, UNREAD.format(2))
        await _read(database, "0781")
        await _read(database, "0583", seconds=10)
        assert (await _parts(database, 30))["readings"] == (True, "")
        assert (await _parts(database, 31))["readings"] == (False, UNREAD.format(1))
        assert (await _parts(database, 41))["readings"] == (False, UNREAD.format(2))


async def test_a_reading_that_never_came_to_the_end_is_not_ready(database_url: str) -> None:
    async with villages(database_url) as database:
        for code in ("0781", "0583"):
            await _read(database, code)
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute("INSERT INTO reading_cursor (reading, lane) VALUES ('slow', $1)", lane)
        parts = await _parts(database, readings=["usage", "slow"])
        assert parts["readings"] == (False, UNREAD.format(2))  # in the other lane it never began


async def test_a_reading_without_a_cursor_is_missed(database_url: str) -> None:
    async with villages(database_url) as database:
        await _read(database, "0781")
        await _read(database, "0583")
        readiness = readiness_of(database, readings=["usage", "status"], clock=lambda: NOON)
        parts = {part.name: part.ready for part in (await readiness()).parts}
    assert parts["readings"] is False
