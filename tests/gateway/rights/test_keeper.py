"""The broker follows the registry, and comes back from whatever was done to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.mqtt import Session, SessionOptions, Trouble
from gateway.rights import passwords, rules
from gateway.rights.control import control
from gateway.rights.keeper import RightsKeeper, every_account
from services.runtime.tasks import running
from services.storage.database import Database, Public, Role, Tenants
from services.tenants.credentials import DeviceAccount, take_turn
from services.tenants.devices import move
from tests.support.brokers import ProductionBroker
from tests.support.villages import villages
from tests.support.waiting import eventually

LIDHULT = DeviceAccount("0781", "hs-lidhult-1", "active")
EVERYWHERE = Tenants(("0781", "0583"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with villages(database_url) as opened:
        yield opened


@asynccontextmanager
async def following(database: Database, broker: ProductionBroker) -> AsyncIterator[None]:
    """Keep the broker equal, woken by the registry's notifications as the gateway does it."""
    keeper = RightsKeeper(database, broker.options())

    async def wake() -> None:
        async with database.listen("bypunkt_registry") as notices:
            async for _ in notices:
                keeper.registry_changed()

    async with running({"rights": keeper.run, "wake": wake}):
        yield


def device(broker: ProductionBroker, password: str) -> Session:
    return Session(
        SessionOptions(
            host="localhost",
            port=broker.port,
            tls_ca=broker.ca,
            client_id="hs-lidhult-1",
            username="hs-lidhult-1",
            password=password,
            subscriptions=("bypunkt/v1/0781/hs-lidhult-1/down/#",),
            durable=False,
        )
    )


async def connected(session: Session) -> None:
    async with asyncio.timeout(10):
        await session.wait_connected()


async def test_a_suspended_device_is_cut_off_at_once_and_let_in_again_when_resumed(
    database: Database, broker: ProductionBroker
) -> None:
    _, password = await passwords.give(database, broker.options(), LIDHULT)
    async with following(database, broker), device(broker, password) as session:
        await connected(session)
        async with database.transaction(Role.WEB, EVERYWHERE) as connection:
            await move(connection, "hs-lidhult-1", "suspended")
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=5)
        async with database.transaction(Role.WEB, EVERYWHERE) as connection:
            await move(connection, "hs-lidhult-1", "active")
        await eventually(lambda: session.connected, within=20)


async def test_a_revoked_password_is_cut_off_within_five_seconds_and_cannot_return(
    database: Database, broker: ProductionBroker
) -> None:
    _, password = await passwords.give(database, broker.options(), LIDHULT)
    async with following(database, broker), device(broker, password) as session:
        await connected(session)
        assert await passwords.take(database, LIDHULT)
        await eventually(lambda: not session.connected, within=5)
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=5)
    async with device(broker, password) as session:
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=5)


async def test_a_password_for_a_device_that_was_suspended_meanwhile_does_not_wait_for_the_next_look(
    database: Database, broker: ProductionBroker
) -> None:
    async with database.transaction(Role.WEB, EVERYWHERE) as connection:
        await move(connection, "hs-lidhult-1", "suspended")
    with capture_logs() as logs:
        async with following(database, broker):
            await eventually(lambda: logged(logs, "rights_changed", "info"), within=20)
            _, password = await passwords.give(database, broker.options(), LIDHULT)
            async with device(broker, password) as session:
                await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=10)


async def test_what_somebody_changed_by_hand_is_mended_and_said_and_a_second_look_finds_nothing(
    database: Database, broker: ProductionBroker
) -> None:
    keeper = RightsKeeper(database, broker.options())
    await passwords.give(database, broker.options(), LIDHULT)
    assert await keeper.keep_equal() == 1  # what the simulator may play
    role = rules.device_role("0781", "hs-lidhult-1")
    all_of_it = {"acltype": "subscribePattern", "topic": "#", "priority": 0, "allow": True}
    async with control(broker.options()) as conversation:
        await conversation.tell(
            [
                {"command": "modifyRole", "rolename": role, "acls": [all_of_it]},
                {"command": "addClientRole", "username": "hs-lidhult-1", "rolename": "spy"},
                {
                    "command": "createClient",
                    "username": "hs-gone-1",
                    "textname": "bypunkt device, password 1",
                },
                {"command": "setDefaultACLAccess", "acls": [{"acltype": "subscribe", "allow": True}]},
            ]
        )
    with capture_logs() as logs:
        assert await keeper.keep_equal() == 4
    assert {(line["what"], *line["names"]) for line in logs if line["event"] == "rights_changed"} == {
        ("role_mended", role),
        ("account_mended", "hs-lidhult-1"),
        ("account_removed", "hs-gone-1"),
        ("defaults_set", ""),
    }
    assert await keeper.keep_equal() == 0
    async with control(broker.options()) as conversation:
        clients = (await conversation.found()).clients
    assert "spy" in clients
    assert "hs-gone-1" not in clients


async def test_a_store_of_yesterday_does_not_bring_yesterdays_password_back(
    database: Database, broker: ProductionBroker
) -> None:
    _, leaked = await passwords.give(database, broker.options(), LIDHULT)
    await broker.stop()
    yesterday = broker.store.read_text()
    await broker.start()
    _, password = await passwords.give(database, broker.options(), LIDHULT)
    assert password != leaked
    await broker.stop()
    broker.store.write_text(yesterday)
    await broker.start()
    with capture_logs() as logs:
        await RightsKeeper(database, broker.options()).keep_equal()
    assert ["hs-lidhult-1"] in [line["names"] for line in logs if line.get("what") == "account_closed"]
    assert [line["devices"] for line in logs if line["event"] == "broker_accounts_missing"] == [
        ["hs-lidhult-1"]
    ]
    async with device(broker, leaked) as session:
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=5)


async def test_one_works_at_a_time(database: Database, broker: ProductionBroker) -> None:
    keeper = RightsKeeper(database, broker.options())
    async with database.transaction(Role.INGEST, Public()) as turn:
        assert await take_turn(turn)
        assert await keeper.keep_equal() is None
    assert await keeper.keep_equal() is not None


async def test_a_broker_that_is_away_is_said_once_and_made_equal_when_it_is_back(
    database: Database, broker: ProductionBroker
) -> None:
    _, password = await passwords.give(database, broker.options(), LIDHULT)
    assert await passwords.take(database, LIDHULT)
    await broker.stop()
    with capture_logs() as logs:
        keeper = RightsKeeper(database, broker.options(), every_s=0.1)
        async with running({"rights": keeper.run}):
            await eventually(lambda: logged(logs, "rights_not_kept", "debug"), within=30)
            await broker.start()
            await eventually(lambda: logged(logs, "rights_changed", "info"), within=30)
    assert logged(logs, "rights_not_kept", "warning") == 1
    async with device(broker, password) as session:
        await eventually(lambda: session.trouble is Trouble.CREDENTIALS, within=5)


def logged(logs: Sequence[Mapping[str, Any]], event: str, level: str) -> int:
    return sum((line["event"], line["log_level"]) == (event, level) for line in logs)


async def test_every_lane_is_read(database: Database) -> None:
    assert {account.municipality for account in await every_account(database)} == {"0781", "0583"}
