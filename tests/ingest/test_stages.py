import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events import moment
from services.events.reasons import Reason
from services.ingest import stages
from services.ingest.models import Accepted, Limits, Refused
from tests.events.hostile import CORPUS
from tests.events.samples import TYPES, cloud_event, encoded, sample
from tests.ingest.parcels import NOW, Village, accepted, judged, parcel, refused

BEAT: dict[str, Any] = {"data": {"uptime_s": 1}}
RECEIVED = datetime(2026, 6, 3, 8, 15, 30, 250_000, tzinfo=UTC)
SHORT_LIVED = {"vehicle.position", "wifi.session_end"}


def beat(**changes: object) -> bytes:
    return encoded({**BEAT, **changes})


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("form", [sample, cloud_event])
def test_golden_samples_are_accepted(event_type: str, form: Callable[[str], dict[str, Any]]) -> None:
    said = form(event_type)
    event = accepted(parcel(encoded(said), event_type))
    assert event == Accepted(
        municipality="0781",
        device="hs-lidhult-1",
        id=said["id"],
        at=datetime(2026, 6, 3, 8, 15, 0, 123_000, tzinfo=UTC),
        received_at=RECEIVED,
        time=datetime(2026, 6, 3, 8, 15, 0, 123_000, tzinfo=UTC),
        type=event_type,
        retention="short" if event_type in SHORT_LIVED else "standard",
        boot=said["boot"],
        conn=said["conn"],
        seq=said["seq"],
        data=said["data"],
        clock="device",
        own_id=True,
    )


@pytest.mark.parametrize(
    ("payload", "expected"), [case[1:] for case in CORPUS], ids=[case[0] for case in CORPUS]
)
def test_hostile_payloads_are_refused_each_with_its_reason(payload: bytes, expected: Reason) -> None:
    refusal = refused(parcel(payload))
    assert refusal.reason is expected
    assert refusal.size == len(payload)
    assert refusal.raw == payload
    assert len(refusal.detail) <= 200


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"uptime_s": "1"}, Reason.INVALID_DATA),
        ({"uptime_s": True}, Reason.INVALID_DATA),
        ({"uptime_s": 10**4000}, Reason.INVALID_DATA),
        ({}, Reason.INVALID_DATA),
        ({"uptime_s": 1, "x": 1}, Reason.UNKNOWN_FIELD),
        ({"uptime_s": "1", "x": 1}, Reason.INVALID_DATA),
        ({"uptime_s": 1, "type": "wifi.usage"}, Reason.INVALID_DATA),
    ],
)
def test_invalid_data_names_the_field(data: dict[str, Any], expected: Reason) -> None:
    refusal = refused(parcel(encoded({"id": "a-1", "data": data})))
    assert refusal.reason is expected
    assert refusal.detail.split(":")[0] in {"uptime_s", "x", "type"}
    assert (refusal.event_id, refusal.replayable, refusal.stored) == ("a-1", True, True)
    assert refusal.payload is not None
    assert json.loads(refusal.payload) == {"id": "a-1", "data": data}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400 + ".0"])
def test_numbers_beyond_all_bounds_are_not_finite(number: str) -> None:
    for field in ("load1", "uptime_s"):
        refusal = refused(parcel(f'{{"data":{{"{field}":{number}}}}}'.encode()))
        assert (refusal.reason, refusal.payload) == (Reason.NOT_FINITE, None)


@pytest.mark.parametrize(
    ("device", "retain", "expected"),
    [
        ("hs-lidhult-1", True, Reason.RETAINED),
        ("hs-nowhere-1", False, Reason.UNKNOWN_DEVICE),
        ("hs-fornasa-1", False, Reason.WRONG_MUNICIPALITY),
        ("hs-lagan-1", False, Reason.DEVICE_SUSPENDED),
        ("hs-ryssby-1", False, Reason.DEVICE_RETIRED),
        ("hs-nowhere-1", True, Reason.RETAINED),
    ],
)
def test_who_may_not_speak_is_turned_away_event_by_event(device: str, retain: bool, expected: Reason) -> None:  # noqa: FBT001
    payload = encoded([{"id": "a-1", **BEAT}, {"id": "a-2", **BEAT}, 7])
    verdicts = stages.judge(parcel(payload, device=device, retain=retain), Village())
    refusals = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
    assert [(refusal.reason, refusal.event_id) for refusal in refusals] == [
        *((expected, "a-1"), (expected, "a-2"), (expected, None)),
    ]
    kept = expected not in {Reason.DEVICE_SUSPENDED, Reason.DEVICE_RETIRED}
    assert [(refusal.stored, refusal.replayable) for refusal in refusals] == [
        (kept, kept),
        (kept, kept),
        (kept, False),
    ]


def test_a_registered_device_may_speak() -> None:
    assert accepted(parcel(beat(), device="ki-lidhult-1")).device == "ki-lidhult-1"


def test_a_message_that_is_too_large_is_not_even_looked_at() -> None:
    refusal = refused(parcel(b"\0" * 300_000, device="hs-nowhere-1", retain=True))
    assert refusal.reason is Reason.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("source", "event_type", "expected"),
    [
        ("/0583/hs-lidhult-1", "device.heartbeat", Reason.WRONG_MUNICIPALITY),
        ("/0781/hs-lidhult-2", "device.heartbeat", Reason.WRONG_DEVICE),
        ("/0781/hs-lidhult-1", "device.status", Reason.TYPE_MISMATCH),
    ],
)
def test_the_event_cannot_say_otherwise_than_the_topic(
    source: str, event_type: str, expected: Reason
) -> None:
    said = {**cloud_event("device.heartbeat", source=source), "type": event_type}
    assert refused(parcel(encoded(said))).reason is expected


def test_the_type_must_be_known_and_said() -> None:
    assert refused(parcel(beat(), "device.moods")).reason is Reason.UNKNOWN_TYPE
    assert refused(parcel(beat(), None)).reason is Reason.UNKNOWN_TYPE
    assert accepted(parcel(encoded(cloud_event("kiosk.view")), None)).type == "kiosk.view"


@pytest.mark.parametrize(
    ("ago", "clock"),
    [
        (timedelta(0), "device"),
        (timedelta(minutes=-10), "device"),
        (timedelta(minutes=-10, milliseconds=-1), "receipt"),
        (timedelta(days=-4000), "receipt"),
        (timedelta(days=30), "device"),
        (timedelta(days=30, milliseconds=1), Reason.TOO_OLD),
        (RECEIVED - datetime(2024, 1, 1, tzinfo=UTC), Reason.TOO_OLD),
        (RECEIVED - datetime(2023, 12, 31, 23, 59, tzinfo=UTC), "receipt"),
        (RECEIVED - datetime(1970, 1, 1, tzinfo=UTC), "receipt"),
    ],
)
def test_time_counts_when_it_is_plausible(ago: timedelta, clock: str) -> None:
    time = RECEIVED - ago
    verdict = judged(parcel(beat(id="a-1", time=moment.write(time))))
    if isinstance(verdict, Refused):
        assert verdict.reason == clock
        return
    assert (verdict.clock, verdict.time, verdict.received_at) == (clock, moment.whole_ms(time), RECEIVED)
    assert verdict.at == (verdict.time if clock == "device" else RECEIVED)
    assert verdict.look_back is (clock == "receipt")


def test_without_time_the_receipt_counts() -> None:
    event = accepted(parcel(beat(id="a-1")))
    assert (event.time, event.at, event.clock, event.look_back) == (None, RECEIVED, "receipt", True)


def test_history_is_judged_by_other_limits() -> None:
    limits = Limits(oldest=None, clocks_set_since=datetime(1990, 1, 1, tzinfo=UTC))
    event = accepted(parcel(beat(time="2012-06-21T12:00:00Z")), limits)
    assert event.at == datetime(2012, 6, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        {"time": "2026-06-03T08:15:00Z"},
        {"boot": "b", "seq": 0},
        {"time": "1970-01-01T00:00:07Z", "boot": "b"},
    ],
)
def test_a_repetition_derives_the_same_id(header: dict[str, Any]) -> None:
    first = accepted(parcel(beat(**header)))
    shuffled = {"conn": "another", "data": {"temp_c": None, "uptime_s": 1}, **dict(reversed(header.items()))}
    later = parcel(encoded([shuffled]))._replace(received_at=NOW + timedelta(hours=1))
    (again,) = stages.judge(later, Village())
    assert isinstance(again, Accepted)
    assert again.id == first.id
    assert first.id.startswith("~")
    assert first.own_id


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2026-06-03T08:15:00.001Z"},
        {"boot": "c"},
        {"seq": 2},
        {"data": {"uptime_s": 2}},
        {"data": {"uptime_s": 1, "load1": 0}},
    ],
)
def test_another_event_derives_another_id(changes: dict[str, Any]) -> None:
    first = {"time": "2026-06-03T08:15:00Z", "boot": "b", "seq": 1, **BEAT}
    assert accepted(parcel(encoded(first))).id != accepted(parcel(encoded({**first, **changes}))).id


def test_the_type_is_part_of_a_derived_id() -> None:
    said = encoded({"time": "2026-06-03T08:15:00Z", "data": {"session": "s", "page": "p", "lang": "sv"}})
    views = {
        accepted(parcel(said, "kiosk.view", device=device)).id for device in ("hs-lidhult-1", "ki-lidhult-1")
    }
    status = encoded({"time": "2026-06-03T08:15:00Z", "data": {}})
    assert len(views) == 1
    assert refused(parcel(status, "kiosk.view")).event_id is None


@pytest.mark.parametrize("header", [{}, {"boot": "b"}, {"seq": 1}, {"conn": "c"}])
def test_without_anything_to_know_it_by_each_message_is_an_event_of_its_own(header: dict[str, Any]) -> None:
    first, second = accepted(parcel(beat(**header))), accepted(parcel(beat(**header)))
    assert first.id != second.id
    assert (first.own_id, first.look_back) == (False, False)


@pytest.mark.parametrize("position", range(5))
def test_a_batch_is_judged_event_by_event(position: int) -> None:
    batch: list[object] = [{"id": f"a-{number}", **BEAT} for number in range(4)]
    batch.insert(position, {"id": "bad", "data": {"uptime_s": -1}})
    verdicts = stages.judge(parcel(encoded(batch)), Village())
    assert [isinstance(verdict, Refused) for verdict in verdicts] == [
        number == position for number in range(5)
    ]
    assert [verdict.event_id for verdict in verdicts if isinstance(verdict, Refused)] == ["bad"]


def test_a_flood_of_bad_events_is_judged_one_by_one() -> None:
    verdicts = stages.judge(parcel(encoded([{"data": {"uptime_s": "x"}}] * 200 + [BEAT])), Village())
    assert [type(verdict) for verdict in verdicts] == [Refused] * 200 + [Accepted]


def test_what_the_database_refuses_keeps_what_it_said() -> None:
    event = accepted(parcel(beat(time="2026-06-03T08:15:00Z", boot="b", seq=1)))
    refusal = Refused.of(event)
    assert (refusal.reason, refusal.event_id, refusal.replayable) == (Reason.STORAGE, event.id, True)
    assert refusal.payload is not None
    assert accepted(parcel(refusal.payload.encode())) == event


def test_a_dead_letter_can_be_replayed_as_it_was() -> None:
    said = sample("wifi.usage")
    refusal = refused(parcel(encoded(said), "wifi.usage", device="hs-nowhere-1"))
    assert refusal.payload is not None
    replayed = accepted(parcel(refusal.payload.encode(), "wifi.usage"))
    assert replayed == accepted(parcel(encoded(said), "wifi.usage"))


def test_a_message_can_be_refused_unread() -> None:
    refusal = stages.refuse(parcel(b"x", device=""), Reason.BAD_TOPIC, "why")
    assert (refusal.reason, refusal.device, refusal.detail, refusal.payload) == (
        Reason.BAD_TOPIC,
        None,
        "why",
        None,
    )
