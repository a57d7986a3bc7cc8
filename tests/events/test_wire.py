from datetime import UTC, datetime

import pytest

from services.events import wire
from services.events.device import DeviceHeartbeat
from services.events.document import Flaw
from services.events.reasons import Reason
from services.events.wire import Claim, CodecError
from tests.events.hostile import CORPUS
from tests.events.samples import TYPES, cloud_event, encoded, sample

GOOD = {"id": "a-1", "data": {"uptime_s": 1}}


def claims(document: object) -> list[Claim]:
    read = wire.read(encoded(document))
    assert all(isinstance(item, Claim) for item in read), read
    return [item for item in read if isinstance(item, Claim)]


def reason(payload: bytes) -> Reason:
    (flaw,) = wire.read(payload)
    assert isinstance(flaw, Flaw), flaw
    return flaw.reason


@pytest.mark.parametrize("event_type", TYPES)
def test_both_forms_say_the_same(event_type: str) -> None:
    (short,) = claims(sample(event_type))
    (cloud,) = claims(cloud_event(event_type))
    assert short.data == cloud.data == sample(event_type)["data"]
    assert (short.id, short.time, short.boot, short.conn, short.seq) == (
        *(cloud.id, cloud.time, cloud.boot, cloud.conn, cloud.seq),
    )
    assert short.time == datetime(2026, 6, 3, 8, 15, 0, 123_000, tzinfo=UTC)
    assert (short.type, short.source) == (None, None)
    assert (cloud.type, cloud.source) == (event_type, ("0781", "hs-lidhult-1"))


def test_only_data_is_required_and_null_is_absent() -> None:
    (claim,) = claims({"data": {}})
    assert (claim.id, claim.time, claim.boot, claim.conn, claim.seq, claim.data) == (*(None,) * 5, {})
    assert claims({"id": None, "time": None, "boot": None, "conn": None, "seq": None, "data": {}})


def test_a_batch_keeps_its_order_and_each_its_own_bytes() -> None:
    payload = ' [ {"id":"å","data":{}} ,\n{"id":"b" , "data":{}}\t] '.encode()
    first, second = wire.read(payload)
    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    assert (first.id, second.id) == ("å", "b")
    assert first.raw == '{"id":"å","data":{}}'.encode()
    assert len(wire.read(encoded([GOOD] * 100))) == 100


@pytest.mark.parametrize(
    "source",
    [
        *(
            "/0781/hs-lidhult-1",
            "0781/hs-lidhult-1",
            "https://x.example/a/0781/hs-lidhult-1/",
            "//h/0781/hs-lidhult-1",
        ),
        *("urn:x/0781/hs-lidhult-1", "https://x.example/0781/hs-lidhult-1?a=/b/c#/d/e"),
    ],
)
def test_source_ends_with_municipality_and_device(source: str) -> None:
    (claim,) = claims(cloud_event("device.heartbeat", source=source))
    assert claim.source == ("0781", "hs-lidhult-1")


def test_unknown_attributes_of_a_cloud_event_are_ignored() -> None:
    assert claims(
        {**cloud_event("kiosk.view"), "traceparent": "00-1-2-3", "dataschema": None, "x": {"y": [1]}}
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"specversion": "0.3"}, Reason.NOT_AN_EVENT),
        ({"specversion": 1.0}, Reason.NOT_AN_EVENT),
        ({"specversion": None}, Reason.NOT_AN_EVENT),
        ({"id": None}, Reason.NOT_AN_EVENT),
        ({"source": None}, Reason.NOT_AN_EVENT),
        ({"type": 7}, Reason.NOT_AN_EVENT),
        ({"datacontenttype": "text/xml"}, Reason.NOT_AN_EVENT),
        ({"datacontenttype": 7}, Reason.NOT_AN_EVENT),
        ({"data": None}, Reason.NOT_AN_EVENT),
        ({"data": "e30="}, Reason.NOT_AN_EVENT),
        ({"id": ""}, Reason.BAD_HEADER),
        ({"source": "hs-lidhult-1"}, Reason.BAD_HEADER),
        ({"source": "/0781//"}, Reason.BAD_HEADER),
        ({"source": "/" * 15_000}, Reason.BAD_HEADER),
        ({"time": "yesterday"}, Reason.BAD_TIME),
    ],
)
def test_a_cloud_event_must_be_one(changes: dict[str, object], expected: Reason) -> None:
    assert reason(encoded({**cloud_event("device.heartbeat"), **changes})) is expected


@pytest.mark.parametrize(
    "content", ["application/json", "application/json; charset=utf-8", "application/x.y+JSON"]
)
def test_json_has_several_media_types(content: str) -> None:
    assert claims({**cloud_event("device.heartbeat"), "datacontenttype": content})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "device.heartbeat"}, Reason.UNKNOWN_FIELD),
        ({"id": 7}, Reason.BAD_HEADER),
        ({"id": "x" * 129}, Reason.BAD_HEADER),
        ({"id": "a\nb"}, Reason.BAD_HEADER),
        ({"id": "a\u202eb"}, Reason.BAD_HEADER),
        ({"id": "~0123"}, Reason.BAD_HEADER),
        ({"boot": "x" * 65}, Reason.BAD_HEADER),
        ({"conn": ["c"]}, Reason.BAD_HEADER),
        ({"seq": "1"}, Reason.BAD_HEADER),
        ({"seq": True}, Reason.BAD_HEADER),
        ({"seq": 1.0}, Reason.BAD_HEADER),
        ({"seq": -1}, Reason.BAD_HEADER),
        ({"seq": 2**63}, Reason.BAD_HEADER),
        ({"time": 1780474500}, Reason.BAD_TIME),
        ({"time": "2026-06-03T08:15:00"}, Reason.BAD_TIME),
    ],
)
def test_the_header_is_strict(changes: dict[str, object], expected: Reason) -> None:
    assert reason(encoded({**GOOD, **changes})) is expected


@pytest.mark.parametrize(
    ("payload", "expected"), [case[1:] for case in CORPUS], ids=[case[0] for case in CORPUS]
)
def test_hostile_payloads_have_each_their_reason(payload: bytes, expected: Reason) -> None:
    assert reason(payload) is expected


BROKEN_ALONE = [case for case in CORPUS if case[0].startswith("one ")]


@pytest.mark.parametrize(
    ("payload", "expected"), [case[1:] for case in BROKEN_ALONE], ids=lambda value: str(value)[:9]
)
@pytest.mark.parametrize("position", [0, 1, 5])
def test_a_bad_event_leaves_its_neighbours_alone(payload: bytes, expected: Reason, position: int) -> None:
    batch = [encoded(GOOD)] * 5
    batch.insert(position, payload)
    read = wire.read(b"[" + b",".join(batch) + b"]")
    assert [item.reason if isinstance(item, Flaw) else None for item in read] == [
        expected if index == position else None for index in range(6)
    ]


def test_a_flaw_names_its_event_so_that_the_device_can_be_told() -> None:
    for bad in (
        {"id": "a-7", "data": 7},
        {"id": "a-7", "data": {}, "x": 1},
        {"id": "a-7", "data": {"x": "y" * 20_000}},
    ):
        (flaw,) = wire.read(encoded(bad))
        assert isinstance(flaw, Flaw)
        assert flaw.event_id == "a-7"


def test_a_large_number_of_events_is_refused_without_reading_all() -> None:
    assert reason(b"[" + b"0," * 100_000 + b"0]") is Reason.TOO_MANY_EVENTS
    assert len(wire.read(b"[" + b"0," * 999 + b"0]")) == 1000


def test_a_decoded_event_is_a_claim_like_any_other() -> None:
    claim = wire.claim(DeviceHeartbeat(uptime_s=7), b"raw", time=datetime(2026, 6, 3, tzinfo=UTC))
    assert (claim.type, claim.data, claim.raw) == ("device.heartbeat", {"uptime_s": 7}, b"raw")


def test_a_codec_error_is_a_flaw_with_the_nearest_reason() -> None:
    assert CodecError("nul", "at the end").flaw(b"x") == Flaw(Reason.NUL, "at the end", b"x")
    assert CodecError("no_values", "U").flaw(b"x") == Flaw(Reason.NOT_DECODABLE, "no_values: U", b"x")
