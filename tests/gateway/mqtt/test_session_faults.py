"""What goes wrong around a session, and how it comes through: faults of brokers, networks and callbacks."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.embedded import Amqtt, Mosquitto
from gateway.mqtt import Delivery, NotConnected, Refused, Session, SessionOptions, Trouble, link
from tests.gateway.mqtt.scripted import (
    ACCEPT_5,
    ACCEPT_311,
    CONNECT,
    PINGREQ,
    PUBLISH,
    SUBSCRIBE,
    publish,
    scripted_broker,
    suback,
)
from tests.gateway.mqtt.test_session import bulky, connected, device, options, receive, send, texts
from tests.support import eventually, processes

GRANTED = 1


def at(port: int, **changes: object) -> SessionOptions:
    defaults: dict[str, object] = {"client_id": "lane-1", "subscriptions": ("village/#",), "protocol": "5"}
    return SessionOptions(host="127.0.0.1", port=port, **defaults | changes)  # type: ignore[arg-type] # as the caller has it


async def test_kill_of_the_broker_is_survived(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane:
        for _ in range(2):
            await mosquitto.kill()
            await eventually(lambda: not lane.connected)
            await mosquitto.start()
            await eventually(lambda: lane.connected)
        async with device(mosquitto) as kiosk:
            await send(kiosk, "after")
        assert "after" in texts(await receive(lane, 1))


async def test_publish_that_loses_its_connection_says_so(mosquitto: Mosquitto) -> None:
    async with device(mosquitto) as kiosk, asyncio.TaskGroup() as group:
        processes.freeze(mosquitto.pid)
        publishing = group.create_task(fails_with_not_connected(kiosk))
        await eventually(lambda: kiosk._link is not None and kiosk._link._answers)
        await mosquitto.kill()
        await publishing


async def fails_with_not_connected(session: Session) -> None:
    with pytest.raises(NotConnected):
        await session.publish("village/1", b"", qos=1)


async def test_half_open_connection_is_noticed_by_keepalive(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto, keepalive_s=1)) as lane:
        processes.freeze(mosquitto.pid)
        try:
            await eventually(lambda: lane.trouble is Trouble.LOST)
            assert "keepalive" in lane.trouble_detail
        finally:
            processes.thaw(mosquitto.pid)
        await eventually(lambda: lane.connected)


async def test_exception_in_on_up_ends_the_connection_and_the_next_one_is_good(mosquitto: Mosquitto) -> None:
    calls: list[bool] = []

    def on_up(session_present: bool) -> None:  # noqa: FBT001 - the callback's shape
        calls.append(session_present)
        if len(calls) == 1:
            raise ZeroDivisionError("a payload that must not be logged")

    with capture_logs() as logs:
        async with asyncio.timeout(10), Session(options(mosquitto), on_up=on_up) as lane:
            await eventually(lambda: len(calls) == 2 and lane.connected)
    assert calls == [False, True]
    [entry] = [entry for entry in logs if entry["event"] == "mqtt_fault"]
    assert entry["error"] == "ZeroDivisionError"
    assert "must not be logged" not in repr(logs)


async def test_exception_in_on_down_changes_nothing(mosquitto: Mosquitto) -> None:
    def on_down(_reason: str) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(10), Session(options(mosquitto), on_down=on_down) as lane:
        await lane.wait_connected()
        await mosquitto.restart()
        await eventually(lambda: lane.generation > 2 and lane.connected)


async def test_exception_while_a_message_is_taken_in_never_leaves_a_dead_session(
    mosquitto: Mosquitto,
) -> None:
    def broken_once() -> object:
        times.append(1)
        if len(times) == 1:
            raise ZeroDivisionError
        return time_of_day()

    times: list[int] = []
    what = options(mosquitto)
    async with asyncio.timeout(10), Session(what, clock=broken_once) as lane, device(mosquitto) as kiosk:  # type: ignore[arg-type] # broken
        await lane.wait_connected()
        time_of_day = kiosk._clock
        await send(kiosk, "poison")
        assert texts(await receive(lane, 1)) == ["poison"], "again, on the next connection"
        assert lane.generation > 2


async def test_leaving_is_quick_whatever_the_broker_does(mosquitto: Mosquitto) -> None:
    async def leave() -> float:
        session = Session(options(mosquitto))
        await session.__aenter__()
        await session.wait_connected()
        if freeze:
            processes.freeze(mosquitto.pid)
        began = time.monotonic()
        await session.__aexit__(None, None, None)
        return time.monotonic() - began

    freeze = False
    assert await leave() < 0.3
    freeze = True
    try:
        assert await leave() < 1
    finally:
        processes.thaw(mosquitto.pid)


async def test_leaving_while_connecting_is_quick() -> None:
    async with scripted_broker(lambda _kind, _body: b"") as broker:
        async with Session(at(broker.port)):
            await eventually(lambda: broker.connects)
            began = time.monotonic()
        assert time.monotonic() - began < 1
        await eventually(lambda: broker.open == 0)


async def test_last_acknowledgements_arrive_before_the_goodbye(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto, window=200)) as lane:
        async with device(mosquitto) as kiosk:
            await send(kiosk, *map(str, range(300)))
        got = await receive(lane, 200)
        assert lane.acknowledge(got) == 200
    async with connected(options(mosquitto)) as lane:
        assert len(await receive(lane, 100)) == 100
        assert lane.unacknowledged == 100


async def test_two_sessions_with_one_client_id_do_not_spin(mosquitto: Mosquitto) -> None:
    ups: list[bool] = []
    async with asyncio.timeout(20), Session(options(mosquitto), on_up=ups.append) as one:
        await one.wait_connected()
        async with Session(options(mosquitto), on_up=ups.append) as other:
            await eventually(lambda: Trouble.EVICTED in {one.trouble, other.trouble}, within=10)
            assert len(ups) <= 8
            await eventually(lambda: one.connected or other.connected)  # one works while the other waits


async def test_eviction_that_the_broker_names_is_known_at_once() -> None:
    taken_over = bytes([0xE0, 2, 0x8E, 0])

    def answer(kind: int, body: bytes) -> bytes | None:
        return {CONNECT: ACCEPT_5, SUBSCRIBE: suback(body, GRANTED) + taken_over}.get(kind, b"")

    async with scripted_broker(answer) as broker, Session(at(broker.port)) as lane:
        await eventually(lambda: lane.trouble is Trouble.EVICTED)
        assert len(broker.connects) == 1


async def test_consumer_that_stalls_beyond_keepalive_keeps_its_connection(mosquitto: Mosquitto) -> None:
    what = options(mosquitto, window=5, keepalive_s=1, protocol="3.1.1")
    async with connected(what) as lane, device(mosquitto) as kiosk:
        await send(kiosk, *bulky(50))
        await eventually(lambda: lane.unacknowledged >= 10)
        assert lane._link is not None
        assert lane._link._wire.paused
        generation, pings = lane.generation, 0
        ping = lane._link._client.ping_unheard

        def counting() -> None:
            nonlocal pings
            pings += 1
            ping()

        lane._link._client.ping_unheard = counting  # type: ignore[method-assign] # only to count
        await eventually(lambda: pings == 4, within=8)
        got: list[Delivery] = []
        while len(got) < 50:
            batch = await receive(lane, 1)
            got += batch
            lane.acknowledge(batch)
        assert lane.generation == generation


@pytest.mark.parametrize(("code", "reason"), [(0x87, "Not authorized"), (0, "Granted QoS 0")])
async def test_subscription_that_is_not_granted_is_trouble(code: int, reason: str) -> None:
    def answer(kind: int, body: bytes) -> bytes | None:
        return {CONNECT: ACCEPT_5, SUBSCRIBE: suback(body, code)}.get(kind, b"")

    async with scripted_broker(answer) as broker, Session(at(broker.port)) as lane:
        await eventually(lambda: lane.trouble is Trouble.SUBSCRIPTION)
        assert reason in lane.trouble_detail
        assert not lane.connected
        await eventually(lambda: len(broker.connects) > 1)


async def test_refused_change_of_subscriptions_changes_nothing() -> None:
    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == SUBSCRIBE:
            return suback(body, 0x87 if b"forbidden" in body else GRANTED)
        return {CONNECT: ACCEPT_5}.get(kind, b"")

    async with asyncio.timeout(5), scripted_broker(answer) as broker, Session(at(broker.port)) as lane:
        await lane.wait_connected()
        with pytest.raises(Refused):
            await lane.resubscribe(("forbidden/#",))
        assert lane.connected
        assert lane._wanted == ("village/#",)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [(0x84, Trouble.PROTOCOL), (0x85, Trouble.CLIENT_ID), (0x86, Trouble.CREDENTIALS), (0x88, Trouble.BUSY)],
)
async def test_refusal_of_the_connection_is_named(code: int, trouble: Trouble) -> None:
    reply = bytes([0x20, 3, 0, code, 0])
    async with scripted_broker(lambda _kind, _body: reply) as broker, Session(at(broker.port)) as lane:
        await eventually(lambda: lane.trouble is trouble)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 40,
        b"\xff" * 40,
        b"\x20\x03\x00\x00\x7f",
        bytes([0x32, 4, 0, 9]) + b"ab",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
async def test_garbage_from_the_other_side_is_trouble_and_nothing_worse(garbage: bytes) -> None:
    what = {"protocol": "auto"}  # the least patient
    async with (
        scripted_broker(lambda _kind, _body: garbage) as broker,
        Session(at(broker.port, **what)) as lane,
    ):
        await eventually(lambda: len(broker.connects) >= 3)
        assert lane.trouble is not None
        assert not lane.connected


async def test_topic_that_is_not_text_is_handed_over_as_nobodys_topic() -> None:
    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == SUBSCRIBE:
            return suback(body, GRANTED) + publish(b"village/\xff", mid=1) + publish(b"village/1", mid=2)
        return {CONNECT: ACCEPT_5}.get(kind, b"")

    async with scripted_broker(answer) as broker, connected(at(broker.port)) as lane:
        got = await receive(lane, 2)
        assert [delivery.topic for delivery in got] == ["\N{REPLACEMENT CHARACTER}", "village/1"]


async def test_broker_that_never_answers_a_subscription_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 0.1)

    def answer(kind: int, _body: bytes) -> bytes | None:
        return {CONNECT: ACCEPT_5}.get(kind, b"")

    async with scripted_broker(answer) as broker, Session(at(broker.port)) as lane:
        await eventually(lambda: lane.trouble is Trouble.LOST)
        assert "no answer" in lane.trouble_detail
        await eventually(lambda: len(broker.connects) == 2)


async def test_expiry_of_a_message_is_told_to_the_broker() -> None:
    published: list[bytes] = []

    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == PUBLISH:
            published.append(body)
        return {CONNECT: ACCEPT_5, SUBSCRIBE: suback(body, GRANTED)}.get(kind, b"")

    async with scripted_broker(answer) as broker, connected(at(broker.port)) as session:
        await session.publish("a", b"x", expires_s=600)
        await eventually(lambda: published)
    assert published == [b"\0\1a" + b"\5\2" + (600).to_bytes(4, "big") + b"x"]


async def test_silence_after_connecting_is_noticed_by_keepalive() -> None:
    def answer(kind: int, body: bytes) -> bytes | None:
        pings.extend([kind] if kind == PINGREQ else [])
        return {CONNECT: ACCEPT_5, SUBSCRIBE: suback(body, GRANTED)}.get(kind, b"")

    pings: list[int] = []
    async with scripted_broker(answer) as broker, connected(at(broker.port, keepalive_s=1)) as lane:
        await eventually(lambda: lane.trouble is Trouble.LOST)
        assert pings


def speaks_311(kind: int, body: bytes) -> bytes | None:
    if kind == SUBSCRIBE:
        return suback(body, GRANTED, v5=False)
    return ACCEPT_311 if kind == CONNECT else b""


def refuses_5(kind: int, body: bytes) -> bytes | None:
    return bytes([0x20, 2, 0, 1]) if kind == CONNECT and body[6] == 5 else speaks_311(kind, body)


def drops_5(kind: int, body: bytes) -> bytes | None:
    return None if kind == CONNECT and body[6] == 5 else speaks_311(kind, body)


def ignores_5(kind: int, body: bytes) -> bytes | None:
    return b"" if kind == CONNECT and body[6] == 5 else speaks_311(kind, body)


@pytest.mark.parametrize(
    ("answer", "asked"), [(refuses_5, [5, 4]), (drops_5, [5, 4, 5, 4]), (ignores_5, [5, 4])]
)
async def test_broker_without_mqtt_5_gets_3_1_1(
    answer: Callable[[int, bytes], bytes | None], asked: list[int]
) -> None:
    async with scripted_broker(answer) as broker, Session(at(broker.port, protocol="auto")) as lane:
        async with asyncio.timeout(2):
            await lane.wait_connected()
        assert lane.protocol == "3.1.1"
        assert broker.connects == asked


async def test_amqtt_gets_3_1_1_within_two_seconds(tmp_path: Path) -> None:
    async with Amqtt(tmp_path) as broker:
        began = time.monotonic()
        async with connected(options(broker)) as lane:
            assert time.monotonic() - began < 2
            assert lane.protocol == "3.1.1"
            async with connected(options(broker, "kiosk", protocol="3.1.1", durable=False)) as kiosk:
                await send(kiosk, *map(str, range(30)))
            got: list[str] = []
            while len(got) < 30:
                batch = await receive(lane, 1)
                got += texts(batch)
                assert lane.acknowledge(batch) == len(batch)
            assert sorted(map(int, got)) == list(range(30))


async def test_long_outage_is_one_line_in_the_log(mosquitto: Mosquitto) -> None:
    await mosquitto.stop()
    with capture_logs() as logs:
        async with Session(options(mosquitto)) as lane:
            attempts = lane._negotiation.failed
            tried: list[Trouble] = []

            def counting(trouble: Trouble) -> bool:
                tried.append(trouble)
                return attempts(trouble)

            lane._negotiation.failed = counting  # type: ignore[method-assign] # only to count
            await eventually(lambda: len(tried) >= 4)
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in warnings] == ["mqtt_not_connected"]
