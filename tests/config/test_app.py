"""The whole program in one process: a device's publish becomes a state, our own blindness never an outage."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Unpack

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from config.app import NotConfigured, Part, bypunkt
from config.settings import Settings
from dashboard.options import WebOptions
from gateway.embedded import Mosquitto
from gateway.mqtt import Session, SessionOptions, Will
from gateway.options import MqttOptions
from gateway.topics import ack_topic
from services.runtime.clock import now
from services.storage.database import Database
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.storage.options import DatabaseOptions
from services.storage.safety import UnsafeDatabase
from services.tenants.importing import import_registry
from tests.support.gateways import device, short_form, topic
from tests.support.villages import DeviceFields, registry
from tests.support.waiting import eventually

USAGE = {"iface": "wlan0", "ssid": "by", "clients": 7, "interval_s": 60}


@asynccontextmanager
async def installation(
    mosquitto: Mosquitto, **devices: Unpack[DeviceFields]
) -> AsyncIterator[tuple[EmbeddedPostgres, str]]:
    """Run everything on a safe database with two registered municipalities; yields it and the web address."""
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        async with Database.open(postgres.dsn(user="bypunkt_app")) as database:
            await import_registry(database, registry(**devices))
        async with bypunkt(_settings(postgres.dsn(user="bypunkt_app"), mosquitto)) as running:
            assert running.address
            await eventually(lambda: _ready(running.address or ""), within=10)
            yield postgres, running.address


def _settings(url: str, broker: Mosquitto) -> Settings:
    return Settings(
        database=DatabaseOptions(url=SecretStr(url)),
        mqtt=MqttOptions(host=broker.host, port=broker.port, canary_s=0.5),
        web=WebOptions(port=0),
    )


async def test_a_publish_becomes_a_state_within_a_second(mosquitto: Mosquitto) -> None:
    async with installation(mosquitto) as (postgres, address), device(mosquitto, "hs-lidhult-1") as hotspot:
        assert await _state(postgres, "hs-lidhult-1") is None
        published = now()
        await hotspot.publish(topic("wifi.usage"), short_form(data=USAGE), qos=1)
        await eventually(lambda: _is(postgres, "hs-lidhult-1", "up"))
        assert (now() - published).total_seconds() < 1
        async with aiohttp.ClientSession() as visitor, visitor.get(f"{address}/p/dp-lidhult") as answer:
            assert answer.status == 200
            assert "Wifi" in await answer.text()


async def test_silence_is_down_at_the_deadline_and_backdated(mosquitto: Mosquitto) -> None:
    async with (
        installation(mosquitto, expected_interval_s=1, offline_after_s=2) as (postgres, _),
        device(mosquitto, "hs-lidhult-1") as hotspot,
    ):
        await hotspot.publish(topic("device.heartbeat"), short_form(data={"uptime_s": 5}), qos=1)
        await eventually(lambda: _is(postgres, "hs-lidhult-1", "up"))
        await eventually(lambda: _is(postgres, "hs-lidhult-1", "down"), within=25)
        row = await _state(postgres, "hs-lidhult-1")
        assert row is not None
        assert row["since"] == row["last_sign_at"]


async def test_a_clean_stop_of_the_broker_makes_no_device_offline(mosquitto: Mosquitto) -> None:
    """It publishes every last will, and everybody falls silent; all that is known is that we are blind."""
    async with installation(mosquitto, expected_interval_s=4, offline_after_s=12) as (postgres, address):
        names = ("hs-lidhult-1", "hs-lidhult-2")
        async with _with_will(mosquitto, names[0]) as first, _with_will(mosquitto, names[1]) as second:
            for name, session in zip(names, (first, second), strict=True):
                birth = short_form(boot="b1", conn="c1", data={"state": "online"})
                await session.publish(topic("device.status", name), birth, qos=1)
            for name in names:
                await eventually(partial(_is, postgres, name, "up"))
            stopped = now()
            await mosquitto.stop()
            for name in names:
                await eventually(partial(_is, postgres, name, "blind"), within=10)
            await eventually(lambda: _not_ready(address), within=20)
            await eventually(lambda: (now() - stopped).total_seconds() > 14, within=20)  # past every deadline
            assert await _ever_down(postgres) == []
            await mosquitto.start()
            for name, session in zip(names, (first, second), strict=True):
                await session.wait_connected()
                await session.publish(
                    topic("device.heartbeat", name), short_form(data={"uptime_s": 60}), qos=1
                )
            for name in names:
                await eventually(partial(_is, postgres, name, "up"), within=20)
            await eventually(lambda: _ready(address), within=20)
            assert await _ever_down(postgres) == []


async def test_only_the_named_parts_run(mosquitto: Mosquitto) -> None:
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        settings = _settings(postgres.dsn(user="bypunkt_app"), mosquitto)
        async with bypunkt(settings, parts=[Part.WORKER]) as running:
            assert (running.gateway, running.address) == (None, None)
        async with bypunkt(settings, parts=[Part.WEB]) as running:
            assert running.address
            assert await _not_ready(running.address)  # nothing is registered, so nothing can be seen


async def test_an_unsafe_or_unfinished_database_is_refused(mosquitto: Mosquitto) -> None:
    async with EmbeddedPostgres(fast=True) as postgres:
        await migrate(postgres.dsn())
        with pytest.raises(UnsafeDatabase, match="fsync = off"):
            async with bypunkt(_settings(postgres.dsn(user="bypunkt_app"), mosquitto)):
                pass
        with pytest.raises(UnsafeDatabase, match="superuser"):
            async with bypunkt(_settings(postgres.dsn(), mosquitto)):
                pass


async def test_without_a_database_address_it_says_which_setting_is_missing(mosquitto: Mosquitto) -> None:
    with pytest.raises(NotConfigured, match="BYPUNKT_DATABASE__URL"):
        async with bypunkt(Settings(mqtt=MqttOptions(host=mosquitto.host, port=mosquitto.port))):
            pass


@asynccontextmanager
async def _with_will(mosquitto: Mosquitto, name: str) -> AsyncIterator[Session]:
    last_words = short_form(boot="b1", conn="c1", data={"state": "offline"})
    will = Will(topic=topic("device.status", name), payload=last_words)
    options = SessionOptions(
        host=mosquitto.host, port=mosquitto.port, client_id=name, will=will, durable=False,
        subscriptions=(ack_topic("0781", name),),
    )  # fmt: skip
    async with Session(options) as session:
        await session.wait_connected()
        yield session


async def _state(postgres: EmbeddedPostgres, name: str) -> asyncpg.Record | None:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        return await connection.fetchrow("SELECT * FROM bypunkt.device_status WHERE device = $1", name)
    finally:
        await connection.close()


async def _is(postgres: EmbeddedPostgres, name: str, state: str) -> bool:
    row = await _state(postgres, name)
    return row is not None and row["state"] == state


async def _ever_down(postgres: EmbeddedPostgres) -> list[str]:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        rows = await connection.fetch(
            "SELECT device, starts_at FROM bypunkt.status_interval WHERE state = 'down'"
        )
        return [row["device"] for row in rows]
    finally:
        await connection.close()


async def _ready(address: str) -> bool:
    async with aiohttp.ClientSession() as client, client.get(f"{address}/readyz") as answer:
        said = json.loads(await answer.text())
        return answer.status == 200 and said["ready"] is True


async def _not_ready(address: str) -> bool:
    return not await _ready(address)
