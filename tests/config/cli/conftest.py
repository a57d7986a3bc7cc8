"""An installation that the command line works on."""

import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from config import logs
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.villages import registry


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A wide terminal, and a log that stays out of it: setting it up would outlive the test."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(logs, "set_up", lambda _options: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # typer puts its own there
    with capture_logs():
        yield


@pytest.fixture
def installed(database_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Settings that name this test's database; returns its address."""
    monkeypatch.setenv("BYPUNKT_DATABASE__URL", database_url)
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", admin_url)
    return database_url


@pytest.fixture
async def inhabited(installed: str) -> str:
    """The same, with two municipalities registered."""
    async with Database.open(installed) as database:
        await import_registry(database, registry())
    return installed
