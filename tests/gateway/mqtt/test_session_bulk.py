"""A session with much to do: many messages, large ones, and what is sent in between."""

import asyncio

import pytest

from gateway.embedded import Mosquitto
from gateway.mqtt import NotConnected, Session, Trouble, link
from gateway.mqtt import session as module
from gateway.mqtt.dial import dial
from gateway.mqtt.frames import LARGEST
from gateway.mqtt.inbox import IN_HAND
from gateway.mqtt.options import Delivery, Protocol
from gateway.mqtt.wire import AT_ONCE, FULL
from tests.gateway.mqtt.scripted import (
    ACCEPT_5,
    CONNECT,
    PINGREQ,
    SUBSCRIBE,
    publish,
    scripted_broker,
    suback,
)
from tests.gateway.mqtt.test_session import BOTH, connected, device, options, receive, send, texts
from tests.gateway.mqtt.test_session_faults import GRANTED, at
from tests.gateway.mqtt.test_wire import Counting
from tests.support import eventually

PUBACK = 0x40
QUARTER = 256 * 1024


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[Counting]:
    """The sockets of sessions that begin from now on; each counts its calls."""
    dialled: list[Counting] = []

    async def dial_counting(*address: object, **how: object) -> Counting:
        sock = await dial(*address, **how)  # type: ignore[arg-type] # as it was called
        dialled.append(Counting(sock.family, sock.type, sock.proto, sock.detach()))
        dialled[-1].setblocking(False)  # noqa: FBT003 - as sockets have it
        return dialled[-1]

    monkeypatch.setattr(module, "dial", dial_counting)
    return dialled


def in_hand(session: Session) -> int:
    return session._inbox._counted()


async def take_all(session: Session, count: int) -> list[Delivery]:
    got: list[Delivery] = []
    async with asyncio.timeout(30):
        while len(got) < count:
            assert in_hand(session) <= IN_HAND + QUARTER + AT_ONCE
            batch = await session.batch(limit=3, linger_s=0.005)
            got += batch
            session.acknowledge(batch)
    return got


@pytest.mark.parametrize("protocol", BOTH)
async def test_acknowledgements_and_receipts_of_a_batch_are_one_system_call(
    mosquitto: Mosquitto, counting: list[Counting], protocol: Protocol
) -> None:
    async with device(mosquitto) as kiosk:
        async with connected(options(mosquitto, "kiosk-2", subscriptions=("down/#",))) as other:
            counting.clear()
            async with connected(options(mosquitto, protocol=protocol)) as lane:
                await send(kiosk, *map(str, range(100)))
                got = await receive(lane, 100)
                before = counting[0].sends
                assert lane.acknowledge(got) == 100
                for number in range(20):
                    assert lane.post(f"down/{number}", b"receipt")
                assert texts(await receive(other, 20)) == ["receipt"] * 20
                assert counting[0].sends == before + 1
        await send(kiosk, "next")
    async with connected(options(mosquitto, protocol=protocol)) as lane:
        assert texts(await receive(lane, 1)) == ["next"], "all others are acknowledged"


async def test_many_messages_are_few_reads(mosquitto: Mosquitto, counting: list[Counting]) -> None:
    async with connected(options(mosquitto)):
        pass
    async with device(mosquitto) as kiosk:
        await send(kiosk, *map(str, range(400)))
    counting.clear()
    async with connected(options(mosquitto)) as lane:
        got = await receive(lane, 400)
        assert texts(got) == [str(number) for number in range(400)]
        assert counting[0].reads < 100


async def test_writes_in_pieces_arrive_whole(mosquitto: Mosquitto, counting: list[Counting]) -> None:
    async with connected(options(mosquitto, "lane-2")) as lane, device(mosquitto) as kiosk:
        counting[-1].takes = 3
        await send(kiosk, *(str(number) * 50 for number in range(30)))
        for _ in range(5):
            assert kiosk.post("village/2", b"posted")
        got = await receive(lane, 35)
        assert sorted(texts(got)) == sorted([*(str(number) * 50 for number in range(30)), *["posted"] * 5])


async def test_posting_without_a_connection_drops(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane:
        with pytest.raises(ValueError, match="no topic"):
            lane.post("village/#", b"")
        await mosquitto.stop()
        await eventually(lambda: not lane.connected)
        assert not lane.post("village/1", b"")
        assert lane.unposted_count == 0


async def test_posting_more_than_the_broker_takes_drops_and_counts(
    mosquitto: Mosquitto, counting: list[Counting]
) -> None:
    async with connected(options(mosquitto)) as lane:
        counting[0].takes = 0
        posted = 0
        while lane.post("village/2", bytes(10_000)):
            posted += 1
        assert FULL / 10_000 - 1 < posted < FULL / 10_000 + 1
        assert lane.unposted_count == 1
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(lane.publish("village/2", b"patient"))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            counting[0].takes = 10 * FULL
        await eventually(lambda: lane.post("village/2", b""))


@pytest.mark.parametrize("protocol", BOTH)
async def test_window_of_large_messages_is_held_back_and_all_come(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    async with connected(options(mosquitto, protocol=protocol)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, *(f"{number:<{QUARTER}}" for number in range(40)))
        await eventually(lambda: lane._link is not None and lane._link._wire.paused)
        assert IN_HAND <= in_hand(lane) <= IN_HAND + QUARTER + AT_ONCE
        got = await take_all(lane, 40)
        assert [int(text) for text in texts(got)] == list(range(40))
        assert in_hand(lane) == 0


async def test_large_messages_of_qos_0_are_held_back_too(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane, device(mosquitto) as kiosk:
        for number in range(40):
            await kiosk.publish("village/1", f"{number:<{QUARTER}}".encode())
        await eventually(lambda: lane._link is not None and lane._link._wire.paused)
        assert [int(text) for text in texts(await take_all(lane, 40))] == list(range(40))


async def test_backlog_that_fills_the_hand_before_the_subscription_is_answered_is_no_trouble(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(options(mosquitto)):
        pass
    async with device(mosquitto) as kiosk:
        await send(kiosk, *(f"{number:<{QUARTER}}" for number in range(20)))
    monkeypatch.setattr(link, "ANSWER_S", 1.0)
    async with Session(options(mosquitto)) as lane:
        await eventually(lambda: lane._link is not None and lane._link._wire.paused)
        await asyncio.sleep(1.3)
        assert lane.trouble is None
        assert lane.generation == 1
        await take_all(lane, 20)
        await eventually(lambda: lane.connected)


@pytest.mark.parametrize("protocol", BOTH)
async def test_message_beyond_all_bounds_is_cut_and_goes_away(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    async with connected(options(mosquitto, protocol=protocol)) as lane, device(mosquitto) as kiosk:
        await send(kiosk, "y" * 5 * LARGEST)
        await send(kiosk, "next")
        huge, following = await receive(lane, 2)
        assert set(huge.payload) == {ord("y")}
        assert LARGEST - 100 < len(huge.payload) < LARGEST
        assert following.payload == b"next"
        assert lane.acknowledge([huge, following]) == 2
    async with connected(options(mosquitto, protocol=protocol)) as lane:
        await asyncio.sleep(0.05)
        assert lane.waiting == 0


@pytest.mark.parametrize("protocol", BOTH)
async def test_connection_on_which_only_messages_come_is_kept(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    what = options(mosquitto, keepalive_s=2, protocol=protocol)
    async with connected(what) as lane, device(mosquitto) as kiosk:
        generation = lane.generation
        async with asyncio.timeout(20):
            for number in range(100):
                await send(kiosk, str(number))
                [got] = await receive(lane, 1)
                lane.acknowledge([got])
                await asyncio.sleep(0.05)
        assert lane.generation == generation


async def test_messages_alone_do_not_prove_that_the_broker_hears_us() -> None:
    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == SUBSCRIBE:
            return suback(body, GRANTED) + publish(b"village/1", mid=1)
        if kind in {PUBACK, PINGREQ}:
            answered.append(kind)
            return publish(b"village/1", mid=1 + len(answered) % 60_000)
        return {CONNECT: ACCEPT_5}.get(kind, b"")

    async def consume() -> None:
        while True:
            lane.acknowledge(await lane.batch(limit=10, linger_s=0.01))

    answered: list[int] = []
    async with scripted_broker(answer) as broker, connected(at(broker.port, keepalive_s=1)) as lane:
        async with asyncio.TaskGroup() as group:
            consuming = group.create_task(consume())
            await eventually(lambda: lane.trouble is Trouble.LOST, within=10)
            consuming.cancel()
        assert "keepalive" in lane.trouble_detail
        assert answered.count(PUBACK) > 10
        assert PINGREQ in answered


async def test_broker_that_takes_nothing_more_is_given_up(
    mosquitto: Mosquitto, counting: list[Counting]
) -> None:
    async with connected(options(mosquitto, keepalive_s=1)) as lane:
        counting[0].takes = 0
        while lane.post("village/2", bytes(10_000)):
            pass
        with pytest.raises(NotConnected):
            await lane.publish("village/1", b"", qos=1)
        assert lane.trouble_detail == "takes nothing within keepalive"


async def test_message_before_the_connection_is_accepted_is_no_message() -> None:
    reply = publish(b"village/1", mid=1) + ACCEPT_5
    async with scripted_broker(lambda _kind, _body: reply) as broker, Session(at(broker.port)) as lane:
        await eventually(lambda: lane.trouble is Trouble.DROPPED)
        assert lane.waiting == 0
        assert not lane.connected


async def test_what_was_posted_last_is_sent_before_the_goodbye(mosquitto: Mosquitto) -> None:
    async with connected(options(mosquitto)) as lane:
        async with device(mosquitto) as kiosk:
            for number in range(50):
                assert kiosk.post("village/1", str(number).encode())
        assert texts(await receive(lane, 50)) == [str(number) for number in range(50)]
