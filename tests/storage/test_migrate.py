"""Migrations go forward once, also when many start at the same moment."""

import asyncio

import asyncpg
import pytest

from services.storage.migrate import MigrationError, migrate, migrations, pending


async def _run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def test_concurrent_starts_apply_each_migration_once(blank_database_url: str) -> None:
    results = await asyncio.gather(*(migrate(blank_database_url) for _ in range(4)))
    names = [migration.name for migration in migrations()]
    assert sorted(results, key=len) == [[], [], [], names]
    assert len(await _run(blank_database_url, "SELECT * FROM bypunkt.migration")) == len(names)
    assert len(await _run(blank_database_url, "SELECT * FROM bypunkt.lane")) == 16


async def test_lanes_count_only_the_first_time(blank_database_url: str) -> None:
    await migrate(blank_database_url, lanes=4)
    await migrate(blank_database_url, lanes=8)
    assert len(await _run(blank_database_url, "SELECT * FROM bypunkt.lane")) == 4


async def test_a_newer_database_is_refused(blank_database_url: str) -> None:
    await migrate(blank_database_url)
    await _run(blank_database_url, "INSERT INTO bypunkt.migration VALUES (9999, 'from_the_future', 'x')")
    with pytest.raises(MigrationError, match="9999"):
        await migrate(blank_database_url)


async def test_a_changed_file_is_refused(blank_database_url: str) -> None:
    await migrate(blank_database_url)
    await _run(blank_database_url, "UPDATE bypunkt.migration SET checksum = 'other' WHERE version = 1")
    with pytest.raises(MigrationError, match="0001_foundation was changed"):
        await migrate(blank_database_url)


async def test_what_is_missing_is_known_beforehand(blank_database_url: str) -> None:
    connection = await asyncpg.connect(blank_database_url)
    try:
        assert await pending(connection) == [migration.name for migration in migrations()]
        await migrate(blank_database_url)
        assert await pending(connection) == []
    finally:
        await connection.close()
