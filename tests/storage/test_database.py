"""A transaction sees what its role and scope allow, and carries nothing over to the next."""

import asyncio
import random

import asyncpg
import pytest

from services.storage.database import Database, Public, Role, Tenants
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
