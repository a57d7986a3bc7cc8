"""The driver's packets are MQTT, have the mix that the page states, and are events that the gateway takes."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from benchmarks.driver import Load, Packets
from services.events import EVENT_TYPES


@pytest.mark.parametrize("batch", [1, 20])
def test_the_mix_is_as_stated(batch: int) -> None:
    packets = Packets(Load(20_000, municipalities=29, devices=100, batch=batch))
    seen = Counter(topic.rpartition("/")[2] for topic, _ in map(parsed, packets.some(20_000)))
    assert packets.new + packets.repeated + packets.malformed * batch == 20_000 * batch
    assert 15 <= packets.malformed <= 25
    assert 0.02 < packets.repeated / batch / 20_000 < 0.05
    assert 0.14 < (seen["device.heartbeat"] + seen["device.status"]) / 20_000 < 0.17
    assert 0 < seen["device.status"] < 0.003 * 20_000


def test_every_device_has_its_share_and_its_mix() -> None:
    packets = Packets(Load(60_000, municipalities=3, devices=10))
    topics = Counter(topic for topic, _ in map(parsed, packets.some(60_000)))
    devices = {topic.rpartition("/")[0] for topic in topics}
    assert len(devices) == 30
    assert all(topics[f"{device}/device.heartbeat"] > 100 for device in devices)


def test_events_are_valid_and_ids_are_never_used_twice() -> None:
    packets = Packets(Load(3_000, municipalities=2, devices=5, batch=3))
    ids = Counter[str]()
    for topic, payload in map(parsed, packets.some(3_000)):
        said = json.loads(payload)
        if not isinstance(said, list):
            continue  # a malformed one is alone
        for event in said:
            kind = topic.rpartition("/")[2]
            EVENT_TYPES[kind].model_validate(event["data"])
            ids[event["id"]] += 1
    assert len(ids) == packets.new
    assert sum(ids.values()) == packets.new + packets.repeated


def parsed(packet: bytes) -> tuple[str, bytes]:
    """The topic and the payload of a PUBLISH packet with QoS 1."""
    assert packet[0] == 0x32
    length = shift = 0
    at = 1
    for byte in digits(packet):
        length |= (byte & 127) << shift
        shift += 7
        at += 1
    assert len(packet) == at + length
    size = int.from_bytes(packet[at : at + 2], "big")
    assert int.from_bytes(packet[at + 2 + size : at + 4 + size], "big") > 0
    return packet[at + 2 : at + 2 + size].decode(), packet[at + 4 + size :]


def digits(packet: bytes) -> Iterator[int]:
    """The bytes of the remaining length."""
    for byte in packet[1:5]:
        yield byte
        if byte < 128:
            return
