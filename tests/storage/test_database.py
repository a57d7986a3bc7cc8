"""A transaction sees what its role and scope allow, and carries nothing over to the next."""

import asyncio
import random
from contextlib import suppress

import asyncpg
import pytest

from services.log.append import append
from services.storage.database import Database, Lane, Public, Role, Scope, SignIn, Tenants, savepoint
from services.storage.sql import Queries
from tests.support.villages import add, heartbeat, lane_of, villages


async def test_the_login_itself_may_do_nothing(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for table in ("event", "municipality", "person", "public_point"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM bypunkt.{table}")  # noqa: S608 - named above
    finally:
        await connection.close()


async def test_a_tenant_sees_only_its_own(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        await add(database, heartbeat(1, municipality="0583", device="hs-fornasa-1"))
        for code in ("0781", "0583"):
            async with database.transaction(Role.WEB, Tenants((code,))) as connection:
                for table in ("event", "device", "service_point", "locality"):
                    rows = await connection.fetch(f"SELECT DISTINCT municipality FROM {table}")  # noqa: S608 - named above
                    assert [row["municipality"] for row in rows] == [code], table
        async with database.transaction(Role.WEB, Tenants(())) as connection:
            assert await connection.fetch("SELECT * FROM event") == []


async def test_scopes_never_leak_over_a_small_pool(database_url: str) -> None:
    """Interleaved requests over two connections, some cancelled on their way, each see their own rows only."""
    chance = random.Random(7)
    async with villages(database_url) as own:
        await add(own, heartbeat(1))
        await add(own, heartbeat(1, municipality="0583", device="hs-fornasa-1"))
    async with Database.open(database_url, connections=2) as database:

        async def ask(code: str) -> tuple[str, set[str]]:
            async with database.transaction(Role.WEB, Tenants((code,))) as connection:
                if chance.random() < 0.3:
                    await connection.execute("SELECT pg_sleep(0.005)")
                return code, {
                    row["municipality"] for row in await connection.fetch("SELECT municipality FROM event")
                }

        tasks = [asyncio.create_task(ask(chance.choice(["0781", "0583"]))) for _ in range(300)]
        for task in tasks:
            if chance.random() < 0.2:
                asyncio.get_running_loop().call_later(chance.random() / 5, task.cancel)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    seen = [answer for answer in answers if isinstance(answer, tuple)]
    assert len(seen) > 150
    assert all(rows == {code} for code, rows in seen)


_SEEN = """
SELECT current_user, coalesce(scope_lane()::text, ''), coalesce(array_to_string(scope_municipalities(), ','), ''),
       coalesce(current_setting('bypunkt.login', true), '')
"""


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Lane(3), ("3", "", "")),
        (Tenants(("0781", "0583")), ("", "0781,0583", "")),
        (Tenants(("0781'; RESET ROLE; --",)), ("", "0781'; RESET ROLE; --", "")),
        (SignIn(login="anna"), ("", "", "anna")),
        (SignIn(login="o'brien\\' ; SELECT 1"), ("", "", "o'brien\\' ; SELECT 1")),
        (Public(), ("", "", "")),
    ],
)
async def test_a_scope_is_taken_as_it_is_said_and_ends_with_its_transaction(
    database_url: str, scope: Scope, seen: tuple[str, ...]
) -> None:
    async with Database.open(database_url, connections=1) as database:
        for first in (None, "SELECT 1"):
            async with database.transaction(Role.WEB, scope, first=first) as connection:
                assert tuple(await connection.fetchrow(_SEEN)) == ("bypunkt_web", *seen)  # type: ignore[arg-type]
            async with database.transaction(Role.WORKER, Public()) as connection:
                assert tuple(await connection.fetchrow(_SEEN)) == ("bypunkt_worker", "", "", "")  # type: ignore[arg-type]


async def test_what_an_error_ended_is_not_taken_for_stored(database_url: str) -> None:
    """PostgreSQL answers the COMMIT of a failed transaction with a rollback, and no error."""
    async with villages(database_url) as database:
        lane = Lane(await lane_of(database, "0781"))

        async def go_on_after_an_error() -> None:
            async with database.transaction(Role.INGEST, lane) as connection:
                with suppress(asyncpg.DivisionByZeroError):
                    await connection.execute("SELECT 1/0")

        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await go_on_after_an_error()
        async with database.transaction(Role.INGEST, lane) as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_a_savepoint_takes_back_what_is_inside_and_nothing_else(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = Lane(await lane_of(database, "0781"))
        async with database.transaction(Role.INGEST, lane) as connection:
            await append(connection, lane.number, [heartbeat(1)])
            with suppress(asyncpg.DivisionByZeroError):
                async with savepoint(connection):
                    await append(connection, lane.number, [heartbeat(2)])
                    await connection.execute("SELECT 1/0")
            async with savepoint(connection):
                await append(connection, lane.number, [heartbeat(3)])
        async with database.transaction(Role.INGEST, lane) as connection:
            rows = await connection.fetch("SELECT id FROM event ORDER BY position")
    assert [row["id"] for row in rows] == ["e-1", "e-3"]


async def test_a_transaction_that_is_cancelled_anywhere_leaves_nothing_and_the_connection_goes_on(
    database_url: str,
) -> None:
    """Cancelled on its way into, within or out of a transaction: all or nothing is stored, and no scope stays."""
    chance = random.Random(11)
    async with villages(database_url) as own:
        lane = Lane(await lane_of(own, "0781"))
    async with Database.open(database_url, connections=1) as database:

        async def store(number: int) -> None:
            async with database.transaction(Role.INGEST, lane) as connection:
                await append(connection, lane.number, [heartbeat(2 * number), heartbeat(2 * number + 1)])

        for number in range(60):
            task = asyncio.create_task(store(number))
            asyncio.get_running_loop().call_later(chance.random() / 100, task.cancel)
            await asyncio.wait([task])
            async with database.transaction(Role.WEB, Public()) as connection:
                assert tuple(await connection.fetchrow(_SEEN)) == ("bypunkt_web", "", "", "")  # type: ignore[arg-type]
        async with database.transaction(Role.INGEST, lane) as connection:
            numbers = {int(row["id"][2:]) for row in await connection.fetch("SELECT id FROM event")}
    assert {number ^ 1 for number in numbers} == numbers


async def test_notices_arrive_and_a_lost_connection_is_made_again(database_url: str, admin_url: str) -> None:
    async with villages(database_url) as database, database.listen("bypunkt_log") as notices:
        assert await anext(notices) == ("", "")
        await add(database, heartbeat(1))
        assert await anext(notices) == ("bypunkt_log", str(await lane_of(database, "0781")))
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE '%listen%'"
            )
        finally:
            await admin.close()
        assert await asyncio.wait_for(anext(notices), 5) == ("", "")


async def test_the_public_role_needs_no_tenant(database_url: str) -> None:
    async with villages(database_url) as database, database.transaction(Role.READ, Public()) as connection:
        rows = await connection.fetch("SELECT id FROM public_point ORDER BY id")
    assert [row["id"] for row in rows] == ["dp-lidhult", "sp-fornasa"]


def test_a_statement_is_found_by_name() -> None:
    queries = Queries(
        "x.sql", "-- name: one\n-- The number one.\nSELECT 1\n\n-- name: two\n-- The number two.\nSELECT 2\n"
    )
    assert dict(queries) == {"one": "SELECT 1", "two": "SELECT 2"}
    with pytest.raises(AttributeError, match=r"x\.sql has no statement named three"):
        _ = queries.three
    with pytest.raises(ValueError, match="two statements named one"):
        Queries("x.sql", "-- name: one\n-- A.\nSELECT 1\n-- name: one\n-- B.\nSELECT 2\n")


async def test_whoever_is_cancelled_hears_of_it_although_the_server_fails_at_that_moment(
    database_url: str,
) -> None:
    async with Database.open(database_url) as database:
        inside = asyncio.Event()

        async def never_give_up() -> None:
            while True:
                with suppress(OSError):
                    async with database.transaction(Role.READ, Public()):
                        inside.set()
                        try:
                            await asyncio.sleep(60)
                        except asyncio.CancelledError:
                            raise ConnectionResetError from None

        task = asyncio.create_task(never_give_up())
        await inside.wait()
        task.cancel()
        _, still_there = await asyncio.wait([task], timeout=5)
        assert not still_there
        assert task.cancelled()
