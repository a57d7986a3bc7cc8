"""What tests of backups begin with: a sound one, a database with much in it, a server that may be killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.storage.backup import back_up
from services.storage.backup.archive import Archive
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from tests.storage.test_backup import APP, admin, live_a_while
from tests.support.villages import villages

# Enough that a dump and a restore come in several pieces.
FILL = """
INSERT INTO bypunkt.dead_letter (municipality, lane, topic, reason, detail, received_at, size, fingerprint, replayable)
SELECT '0781', 0, gen_random_uuid()::text, 'unknown_type', gen_random_uuid()::text, now(), n, '', false
FROM generate_series(1, 60000) AS n
"""


@pytest.fixture
async def made(database_url: str, admin_url: str, tmp_path: Path) -> Archive:
    """A sound backup."""
    async with villages(database_url) as database:
        await live_a_while(database)
    return await back_up(admin_url, tmp_path / "sound.tar", app_login=APP)


@pytest.fixture
async def killable() -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own, with much in it."""
    async with EmbeddedPostgres(fast=True) as server:
        await migrate(server.dsn())
        async with admin(server.dsn()) as connection:
            await connection.execute(FILL)
        yield server


@pytest.fixture
async def filled(admin_url: str) -> str:
    """A database with much in it."""
    async with admin(admin_url) as connection:
        await connection.execute(FILL)
    return admin_url
