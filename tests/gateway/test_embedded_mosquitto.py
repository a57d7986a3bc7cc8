"""The embedded Mosquitto: what it keeps, whom it lets in, and as whom it runs."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
from paho.mqtt import MQTTException

from gateway.embedded import BrokerError, Mosquitto, MosquittoOptions
from tests.support import eventually, mqtt


async def test_fixture_gives_a_broker_and_its_address(mosquitto: Mosquitto, broker_url: str) -> None:
    assert broker_url == mosquitto.url
    await mqtt.publish(mosquitto, "village/greeting", "hej")


async def test_session_and_queue_survive_a_restart(mosquitto: Mosquitto) -> None:
    async with mqtt.connected(mosquitto, "lane-1", subscribed_to="village/#"):
        pass
    await mqtt.publish(mosquitto, "village/queued", "hej")
    await mosquitto.restart()
    assert await mqtt.first_message(mosquitto, "village/#", client_id="lane-1") == "hej"


async def test_autosave_on_every_change_survives_a_kill(tmp_path: Path) -> None:
    options = MosquittoOptions(autosave_interval=1, autosave_on_changes=True)
    async with Mosquitto(tmp_path, options=options) as broker:
        await mqtt.publish(broker, "village/kept", "hej", retain=True)
        saved = broker.store / "mosquitto.db"
        await eventually(lambda: saved.exists() and b"village/kept" in saved.read_bytes())
        await broker.kill()
        await broker.start()
        assert await mqtt.first_message(broker, "village/kept") == "hej"


async def test_accounts_and_acl_close_the_broker(tmp_path: Path) -> None:
    anna, bo = ("anna", "åäö : hemligt"), ("bo", "x" * 40)
    options = MosquittoOptions(
        accounts=dict([anna, bo]),
        acl="user anna\ntopic readwrite village/#\n\nuser bo\ntopic read village/#\n",
    )
    async with Mosquitto(tmp_path, options=options) as broker:
        await mqtt.publish(broker, "village/greeting", "from anna", account=anna, retain=True)
        await mqtt.publish(broker, "village/greeting", "from bo, not allowed", account=bo, retain=True)
        assert await mqtt.first_message(broker, "village/greeting", account=bo) == "from anna"
        for stranger in (None, ("anna", "wrong")):
            with pytest.raises(MQTTException, match=r"(?i)not authori[sz]ed"):
                await mqtt.publish(broker, "village/greeting", "hej", account=stranger)
        written = (tmp_path / "mosquitto" / "accounts").read_text()
        assert "hemligt" not in written
        assert written.count("$7$") == 2


@pytest.mark.parametrize("user", ["", "with:colon", "with\nline"])
async def test_account_that_would_corrupt_the_password_file_is_refused(user: str, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="cannot be written"):
        await Mosquitto(tmp_path, options=MosquittoOptions(accounts={user: "x"})).__aenter__()


async def test_wrong_line_in_the_configuration_is_shown(tmp_path: Path) -> None:
    options = MosquittoOptions(lines=("no_such_option true",))
    with pytest.raises(BrokerError, match=r"before it was ready(.|\n)*no_such_option"):
        await Mosquitto(tmp_path, options=options).__aenter__()


async def test_log_names_neither_clients_nor_addresses(mosquitto: Mosquitto) -> None:
    await mqtt.publish(mosquitto, "village/kept", "hej", retain=True)
    await mqtt.first_message(mosquitto, "village/kept", client_id="mac-aabbccddeeff")
    await mosquitto.stop()
    text = mosquitto.log.read_text()
    assert "aabbccddeeff" not in text
    assert "127.0.0.1" not in text


async def test_broker_never_runs_as_root(mosquitto: Mosquitto) -> None:
    owner = os.stat(f"/proc/{mosquitto.pid}").st_uid  # noqa: PTH116 - a Path would do the same
    assert owner != 0
    assert os.geteuid() in (0, owner)


async def test_many_clients_do_not_hinder_the_stop(mosquitto: Mosquitto) -> None:
    async with contextlib.AsyncExitStack() as clients:
        for number in range(20):
            await clients.enter_async_context(mqtt.connected(mosquitto, f"client-{number}"))
        async with asyncio.timeout(5):
            await mosquitto.stop()
    assert await mosquitto.wait() == 0
