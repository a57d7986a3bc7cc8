"""`bypunkt simulate`: a steady stream from registered, synthetic devices, and from no others."""

import asyncpg
import pytest

from config.cli import simulate
from config.failures import CommandFailed
from config.settings import load
from gateway.embedded import Mosquitto
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.installation import environment, outcome
from tests.support.villages import registry


async def _register(url: str) -> None:
    async with Database.open(url) as database:
        await import_registry(database, registry())


async def test_it_publishes_at_about_the_rate_asked_for_and_says_how_much(
    database_url: str, mosquitto: Mosquitto
) -> None:
    await _register(database_url)
    env = environment(database_url, mosquitto)
    code, out, err = await outcome("simulate", "--devices", "3", "--rate", "20", "--seconds", "2", env=env)
    assert code == 0, err
    assert "Traceback" not in err
    sent, acknowledged, *_ = (int(word) for word in out.split() if word.isdecimal())
    assert 3 < acknowledged <= sent < 60


async def test_only_synthetic_devices_are_played(database_url: str, admin_url: str) -> None:
    await _register(database_url)
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("UPDATE bypunkt.device SET synthetic = false WHERE id = 'hs-lidhult-1'")
    finally:
        await admin.close()
    settings = load(database={"url": database_url})
    assert await simulate._synthetic(settings, 2) == [("0583", "hs-fornasa-1"), ("0781", "hs-lidhult-2")]
    with pytest.raises(CommandFailed, match="only 2 synthetic devices are registered"):
        await simulate._synthetic(settings, 3)
