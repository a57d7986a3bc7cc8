"""The bounded queue between a connection and its consumer."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.mqtt.inbox import IN_HAND, Inbox
from gateway.mqtt.options import Delivery

AT = datetime(2026, 3, 1, tzinfo=UTC)


def delivery(mid: int, *, qos: int = 1, generation: int = 1, payload: bytes = b"") -> Delivery:
    return Delivery("a/b", payload, retain=False, qos=qos, mid=mid, generation=generation, received_at=AT)


def mids(deliveries: list[Delivery]) -> list[int]:
    return [delivery.mid for delivery in deliveries]


async def test_take_returns_what_is_there_when_lingering_ends() -> None:
    inbox = Inbox(10)
    inbox.put([delivery(1)])
    inbox.put([delivery(2)])
    assert mids(await inbox.take(limit=5, linger_s=0)) == [1, 2]


async def test_take_does_not_linger_when_the_limit_is_reached() -> None:
    inbox = Inbox(10)
    for mid in range(1, 5):
        inbox.put([delivery(mid)])
    async with asyncio.timeout(1):
        assert mids(await inbox.take(limit=3, linger_s=60)) == [1, 2, 3]
    assert len(inbox) == 1


async def test_take_does_not_linger_when_the_window_is_full() -> None:
    inbox = Inbox(3)
    for mid in range(1, 4):
        inbox.put([delivery(mid)])
    async with asyncio.timeout(1):
        assert mids(await inbox.take(limit=100, linger_s=60)) == [1, 2, 3]


async def test_take_waits_for_the_first_and_gathers_what_comes_while_lingering() -> None:
    inbox = Inbox(10)
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(inbox.take(limit=2, linger_s=60))
        await asyncio.sleep(0)
        assert not taking.done()
        inbox.put([delivery(1)])
        await asyncio.sleep(0)
        inbox.put([delivery(2)])
    assert mids(taking.result()) == [1, 2]


async def test_cancelled_take_loses_nothing() -> None:
    inbox = Inbox(10)
    inbox.put([delivery(1)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await inbox.take(limit=5, linger_s=60)
    assert mids(await inbox.take(limit=5, linger_s=0)) == [1]


def test_full_inbox_drops_new_qos_0_and_counts_it() -> None:
    inbox = Inbox(2)
    for _ in range(5):
        inbox.put([delivery(0, qos=0)])
    assert len(inbox) == 2
    assert inbox.dropped == 3
    inbox.put([delivery(7)])
    assert len(inbox) == 3, "QoS 1 is never dropped: the broker counts it"


def test_only_the_same_delivery_can_be_settled_and_only_once() -> None:
    inbox = Inbox(5)
    first, second = delivery(1), delivery(1)
    inbox.put([first])
    assert inbox.unacknowledged == 1
    assert not inbox.settle([second])
    assert inbox.settle([first]) == [first]
    assert not inbox.settle([first])
    assert inbox.unacknowledged == 0


def test_nothing_of_an_old_connection_can_be_settled() -> None:
    inbox = Inbox(5)
    old = delivery(1)
    inbox.put([old])
    inbox.disconnected()
    assert inbox.unacknowledged == 0
    inbox.reconnected(session_present=True)
    inbox.put([delivery(1, generation=3)])
    assert not inbox.settle([old])
    assert inbox.unacknowledged == 1


def test_what_the_broker_sends_again_is_forgotten_and_qos_0_kept() -> None:
    inbox = Inbox(5)
    inbox.put([delivery(1)])
    inbox.put([delivery(0, qos=0)])
    inbox.disconnected()
    assert len(inbox) == 2
    inbox.reconnected(session_present=True)
    assert len(inbox) == 1


async def test_what_a_broker_has_forgotten_is_salvaged_up_to_a_window() -> None:
    inbox = Inbox(3)
    for generation in (1, 3, 5):
        for mid in (1, 2):
            inbox.put([delivery(10 * generation + mid)])
        inbox.disconnected()
        inbox.reconnected(session_present=False)
    assert mids(await inbox.take(limit=9, linger_s=0)) == [32, 51, 52]
    assert inbox.dropped == 3


def test_broker_that_does_not_know_the_window_is_noticed() -> None:
    inbox = Inbox(2)
    for mid in (1, 2, 3):
        inbox.put([delivery(mid)])
        assert not inbox.over
    inbox.put([delivery(4)])
    assert inbox.over


async def test_window_full_of_large_messages_is_not_taken_in() -> None:
    inbox = Inbox(500)
    large = [delivery(mid, payload=b"x" * (IN_HAND // 8)) for mid in range(1, 9)]
    for number, each in enumerate(large, start=1):
        assert not inbox.over
        inbox.put([each])
        assert len(inbox) == number
    assert inbox.over
    async with asyncio.timeout(1):
        taken = await inbox.take(limit=500, linger_s=60)  # does not wait for more than can come
    assert inbox.over, "taken is not acknowledged"
    inbox.settle(taken[:1])
    assert not inbox.over


@pytest.mark.parametrize("qos", [0, 1])
async def test_one_message_always_fits_however_large(qos: int) -> None:
    inbox = Inbox(500)
    inbox.put([delivery(1, qos=qos, payload=b"x" * 2 * IN_HAND)])
    assert inbox.over
    taken = await inbox.take(limit=1, linger_s=0)
    inbox.settle(taken)
    assert not inbox.over


async def test_bytes_that_have_left_are_forgotten_however_they_left() -> None:
    inbox = Inbox(500)
    for generation in range(1, 100):
        inbox.put([delivery(mid, generation=generation, payload=b"x" * 1000) for mid in range(1, 100)])
        inbox.put([delivery(0, qos=0, payload=b"x" * 1000)])
        taken = await inbox.take(limit=50, linger_s=0)
        inbox.settle(taken[:20])
        inbox.disconnected()
        inbox.reconnected(session_present=True)
        assert not inbox.over


async def test_consumer_is_not_woken_for_less_than_it_wants() -> None:
    inbox = Inbox(100)
    inbox.put([delivery(1)])
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(inbox.take(limit=3, linger_s=60))
        await asyncio.sleep(0)
        waits = inbox._news
        inbox.put([delivery(2)])
        assert waits is not None
        assert not waits.done()
        inbox.put([delivery(3), delivery(4)])
        assert waits.done()
    assert mids(taking.result()) == [1, 2, 3]
