import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

from gateway import topics
from gateway.embedded import Mosquitto
from gateway.simulator import BrokerAddress, Load
from gateway.simulator.load import Message, Stream
from services.events import EVENT_TYPES, wire
from services.events.document import Flaw
from tests.gateway.simulator.watching import watching
from tests.support import eventually

NOW = datetime(2026, 6, 3, 8, tzinfo=UTC)
DEVICES = [("0781", "hs-lagan-1"), ("0781", "hs-lidhult-1"), ("2482", "hs-jorn-1")]
COUNT = 20_000


def stream(count: int, *, seed: int = 1, malformed: bool = False) -> list[Message]:
    events = Stream(DEVICES, seed=seed, began_at=NOW, malformed=malformed)
    return [events.event(NOW) for _ in range(count)]


def test_same_seed_gives_same_stream() -> None:
    assert stream(200) == stream(200)
    assert stream(200) != stream(200, seed=2)


def test_the_mix_is_as_announced() -> None:
    messages = stream(COUNT)
    types = Counter(topic.rsplit("/", 1)[1] for topic, _ in dict.fromkeys(messages))
    repeated = COUNT - types.total()
    assert 0.04 < repeated / COUNT < 0.06
    assert 0.78 < types["wifi.usage"] / COUNT < 0.82
    assert 0.14 < (types["device.heartbeat"] + types["device.status"]) / COUNT < 0.16


def test_every_event_is_valid_unless_asked_otherwise() -> None:
    for topic, payload in itertools.chain(stream(500), Stream(DEVICES, seed=1, began_at=NOW).births(NOW)):
        parsed = topics.NativeTopic.parse(topic)
        (claim,) = wire.read(payload)
        assert parsed is not None
        assert isinstance(claim, wire.Claim)
        EVENT_TYPES[parsed.event_type].model_validate(claim.data)


def test_one_in_a_thousand_is_malformed_when_asked_for() -> None:
    flawed = [
        payload for _, payload in stream(COUNT, malformed=True) if isinstance(wire.read(payload)[0], Flaw)
    ]
    assert 10 <= len(flawed) <= 32


async def test_load_is_steady_and_counts_what_became_of_it(mosquitto: Mosquitto) -> None:
    rate = 200
    load = Load(
        DEVICES, broker=BrokerAddress(host=mosquitto.host, port=mosquitto.port), rate=rate, sessions=2
    )
    async with watching(mosquitto, receipts=True) as watcher:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(load.run())
        await eventually(lambda: load.acknowledged > len(DEVICES))
        began, before = loop.time(), load.acknowledged
        await eventually(lambda: load.acknowledged >= before + 2 * rate)
        assert 1.7 < loop.time() - began < 6
        await eventually(lambda: load.receipted > 0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await eventually(lambda: len(watcher.seen) >= load.acknowledged)
        births = [event for event in watcher.seen if event.state == "online"]
        assert {(birth.municipality, birth.device) for birth in births} == set(DEVICES)
