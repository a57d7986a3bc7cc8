"""Migrations go forward once, also when many start at the same moment."""

import asyncio

import asyncpg
import pytest

from services.storage import migrate as migrating
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


async def test_a_log_with_events_keeps_them_and_gets_its_new_key(
    blank_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = migrations()
    monkeypatch.setattr(migrating, "migrations", lambda: everything[:5])
    await migrate(blank_database_url)
    await _run(blank_database_url, "SELECT bypunkt.make_event_partitions(now() - interval '40 days', now())")
    await _run(
        blank_database_url,
        "INSERT INTO bypunkt.event (municipality, device, at, id, retention, lane, position, type, received_at, data)"
        " SELECT '0781', 'hs-old-1', now() - n * interval '1 hour', n::text, 'standard', 1, n, 'wifi.usage',"
        " now(), '{}' FROM generate_series(1, 800) AS n",
    )
    before = await _run(blank_database_url, "SELECT * FROM bypunkt.event ORDER BY position")
    monkeypatch.setattr(migrating, "migrations", lambda: everything)
    await migrate(blank_database_url)
    assert await _run(blank_database_url, "SELECT * FROM bypunkt.event ORDER BY position") == before
    leaves = await _run(
        blank_database_url,
        "SELECT t.relid::text AS name, count(i.indexrelid) FILTER (WHERE i.indisunique) AS keys"
        " FROM pg_partition_tree('bypunkt.event') AS t LEFT JOIN pg_index AS i ON i.indrelid = t.relid"
        " WHERE t.isleaf GROUP BY 1",
    )
    assert {leaf["keys"] for leaf in leaves} == {1}
    # Room for what comes, too, old and new partitions side by side; and nothing twice in either.
    copy = (
        "INSERT INTO bypunkt.event (municipality, device, at, id, retention, lane, position, type, received_at, data)"
        " SELECT municipality, device, {at}, id, retention, lane, 9999, type, received_at, data"
        " FROM bypunkt.event WHERE id = '1' AND at < now()"
    )
    ahead = copy.format(at="at + interval '30 days'")
    await _run(blank_database_url, ahead)
    for again in (ahead, copy.format(at="at")):
        with pytest.raises(asyncpg.UniqueViolationError):
            await _run(blank_database_url, again)
