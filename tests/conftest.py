"""The fixtures of the whole suite: a real PostgreSQL and a real Mosquitto.

One server a test process, made once; a fresh database a test, copied from a migrated template. A test that
kills or freezes its server starts one of its own, with the safe settings: `async with EmbeddedPostgres()`.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.embedded import Mosquitto
from services.storage.embedded import EmbeddedPostgres
from tests.support import databases

pytest_plugins = ["tests.shape.no_skips"]

APP_LOGIN = "bypunkt_app"
TEMPLATE = "bypunkt_template"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """The server of this test process: quick, and nothing to kill."""
    async with EmbeddedPostgres(fast=True) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to copy."""
    from services.storage.migrate import migrate  # noqa: PLC0415 - tests below the schema must run without it

    await databases.create(postgres.dsn(), TEMPLATE)
    await migrate(postgres.dsn(TEMPLATE), app_login=APP_LOGIN)
    return TEMPLATE


@pytest.fixture
async def admin_url(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A fresh, migrated database for this test, entered as superuser: for looking, never for the program."""
    async with databases.fresh(postgres.dsn(), template=template) as name:
        yield postgres.dsn(name)


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, admin_url: str) -> str:
    """The same fresh, migrated database, entered as the program's own login."""
    name = databases.name_in(admin_url)
    return postgres.dsn(name, user=APP_LOGIN)


@pytest.fixture
async def blank_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A fresh database with nothing in it, entered as superuser."""
    async with databases.fresh(postgres.dsn()) as name:
        yield postgres.dsn(name)


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A Mosquitto for this test: anonymous, on a free port; it may be stopped, killed and started again."""
    async with Mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def broker_url(mosquitto: Mosquitto) -> str:
    """Where that Mosquitto listens: `mqtt://127.0.0.1:port`."""
    return mosquitto.url


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach, unlike `tmp_path`: for servers that run as somebody else."""
    with tempfile.TemporaryDirectory(prefix="bypunkt-test-") as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path
