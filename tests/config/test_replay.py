"""A dead letter goes through judgement again: stored and dropped together, or kept, and never stored twice."""

from datetime import timedelta

import asyncpg
import pytest

from config.replay import replay
from gateway import codecs
from services.ingest.models import Reason, Refused
from services.ingest.registry import load_registry
from services.log.store import Batch, store
from services.storage.database import Database, Lane, Role
from services.tenants.importing import import_registry
from tests.support.gateways import short_form, topic
from tests.support.villages import LIDHULT, NOON, lane_of, registry, villages

STRANGER = "hs-new-1"
HEARTBEAT = {"uptime_s": 60}


async def _letter(database: Database, payload: bytes) -> asyncpg.Record:
    """Leave the dead letter of a device that is not registered, and return it."""
    lane = await lane_of(database, LIDHULT[0])
    known = await load_registry(database, lane)
    where = topic("device.heartbeat", STRANGER)
    verdicts = codecs.judge(where, payload, NOON, retain=False, registry=known)
    refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
    await store(database, lane, Batch(refused=refused))
    (letter,) = await _letters(database)
    return letter


async def _letters(database: Database) -> list[asyncpg.Record]:
    async with database.transaction(Role.INGEST, Lane(await lane_of(database, LIDHULT[0]))) as connection:
        return await connection.fetch("SELECT * FROM dead_letter ORDER BY id")


async def _events(database: Database) -> list[asyncpg.Record]:
    async with database.transaction(Role.INGEST, Lane(await lane_of(database, LIDHULT[0]))) as connection:
        return await connection.fetch("SELECT * FROM event ORDER BY position")


async def _register(database: Database) -> None:
    await import_registry(database, registry({STRANGER: "0781"}))


async def test_what_is_refused_again_is_kept_and_says_why(database_url: str) -> None:
    async with villages(database_url) as database:
        letter = await _letter(database, short_form(id="u1", data=HEARTBEAT))
        assert [one.reason for one in await replay(database, letter)] == [Reason.UNKNOWN_DEVICE]
        assert (len(await _letters(database)), await _events(database)) == (1, [])


async def test_what_is_accepted_now_is_stored_as_of_its_receipt_and_dropped(database_url: str) -> None:
    time = NOON - timedelta(minutes=3)
    async with villages(database_url) as database:
        letter = await _letter(
            database, short_form(id="u1", time=time.isoformat(), boot="b1", data=HEARTBEAT)
        )
        await _register(database)
        assert await replay(database, letter) == []
        (event,) = await _events(database)
        assert (event["id"], event["at"], event["received_at"], event["boot"]) == ("u1", time, NOON, "b1")
        assert event["data"] == HEARTBEAT
        assert await _letters(database) == []


async def test_a_letter_of_another_municipalitys_device_stays_wrong(database_url: str) -> None:
    async with villages(database_url) as database:
        letter = await _letter(database, short_form(id="u1", data=HEARTBEAT))
        await import_registry(database, registry({STRANGER: "0583"}))
        assert [one.reason for one in await replay(database, letter)] == [Reason.WRONG_MUNICIPALITY]


@pytest.mark.parametrize("own", [{"id": "u1"}, {}], ids=["with an id", "without"])
async def test_two_replays_of_one_letter_store_it_once(database_url: str, own: dict[str, str]) -> None:
    """Two people replay the same letter: both have read it before either has dropped it."""
    async with villages(database_url) as database:
        letter = await _letter(database, short_form(**own, data=HEARTBEAT))
        await _register(database)
        for _ in range(2):
            await replay(database, letter)
        assert len(await _events(database)) == 1
