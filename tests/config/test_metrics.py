"""A process without a web face tells its figures too, when it is given a port."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from config.app import Part, bypunkt
from config.metrics import MetricsOptions, serve_metrics
from config.settings import Settings
from dashboard.app import PortTaken
from gateway.embedded import Mosquitto
from gateway.options import MqttOptions
from services.runtime.clock import now
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.storage.options import DatabaseOptions
from tests.support.villages import villages
from tests.support.waiting import eventually


async def _get(address: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as visitor, visitor.get(address) as answer:
        return answer.status, await answer.text()


async def test_nothing_listens_unless_it_is_told_to() -> None:
    async with serve_metrics(MetricsOptions()) as address:
        assert address is None


async def test_figures_and_sign_of_life_are_all_there_is_and_on_this_machine_alone() -> None:
    async with serve_metrics(MetricsOptions(port=0)) as address:
        assert address is not None
        assert urlsplit(address).hostname == "127.0.0.1"
        status, text = await _get(f"{address}/metrics")
        assert status == 200
        assert "bypunkt_http_requests" in {family.name for family in text_string_to_metric_families(text)}
        assert await _get(f"{address}/healthz") == (200, '{"alive": true}')
        assert (await _get(f"{address}/"))[0] == 404
        with pytest.raises(PortTaken, match="choose another port"):
            async with serve_metrics(MetricsOptions(port=urlsplit(address).port)):
                pass
    with pytest.raises(aiohttp.ClientConnectorError):
        await _get(f"{address}/metrics")


async def test_a_gateway_and_a_worker_alone_tell_what_they_hold(mosquitto: Mosquitto) -> None:
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        url = postgres.dsn(user="bypunkt_app")
        settings = Settings(
            database=DatabaseOptions(url=SecretStr(url)),
            mqtt=MqttOptions(host=mosquitto.host, port=mosquitto.port, canary_s=0.5),
            metrics=MetricsOptions(port=0),
        )
        async with (
            villages(url, at=now()),
            bypunkt(settings, parts=(Part.GATEWAY, Part.WORKER)) as running,
        ):
            assert running.address is None

            async def holds() -> bool:
                _, text = await _get(f"{running.metrics}/metrics")
                return all(
                    f'bypunkt_lanes_held{{part="{part}"}} 2.0' in text for part in ("gateway", "worker")
                )

            await eventually(holds, within=20)


async def test_a_process_that_waits_for_its_database_says_that_it_is_alive(tmp_path: object) -> None:
    async with serve_metrics(MetricsOptions(port=0)) as address:
        port = urlsplit(address or "").port
    settings = Settings(
        database=DatabaseOptions(url=SecretStr(f"postgresql://nobody@/nowhere?host={tmp_path}")),
        metrics=MetricsOptions(port=port),
    )

    async def run() -> None:
        async with bypunkt(settings, parts=(Part.WORKER,)):
            pytest.fail("there is no database")

    async def alive() -> bool:
        with suppress(aiohttp.ClientConnectorError):
            return (await _get(f"http://127.0.0.1:{port}/healthz"))[0] == 200
        return False

    waiting = asyncio.ensure_future(run())
    try:
        await eventually(alive)
        assert not waiting.done()
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
