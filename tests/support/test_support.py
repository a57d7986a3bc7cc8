"""The suite's own fixtures and helpers."""

import asyncpg
import pytest

from tests.support import databases, eventually


async def test_program_enters_a_migrated_database_with_its_own_login(
    database_url: str, admin_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT current_user") == "bypunkt_app"
        await connection.execute("SET ROLE bypunkt_worker")
        assert await connection.fetchval("SELECT to_regclass('bypunkt.lane') IS NOT NULL")
    finally:
        await connection.close()
    assert databases.name_in(database_url) == databases.name_in(admin_url)


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_a_database_of_its_own(admin_url: str, attempt: int) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"CREATE TABLE mine AS SELECT {attempt} AS number")
    finally:
        await connection.close()


async def test_blank_database_is_blank(blank_database_url: str) -> None:
    connection = await asyncpg.connect(blank_database_url)
    try:
        assert await connection.fetchval("SELECT to_regnamespace('bypunkt')") is None
    finally:
        await connection.close()


async def test_database_is_dropped_even_when_somebody_stays_connected(blank_database_url: str) -> None:
    async with databases.fresh(blank_database_url) as name:
        url = blank_database_url.replace(databases.name_in(blank_database_url), name)
        connection = await asyncpg.connect(url)
    await eventually(connection.is_closed)


async def test_eventually_takes_plain_and_async_conditions_and_gives_the_answer() -> None:
    answers = iter([0, None, "", 7])

    async def answer() -> object:
        return next(answers)

    assert await eventually(answer) == 7
    assert await eventually(lambda: 8) == 8


async def test_eventually_fails_with_the_condition_and_the_last_answer() -> None:
    nothing: list[int] = []
    with pytest.raises(
        AssertionError, match=r"not within 0\.02 s: .*lambda: nothing.*the last answer was \[\]"
    ):
        await eventually(lambda: nothing, within=0.02)
