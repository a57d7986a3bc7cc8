"""What came in is stored in one transaction; a datum that PostgreSQL refuses costs nobody else anything."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.ingest.models import Accepted, Reason, Refused
from services.log.store import Batch, Sight, close_sight, store
from services.storage.database import UNREACHABLE, Database, Lane, Role
from tests.support.villages import LIDHULT, NOON, heartbeat, lane_of, villages

SECOND = timedelta(seconds=1)


def bad(number: int) -> Accepted:
    """Return an event that passed all stages, and that PostgreSQL refuses all the same."""
    return heartbeat(number, data={"note": "a\u0000b"})


def birth(second: int, *, spool: bool) -> Accepted:
    """Return a birth that was received at a second after noon."""
    data = {"state": "online", "spool": spool}
    return heartbeat(second, type="device.status", at=NOON + second * SECOND, data=data)


async def _rows(database: Database, statement: str) -> list[Any]:
    lane = await lane_of(database, LIDHULT[0])
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        return await connection.fetch(statement)


async def _stored(database: Database) -> list[str]:
    return [row["id"] for row in await _rows(database, "SELECT id FROM event ORDER BY position")]


@pytest.mark.parametrize("place", range(5))
async def test_a_refused_datum_in_any_place_becomes_a_dead_letter_and_the_others_are_stored(
    database_url: str, place: int
) -> None:
    events = [bad(number) if number == place else heartbeat(number) for number in range(5)]
    async with villages(database_url) as database:
        refused = (await store(database, await lane_of(database, "0781"), Batch(events))).refused
        assert [(one.event_id, one.reason) for one in refused] == [(f"e-{place}", Reason.STORAGE)]
        assert await _stored(database) == [f"e-{number}" for number in range(5) if number != place]
        (letter,) = await _rows(database, "SELECT * FROM dead_letter")
        assert (letter["municipality"], letter["device"], letter["reason"]) == (*LIDHULT, "storage")
        assert letter["topic"] == "bypunkt/v1/0781/hs-lidhult-1/device.heartbeat"
        assert letter["replayable"]


async def test_many_refused_data_and_a_refused_event_come_out_together(database_url: str) -> None:
    events = [bad(number) if number in (0, 3, 4, 9) else heartbeat(number) for number in range(10)]
    before = Refused.of(heartbeat(77))
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        refused = (await store(database, lane, Batch(events, [before], Sight(NOON, NOON)))).refused
        assert [one.event_id for one in refused] == ["e-77", "e-0", "e-3", "e-4", "e-9"]
        assert await _stored(database) == ["e-1", "e-2", "e-5", "e-6", "e-7", "e-8"]
        assert len(await _rows(database, "SELECT FROM dead_letter")) == 5
        assert len(await _rows(database, "SELECT FROM observation")) == 1
        assert [row["head"] for row in await _rows(database, "SELECT head FROM lane WHERE head > 0")] == [6]


async def test_a_batch_of_nothing_but_refused_data_does_not_stall(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        assert len((await store(database, lane, Batch([bad(number) for number in range(20)]))).refused) == 20
        assert not (await store(database, lane, Batch([heartbeat(50)]))).refused
        assert await _stored(database) == ["e-50"]


async def test_refused_data_are_told_to_readers_as_nothing_and_counted_as_dead_letters(
    database_url: str,
) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        before = {outcome: _count(outcome) for outcome in ("stored", "duplicate", "dead_lettered", "refused")}
        silent = Refused(**{**_fields(Refused.of(heartbeat(9))), "stored": False})
        await store(database, lane, Batch([heartbeat(1), bad(2), heartbeat(1)], [silent]))
        gained = {outcome: _count(outcome) - count for outcome, count in before.items()}
        assert gained == {"stored": 1, "duplicate": 1, "dead_lettered": 1, "refused": 1}
        assert len(await _rows(database, "SELECT FROM dead_letter")) == 1


async def test_an_error_that_is_nobodys_datum_is_raised_and_nothing_is_stored(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        foreign = heartbeat(2, municipality="0583", device="hs-fornasa-1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await store(database, lane, Batch([heartbeat(1), foreign], [Refused.of(heartbeat(3))]))
        assert await _stored(database) == []
        assert await _rows(database, "SELECT FROM dead_letter") == []


async def test_a_database_that_is_away_is_said_to_be_away() -> None:
    async with Database.open("postgresql://nobody@/nowhere?host=/nonexistent") as database:
        with pytest.raises(UNREACHABLE):
            await store(database, 0, Batch([heartbeat(1)]))


async def test_births_declare_spools_and_an_older_one_never_replaces_a_newer(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        for births, spool in (
            ([birth(10, spool=True)], True),
            ([birth(5, spool=False)], True),
            ([birth(20, spool=True), birth(30, spool=False), birth(25, spool=True)], False),
            ([birth(30, spool=True)], True),
        ):
            await store(database, lane, Batch(births))
            rows = await _rows(database, "SELECT device, spool FROM device_spool")
            assert [tuple(row) for row in rows] == [("hs-lidhult-1", spool)]


async def test_a_sight_grows_with_each_canary_until_it_is_closed(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        for seconds in (0, 5, 10, 7):
            await store(database, lane, Batch(sight=Sight(NOON, NOON + seconds * SECOND)))
        await close_sight(database, lane, NOON)
        await store(database, lane, Batch(sight=Sight(NOON, NOON + 60 * SECOND)))
        await store(database, lane, Batch(sight=Sight(NOON + 30 * SECOND, NOON + 30 * SECOND)))
        rows = await _rows(
            database, "SELECT seen_from, seen_until, closed FROM observation ORDER BY seen_from"
        )
    assert [tuple(row) for row in rows] == [
        (NOON, NOON + 10 * SECOND, True),
        (NOON + 30 * SECOND, NOON + 30 * SECOND, False),
    ]


def _count(outcome: str) -> float:
    return REGISTRY.get_sample_value("bypunkt_ingest_events_total", {"outcome": outcome}) or 0


def _fields(refusal: Refused) -> dict[str, Any]:
    return {name: getattr(refusal, name) for name in refusal.__dataclass_fields__}
