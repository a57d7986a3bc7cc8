"""Missing numbers: whatever the order and repetition, what is missing is what has not come."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as some
from prometheus_client import REGISTRY

from gateway.embedded import Mosquitto
from gateway.gaps import MOST_STRETCHES, Gaps, Start
from services.runtime.clock import now
from tests.support.gateways import at_work, device, short_form, topic
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Event:
    """What is looked at of an event."""

    seq: int | None
    boot: str | None = "b1"
    device: str = "hs-lidhult-1"


def _figures() -> tuple[float, float]:
    names = ("bypunkt_sequence_missing", "bypunkt_sequence_lost_total")
    missing, lost = (REGISTRY.get_sample_value(name) or 0 for name in names)
    return missing, lost


def since(before: tuple[float, float]) -> Callable[[], tuple[float, float]]:
    """Return how many more are missing and lost since then."""
    return lambda: (_figures()[0] - before[0], _figures()[1] - before[1])


@given(some.lists(some.integers(0, 40), min_size=1), some.integers(0, 2**32))
def test_what_is_missing_is_what_has_not_come(numbers: list[int], seed: int) -> None:
    first = min(numbers)
    rest = numbers * 2
    random.Random(seed).shuffle(rest)
    start = Start("b1", first)
    for number in rest:
        start.take(number)
    missing = {number for begins, ends in start.stretches for number in range(begins, ends + 1)}
    assert missing == set(range(first, max(numbers) + 1)) - set(numbers)
    assert start.missing == len(missing)
    assert start.highest == max(numbers)


def test_a_gap_is_missing_until_it_is_filled_and_lost_two_starts_later() -> None:
    changed, gaps = since(_figures()), Gaps()
    gaps.note(Event(seq) for seq in (7, 8, 12, 12, None))
    assert changed() == (3, 0)
    gaps.note([Event(10)])
    assert changed() == (2, 0)
    gaps.note([Event(1, "b2"), Event(9), Event(1, "b1", "hs-lidhult-2")])
    assert changed() == (1, 0)  # what comes late of the start before fills its gap
    gaps.note([Event(1, "b3")])
    assert changed() == (0, 1)
    gaps.note([Event(4, "b3")])
    assert changed() == (2, 1)
    gaps.close()
    gaps.close()
    assert changed() == (0, 1)


def test_an_event_without_number_or_start_says_nothing() -> None:
    changed, gaps = since(_figures()), Gaps()
    gaps.note([Event(1), Event(None), Event(9, None), Event(2)])
    assert changed() == (0, 0)


def test_of_a_device_that_skips_all_the_time_the_oldest_is_given_up() -> None:
    changed, gaps = since(_figures()), Gaps()
    gaps.note(Event(2 * number) for number in range(MOST_STRETCHES + 4))
    assert changed() == (MOST_STRETCHES, 3)


async def test_the_gateway_tells_what_is_missing_of_what_it_stored(
    database_url: str, mosquitto: Mosquitto
) -> None:
    changed = since(_figures())
    async with (
        at_work(database_url, mosquitto) as (_, _gateway),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):

        async def say(seq: int) -> None:
            payload = short_form(
                id=f"e{seq}", time=now().isoformat(), boot="b1", seq=seq, data={"uptime_s": 1}
            )
            await publisher.publish(topic("device.heartbeat"), payload, qos=1)

        for seq in (1, 2, 5):
            await say(seq)
        await eventually(lambda: changed() == (2, 0))
        await say(3)
        await eventually(lambda: changed() == (1, 0))
    assert changed() == (0, 0)
