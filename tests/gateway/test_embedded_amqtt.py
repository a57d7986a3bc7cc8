"""The embedded amqtt: good enough for a demo, and what it is not good for stays known."""

import asyncio
from pathlib import Path

import pytest
from amqtt.broker import Broker
from amqtt.session import Session

from gateway.embedded import Amqtt, amqtt_server
from tests.support import mqtt


@pytest.mark.parametrize("port", [1883, 18830])
def test_configuration_is_one_listener_on_the_given_address(port: int) -> None:
    assert amqtt_server.configuration("127.0.0.1", port)["listeners"] == {
        "default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    }


async def test_durable_session_keeps_its_queue_while_its_client_is_away(tmp_path: Path) -> None:
    async with Amqtt(tmp_path) as broker:
        async with mqtt.connected(broker, "lane-1", subscribed_to="village/#"):
            pass
        await mqtt.publish(broker, "village/queued", "hej")
        assert await mqtt.first_message(broker, "village/#", client_id="lane-1") == "hej"


async def test_everybody_may_come_in_and_nobody_counts_as_anonymous() -> None:
    # amqtt forgets the sessions of anonymous clients, durable or not, a second after they leave.
    broker = Broker(amqtt_server.configuration("127.0.0.1", 1883))
    session = Session()
    answers = await broker.plugins_manager.map_plugin_auth(session=session)
    assert list(answers.values()) == [True]
    assert not session.is_anonymous


async def test_stop_is_prompt_with_clients_connected(tmp_path: Path) -> None:
    async with Amqtt(tmp_path) as broker:
        async with mqtt.connected(broker, "client"), asyncio.timeout(4):
            await broker.stop()
        assert await broker.wait() == 0


async def test_log_names_neither_clients_nor_addresses(tmp_path: Path) -> None:
    async with Amqtt(tmp_path) as broker:
        await mqtt.publish(broker, "village/kept", "hej", retain=True)
        await mqtt.first_message(broker, "village/kept", client_id="mac-aabbccddeeff")
    text = broker.log.read_text()
    assert "aabbccddeeff" not in text
    assert "127.0.0.1" not in text
