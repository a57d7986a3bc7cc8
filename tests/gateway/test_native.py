import json
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace

import pytest

from gateway import codecs
from gateway.codecs import native
from services.events import Event
from services.events.device import DeviceHeartbeat
from services.events.reasons import Reason
from services.events.wire import CodecError
from services.ingest.models import Accepted, KnownDevice, Refused
from tests.events.samples import TYPES, encoded, sample
from tests.ingest.parcels import NOW, Village, parcel

PREFIX = "bypunkt/v1/0781/hs-lidhult-1"


def judged(topic: str, payload: bytes, *, retain: bool = False) -> Accepted | Refused:
    (verdict,) = codecs.judge(topic, payload, NOW, retain=retain, registry=Village())
    return verdict


@pytest.mark.parametrize("event_type", TYPES)
def test_golden_samples_come_through_the_codec(event_type: str) -> None:
    event = judged(f"{PREFIX}/{event_type}", encoded(sample(event_type)))
    assert isinstance(event, Accepted)
    assert (event.municipality, event.device, event.type) == ("0781", "hs-lidhult-1", event_type)
    assert event.data == sample(event_type)["data"]


def test_the_topic_says_whose_it_is() -> None:
    made = native.parcel(f"{PREFIX}/kiosk.view", b"x", retain=True, received_at=NOW)
    assert made is not None
    assert (made.municipality, made.device, made.event_type) == ("0781", "hs-lidhult-1", "kiosk.view")
    assert (made.payload, made.retain, made.received_at) == (b"x", True, NOW)
    assert native.parcel(f"{PREFIX}/down/ack", b"x", retain=False, received_at=NOW) is None
    assert codecs.identity(f"{PREFIX}/kiosk.view") == ("0781", "hs-lidhult-1")
    assert codecs.identity("owntracks/bus/1") is None


def test_a_retained_event_is_refused() -> None:
    refusal = judged(f"{PREFIX}/device.heartbeat", b'{"data":{"uptime_s":1}}', retain=True)
    assert isinstance(refusal, Refused)
    assert refusal.reason is Reason.RETAINED


@pytest.mark.parametrize(
    ("topic", "municipality"),
    [
        ("bypunkt/v1/0781/HS-LIDHULT/wifi.usage", "0781"),
        ("bypunkt/v1/0781/hs-lidhult-1/wifi usage", "0781"),
        ("bypunkt/v1/x/hs-lidhult-1/wifi.usage", "0000"),
        ("somewhere/else", "0000"),
        ("", "0000"),
    ],
)
def test_a_malformed_topic_is_refused(topic: str, municipality: str) -> None:
    refusal = judged(topic, b'{"data":{}}')
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.municipality, refusal.device) == (Reason.BAD_TOPIC, municipality, None)


def thermometer(
    topic: str, payload: bytes, received_at: datetime, device: KnownDevice | None
) -> Sequence[Event]:
    """A foreign codec as issue and recipe describe it: plain events, or CodecError."""
    assert (topic, received_at, device and device.id) == ("hall/thermometer", NOW, "hs-lidhult-1")
    if b"nan" in payload:
        raise CodecError("no_reading", "the sensor says nan")
    if b"\0" in payload:
        raise CodecError("nul", "at the end")
    return [DeviceHeartbeat(uptime_s=int(part)) for part in payload.split(b":")]


def test_a_foreign_codec_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        codecs.CODECS, "thermometer", SimpleNamespace(MAY_BE_RETAINED=True, decode=thermometer)
    )

    def sent(payload: bytes) -> list[Accepted | Refused]:
        message = native.parcel(f"{PREFIX}/x", payload, retain=True, received_at=NOW)
        assert message is not None
        foreign = parcel(payload, None, retain=True)._replace(topic="hall/thermometer")
        return codecs.judge_as("thermometer", foreign, Village())

    events = [verdict for verdict in sent(b"7:8") if isinstance(verdict, Accepted)]
    assert [(event.type, event.data, event.clock) for event in events] == [
        ("device.heartbeat", {"uptime_s": 7}, "receipt"),
        ("device.heartbeat", {"uptime_s": 8}, "receipt"),
    ]
    refusals = [
        verdict for payload in (b"nan", b"7\0") for verdict in sent(payload) if isinstance(verdict, Refused)
    ]
    assert [(refusal.reason, refusal.detail) for refusal in refusals] == [
        (Reason.NOT_DECODABLE, "no_reading: the sensor says nan"),
        (Reason.NUL, "at the end"),
    ]


def test_the_registry_names_its_codecs() -> None:
    assert codecs.CODECS["native"] is native
    assert native.decode("t", json.dumps({"data": {}}).encode(), NOW, None)
