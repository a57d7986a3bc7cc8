"""What holds for both embedded brokers: a port that stays theirs, and an end with ours."""

import signal
import socket
from pathlib import Path

import pytest

from gateway.embedded import embedded_broker
from gateway.embedded.amqtt import Amqtt
from gateway.embedded.broker import BrokerError
from gateway.embedded.mosquitto import Mosquitto
from tests.support import eventually, mqtt, processes

Kind = type[Mosquitto] | type[Amqtt]
both = pytest.mark.parametrize("kind", [Mosquitto, Amqtt])


@both
async def test_broker_carries_messages_on_loopback_and_is_gone_after_exit(kind: Kind, tmp_path: Path) -> None:
    async with kind(tmp_path / "made" / "for" / "it") as broker:
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        await mqtt.publish(broker, "village/greeting", "hej", retain=True)
        assert await mqtt.first_message(broker, "village/greeting") == "hej"
    assert not processes.alive(broker.pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.host, broker.port), timeout=1)


@both
async def test_broker_stops_twice_and_starts_again_on_its_port(kind: Kind, tmp_path: Path) -> None:
    async with kind(tmp_path) as broker:
        port, pid = broker.port, broker.pid
        await broker.start()
        assert broker.pid == pid
        await broker.stop()
        await broker.stop()
        assert not broker.running
        await broker.restart()
        await broker.kill()
        assert await broker.wait() == -signal.SIGKILL
        await broker.start()
        assert (broker.port, broker.running) == (port, True)
        await mqtt.publish(broker, "village/greeting", "hej")


@both
async def test_taken_port_is_named(kind: Kind, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            BrokerError, match=f"cannot have port {port} on 127.0.0.1: Address already in use"
        ):
            await kind(tmp_path, port=port).__aenter__()


PARENT = """
import asyncio, sys
from pathlib import Path
from gateway.embedded import embedded_broker

async def main():
    async with embedded_broker(Path(sys.argv[1]), prefer=sys.argv[2]) as broker:
        print(broker.pid, file=sys.stderr, flush=True)
        await broker.wait()

asyncio.run(main())
"""


@both
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_no_process_outlives_python(kind: Kind, ending: signal.Signals, tmp_path: Path) -> None:
    with processes.python(PARENT, str(tmp_path), kind.name) as (parent, [pid]):
        assert processes.alive(pid)
        parent.send_signal(ending)
        await eventually(lambda: not processes.alive(pid))


def test_mosquitto_is_chosen_where_it_is_installed_and_amqtt_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(embedded_broker(tmp_path), Mosquitto)
    assert isinstance(embedded_broker(tmp_path, prefer="amqtt"), Amqtt)
    monkeypatch.setattr(Mosquitto, "installed", staticmethod(lambda: False))
    assert isinstance(embedded_broker(tmp_path), Amqtt)
    with pytest.raises(BrokerError, match=r"mosquitto is not installed.*apt install mosquitto"):
        embedded_broker(tmp_path, prefer="mosquitto")
    monkeypatch.setattr(Amqtt, "installed", staticmethod(lambda: False))
    with pytest.raises(BrokerError, match=r"an MQTT broker is not installed.*apt install mosquitto"):
        embedded_broker(tmp_path)


@both
async def test_broker_that_is_not_installed_says_so(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "installed", staticmethod(lambda: False))
    monkeypatch.setattr("gateway.embedded.mosquitto._program", lambda _: None)
    with pytest.raises(BrokerError, match="is not installed"):
        await kind(tmp_path).__aenter__()


@both
async def test_what_was_not_started_says_so(kind: Kind, tmp_path: Path) -> None:
    broker = kind(tmp_path)
    await broker.stop()
    await broker.kill()
    with pytest.raises(BrokerError, match="has not been started"):
        _ = broker.pid
