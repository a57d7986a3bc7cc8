"""A session against a real Mosquitto: what it receives, acknowledges, publishes, and how it comes back."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedBroker, Mosquitto
from gateway.embedded.mosquitto import MosquittoOptions
from gateway.mqtt import Delivery, NotConnected, Refused, Session, SessionOptions, Trouble, Will
from gateway.mqtt.options import Protocol
from gateway.mqtt.wire import AT_ONCE
from tests.support import eventually

BOTH: tuple[Protocol, ...] = ("5", "3.1.1")
TOPIC = "village/1"
A_READ = AT_ONCE // 8_000
"""How many bulky ones may come in one read: what has been read is taken in, whatever the window says."""


def options(broker: EmbeddedBroker, client_id: str = "lane-1", **changes: object) -> SessionOptions:
    defaults: dict[str, object] = {"host": broker.host, "subscriptions": ("village/#",)}
    return SessionOptions(port=broker.port, client_id=client_id, **defaults | changes)  # type: ignore[arg-type] # as the caller has it


@asynccontextmanager
async def connected(what: SessionOptions) -> AsyncIterator[Session]:
    async with asyncio.timeout(30), Session(what) as session:
        await session.wait_connected()
        yield session


@asynccontextmanager
async def device(broker: EmbeddedBroker) -> AsyncIterator[Session]:
    async with connected(options(broker, "device-1", subscriptions=(), durable=False)) as session:
        yield session


async def send(session: Session, *payloads: str, topic: str = TOPIC) -> None:
    async with asyncio.TaskGroup() as group:
        for payload in payloads:
            group.create_task(session.publish(topic, payload.encode(), qos=1))


async def receive(session: Session, count: int) -> list[Delivery]:
    got: list[Delivery] = []
    async with asyncio.timeout(10):
        while len(got) < count:
            got += await session.batch(limit=count - len(got), linger_s=0.01)
    return got


def bulky(count: int) -> list[str]:
    """Numbers of 8,000 bytes, so that few come in one read."""
    return [f"{number:<8000}" for number in range(count)]


def texts(deliveries: list[Delivery]) -> list[str]:
    return [delivery.payload.decode() for delivery in deliveries]


@pytest.mark.parametrize("protocol", BOTH)
async def test_delivery_is_what_was_published_and_is_gone_once_acknowledged(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    async with connected(options(mosquitto, protocol=protocol)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, "hej")
        [delivery] = await receive(lane, 1)
        assert (delivery.topic, delivery.payload, delivery.qos, delivery.retain) == (TOPIC, b"hej", 1, False)
        assert delivery.received_at.utcoffset() == timedelta(0)
        assert delivery.received_at.microsecond % 1000 == 0
        assert delivery.generation == lane.generation
        assert lane.unacknowledged == 1
        assert lane.acknowledge([delivery]) == 1
        assert lane.acknowledge([delivery]) == 0, "each once"
        assert lane.unacknowledged == 0
    async with connected(options(mosquitto, protocol=protocol)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, "next")
        assert texts(await receive(lane, 1)) == ["next"]


@pytest.mark.parametrize("protocol", BOTH)
async def test_what_was_not_acknowledged_comes_again(mosquitto: Mosquitto, protocol: Protocol) -> None:
    async with connected(options(mosquitto, protocol=protocol)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, "a", "b", "c")
        first, second, third = await receive(lane, 3)
        assert lane.acknowledge([second]) == 1
    async with connected(options(mosquitto, protocol=protocol)) as lane:
        again = await receive(lane, 2)
        assert {delivery.payload for delivery in again} == {first.payload, third.payload}
        assert lane.acknowledge(again) == 2


async def test_acknowledgement_of_an_old_connection_acknowledges_nothing(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane:
        async with device(mosquitto) as kiosk:
            await send(kiosk, *"abcdefghij")
        old = await receive(lane, 10)
        before = lane.generation
        await mosquitto.restart()
        await eventually(lambda: lane.generation > before + 1 and lane.connected)
        assert lane.session_lost_count == 0, "Mosquitto keeps durable sessions over a clean stop"
        await eventually(lambda: lane.unacknowledged == 10)
        assert {delivery.mid for delivery in old} & set(lane._inbox._open), (
            "the same numbers are in use again"
        )
        assert lane.acknowledge(old) == 0
        assert lane.unacknowledged == 10
        assert sorted(texts(await receive(lane, 10))) == list("abcdefghij")


async def test_retained_live_event_is_seen_to_be_retained_and_an_old_one_does_not_come(
    mosquitto: Mosquitto,
) -> None:
    async with device(mosquitto) as kiosk:
        await kiosk.publish("village/old", b"old", qos=1, retain=True)
        async with connected(options(mosquitto, protocol="5")) as lane:
            await kiosk.publish("village/live", b"live", qos=1, retain=True)
            [delivery] = await receive(lane, 1)
            assert (delivery.topic, delivery.retain) == ("village/live", True)
            assert lane.waiting == 0


@pytest.mark.parametrize("durable", [True, False])
async def test_retained_message_comes_to_those_who_ask_for_it(mosquitto: Mosquitto, durable: bool) -> None:  # noqa: FBT001 - a parameter
    async with device(mosquitto) as publisher:
        await publisher.publish("village/content", b"version 7", qos=1, retain=True)
    async with connected(options(mosquitto, "kiosk", retained=True, durable=durable)) as kiosk:
        assert texts(await receive(kiosk, 1)) == ["version 7"]


async def test_session_comes_back_after_a_stop_with_what_was_queued(mosquitto: Mosquitto) -> None:
    ups: list[bool] = []
    downs: list[str] = []
    what = options(mosquitto)
    async with asyncio.timeout(30), Session(what, on_up=ups.append, on_down=downs.append) as lane:
        await lane.wait_connected()
        await mosquitto.stop()
        await eventually(lambda: lane.trouble is Trouble.UNREACHABLE)
        assert not lane.connected
        with pytest.raises(NotConnected):
            await lane.publish(TOPIC, b"")
        await mosquitto.start()
        await eventually(lambda: lane.connected)
    async with device(mosquitto) as kiosk:
        await send(kiosk, "queued", "meanwhile")
    async with connected(what) as lane:
        assert sorted(texts(await receive(lane, 2))) == ["meanwhile", "queued"]
    assert ups == [False, True]
    assert downs == [Trouble.CLOSED, "stopped"]


async def test_session_that_the_broker_has_lost_is_counted_and_what_it_had_sent_salvaged(
    mosquitto: Mosquitto,
) -> None:
    async with connected(options(mosquitto)) as lane:
        async with device(mosquitto) as kiosk:
            await send(kiosk, "only", "here")
        await eventually(lambda: lane.waiting == 2)
        await mosquitto.kill()
        await eventually(lambda: not lane.connected)
        (mosquitto.store / "mosquitto.db").unlink(missing_ok=True)
        await mosquitto.start()
        await eventually(lambda: lane.connected)
        assert lane.session_lost_count == 1
        salvaged = await receive(lane, 2)
        assert sorted(texts(salvaged)) == ["here", "only"]
        assert lane.acknowledge(salvaged) == 0
        async with device(mosquitto) as kiosk:
            await send(kiosk, "new")
        assert lane.acknowledge(await receive(lane, 1)) == 1


async def test_first_connection_without_a_session_is_no_incident(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane:
        assert lane.session_lost_count == 0
        assert lane.trouble is None


async def test_window_bounds_what_the_broker_sends(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto, window=10)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, *bulky(50))
        await eventually(lambda: lane.unacknowledged == 10)
        assert lane.waiting == 10
        async with asyncio.timeout(5):
            first = await lane.batch(limit=50, linger_s=60)  # does not wait for more than can come
        assert len(first) == 10
        assert lane.acknowledge(first[:5]) == 5
        assert len(await receive(lane, 5)) == 5
        assert lane.unacknowledged <= 20 + A_READ, (
            "Mosquitto 2.0.11 goes on after an acknowledgement; we do not"
        )


async def test_broker_without_a_window_is_held_back_and_loses_nothing(mosquitto: Mosquitto) -> None:
    """MQTT 3.1.1 has no Receive Maximum; this Mosquitto would send 1,000 at once."""
    async with connected(options(mosquitto, window=10, protocol="3.1.1")) as lane:
        async with device(mosquitto) as kiosk:
            await send(kiosk, *bulky(200))
        await eventually(lambda: lane.unacknowledged >= 20)
        got: list[str] = []
        while len(got) < 200:
            assert lane.unacknowledged <= 20 + A_READ
            batch = await lane.batch(limit=50, linger_s=0.01)
            got += texts(batch)
            lane.acknowledge(batch)
        assert sorted(map(int, got)) == list(range(200))


async def test_resubscribing_moves_from_old_to_new(mosquitto: Mosquitto) -> None:
    async with (
        connected(options(mosquitto, subscriptions=("a/#", "b/#"))) as lane,
        device(mosquitto) as kiosk,
    ):
        await lane.resubscribe(("b/#", "c/#"))
        for topic in ("a/1", "b/1", "c/1"):
            await send(kiosk, topic, topic=topic)
        assert texts(await receive(lane, 2)) == ["b/1", "c/1"]


async def test_resubscribing_without_a_connection_waits_for_it(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto, subscriptions=("a/#", "b/#"))) as lane:
        await mosquitto.stop()
        async with asyncio.TaskGroup() as group:
            change = group.create_task(lane.resubscribe(("c/#",)))
            await eventually(lambda: lane.trouble is Trouble.UNREACHABLE)
            assert not change.done()
            await mosquitto.start()
        async with device(mosquitto) as kiosk:
            for topic in ("a/1", "b/1", "c/1"):
                await send(kiosk, topic, topic=topic)
        assert texts(await receive(lane, 1)) == ["c/1"]


@pytest.mark.parametrize("protocol", BOTH)
async def test_wrong_password_is_named(tmp_path: Path, protocol: Protocol) -> None:
    closed = MosquittoOptions(accounts={"lane": "right"})
    async with Mosquitto(tmp_path, options=closed) as broker:
        wrong = options(broker, username="lane", password="wrong", protocol=protocol)
        async with Session(wrong) as lane:
            await eventually(lambda: lane.trouble is Trouble.CREDENTIALS)
            assert lane.trouble_detail
            assert not lane.connected
        async with connected(options(broker, username="lane", password="right", protocol=protocol)) as lane:
            assert lane.trouble is None


async def test_publishing_what_is_not_allowed_is_refused(tmp_path: Path) -> None:
    rights = MosquittoOptions(accounts={"kiosk": "x"}, acl="user kiosk\ntopic write allowed/#\n")
    async with Mosquitto(tmp_path, options=rights) as broker:
        account = {"username": "kiosk", "password": "x", "subscriptions": ()}
        async with connected(options(broker, "kiosk", **account)) as kiosk:
            await kiosk.publish("allowed/1", b"", qos=1)
            with pytest.raises(Refused, match="Not authorized"):
                await kiosk.publish("forbidden/1", b"", qos=1)
            assert kiosk.connected


async def test_will_is_published_when_the_connection_breaks_but_not_on_leaving(mosquitto: Mosquitto) -> None:
    will = Will(topic=TOPIC, payload=b"gone")
    mortal = options(mosquitto, "device-2", subscriptions=(), durable=False, will=will)
    async with connected(options(mosquitto)) as lane:
        async with connected(mortal):
            pass
        async with connected(mortal) as kiosk:
            await kiosk.publish(TOPIC, b"alive", qos=1)
            [alive] = await receive(lane, 1)
            assert alive.payload == b"alive", "no will before it"
            assert kiosk._link is not None
            kiosk._link._sock.shutdown(socket.SHUT_RDWR)
            assert texts(await receive(lane, 1)) == ["gone"]


async def test_qos_0_beyond_the_window_is_dropped_and_counted(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto, window=10)) as lane, device(mosquitto) as kiosk:
        for number in range(30):
            await kiosk.publish(TOPIC, str(number).encode())
        await eventually(lambda: lane.dropped_count == 20)
        assert texts(await receive(lane, 10)) == [str(number) for number in range(10)]
        assert lane.unacknowledged == 0


async def test_encrypted_session_works_like_any_other(open_directory: Path) -> None:
    for name in ("localhost.crt", "localhost.key"):
        shutil.copy(Path(__file__).with_name(name), open_directory)
        (open_directory / name).chmod(0o644)
    certificate = open_directory / "localhost.crt"
    lines = (f"certfile {certificate}", f"keyfile {open_directory / 'localhost.key'}")
    async with Mosquitto(open_directory / "broker", options=MosquittoOptions(lines=lines)) as broker:
        secure = {"tls_ca": certificate, "host": "localhost"}
        async with (
            connected(options(broker, "lane-1", **secure)) as lane,
            connected(options(broker, "kiosk", subscriptions=(), durable=False, **secure)) as kiosk,
        ):
            await send(kiosk, *("x" * 20_000 for _ in range(20)))
            got = await receive(lane, 20)
            assert lane.acknowledge(got) == 20
        async with Session(options(broker, "clear")) as clear:
            await eventually(lambda: clear.trouble is not None)


async def test_what_breaks_off_says_no_goodbye_and_comes_again(mosquitto: Mosquitto) -> None:
    will = Will(topic="village/will", payload=b"gone")
    downs: list[str] = []
    async with connected(options(mosquitto)) as lane:
        what = options(mosquitto, "kiosk-1", subscriptions=(), durable=False, will=will)
        async with asyncio.timeout(30), Session(what, on_down=downs.append) as kiosk:
            kiosk.break_off()  # harmless before there is a connection
            await kiosk.wait_connected()
            kiosk.break_off()
            assert not kiosk.connected
            assert texts(await receive(lane, 1)) == ["gone"]
            await eventually(lambda: kiosk.connected)
            assert downs == [Trouble.LOST]
