"""Dead letters are listed in pages, found, and let go of, within the scope of whoever asks."""

from dataclasses import replace

from services.ingest.models import Reason, Refused
from services.log.deadletters import drop, find, newest
from services.log.store import Batch, store
from services.storage.database import Database, Installation, Role, Tenants
from tests.support.villages import heartbeat, lane_of, villages

LJUNGBY, MOTALA = Tenants(("0781",)), Tenants(("0583",))


async def _five(database: Database) -> list[int]:
    """Leave four letters of Ljungby's and one of Motala's, and return all ids, oldest first."""
    letters = [
        replace(Refused.of(heartbeat(number)), reason=reason) for number, reason in enumerate(_REASONS)
    ]
    await store(database, await lane_of(database, "0781"), Batch(refused=letters))
    foreign = Refused.of(heartbeat(9, municipality="0583", device="hs-fornasa-1"))
    await store(database, await lane_of(database, "0583"), Batch(refused=[foreign]))
    async with database.transaction(Role.WEB, Installation()) as connection:
        return sorted(row["id"] for row in await newest(connection))


_REASONS = (Reason.NOT_JSON, Reason.STORAGE, Reason.NOT_JSON, Reason.TOO_OLD)


async def test_the_newest_come_first_page_by_page(database_url: str) -> None:
    async with villages(database_url) as database:
        numbers = await _five(database)
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            page = await newest(connection, limit=3)
            assert [row["id"] for row in page] == numbers[3:0:-1]
            rest = await newest(connection, limit=3, before=page[-1]["id"])
            assert [row["id"] for row in rest] == numbers[:1]
            chosen = await newest(connection, reason="not_json")
            assert [row["event_id"] for row in chosen] == ["e-2", "e-0"]


async def test_one_is_found_whole_and_nobody_finds_anothers(database_url: str) -> None:
    async with villages(database_url) as database:
        numbers = await _five(database)
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            letter = await find(connection, numbers[1])
            assert letter is not None
            assert (letter["reason"], letter["event_id"], letter["lane"]) == (
                "storage",
                "e-1",
                await lane_of(database, "0781"),
            )
            assert await find(connection, numbers[4]) is None
            assert await find(connection, 10**12) is None


async def test_only_what_is_in_scope_is_dropped(database_url: str) -> None:
    async with villages(database_url) as database:
        numbers = await _five(database)
        async with database.transaction(Role.WEB, MOTALA) as connection:
            assert await drop(connection, [*numbers, 10**12]) == numbers[4:]
        async with database.transaction(Role.WEB, Installation()) as connection:
            assert sorted(row["id"] for row in await newest(connection)) == numbers[:4]
            assert sorted(await drop(connection, numbers)) == numbers[:4]
            assert await newest(connection) == []
