"""A password counts in the database and at the broker, or in neither."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.mqtt import Session, SessionOptions, Trouble
from gateway.rights import passwords
from gateway.rights.control import ControlFailed
from services.storage.database import Database, Role, Tenants
from services.tenants.credentials import DeviceAccount, live_password
from tests.support.brokers import ProductionBroker
from tests.support.villages import villages
from tests.support.waiting import eventually

LIDHULT = DeviceAccount("0781", "hs-lidhult-1", "active")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with villages(database_url) as opened:
        yield opened


async def generation(database: Database) -> int | None:
    async with database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        live = await live_password(connection, "0781", "hs-lidhult-1")
    return live.generation if live else None


def session_options(broker: ProductionBroker, password: str) -> SessionOptions:
    return SessionOptions(
        host="localhost", port=broker.port, tls_ca=broker.ca, client_id="hs-lidhult-1",
        username="hs-lidhult-1", password=password, durable=False,
    )  # fmt: skip


async def lets_in(broker: ProductionBroker, password: str) -> bool:
    async with Session(session_options(broker, password)) as session:
        await eventually(lambda: session.connected or session.trouble is Trouble.CREDENTIALS, within=10)
        return session.connected


async def test_a_new_password_takes_the_place_of_the_old_one(
    database: Database, broker: ProductionBroker, admin_url: str
) -> None:
    first = await passwords.give(database, broker.options(), LIDHULT)
    async with Session(session_options(broker, first[1])) as session:
        await eventually(lambda: session.connected, within=10)
        second = await passwords.give(database, broker.options(), LIDHULT)
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=10)
    assert (first[0], second[0]) == (1, 2)
    assert await lets_in(broker, second[1])
    admin = await asyncpg.connect(admin_url)
    try:
        rows = await admin.fetch("SELECT password_hash FROM bypunkt.device_credential ORDER BY generation")
    finally:
        await admin.close()
    assert rows[0]["password_hash"] is None
    assert rows[1]["password_hash"].startswith("$7$101$")
    assert second[1] not in str(rows)


async def test_a_broker_that_is_away_leaves_the_old_password_good(
    database: Database, broker: ProductionBroker
) -> None:
    _, password = await passwords.give(database, broker.options(), LIDHULT)
    await broker.stop()
    with pytest.raises(ControlFailed, match="unreachable"):
        await passwords.give(database, broker.options(), LIDHULT)
    await broker.start()
    assert await generation(database) == 1
    assert await lets_in(broker, password)


async def test_a_suspended_device_gets_a_password_that_opens_nothing_yet(
    database: Database, broker: ProductionBroker
) -> None:
    device = DeviceAccount("0781", "hs-lidhult-1", "suspended")
    _, password = await passwords.give(database, broker.options(), device)
    assert not await lets_in(broker, password)


async def test_taking_a_password_away_waits_for_no_broker(
    database: Database, broker: ProductionBroker
) -> None:
    await passwords.give(database, broker.options(), LIDHULT)
    await broker.stop()
    assert await passwords.take(database, LIDHULT)
    assert await generation(database) is None
    assert not await passwords.take(database, LIDHULT)
