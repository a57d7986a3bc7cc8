"""Whatever comes in, each event gets exactly one verdict, and what is accepted can be stored (quality check Q7)."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events import from_log
from services.events.text import is_clean
from services.ingest import stages
from services.ingest.models import Accepted, Refused
from tests.events.samples import TYPES, cloud_event, encoded, sample
from tests.ingest.parcels import NOW, Village, parcel

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(
        [
            "",
            "\0",
            "\ud800",
            "x" * 20_000,
            "2026-06-03T08:15:00Z",
            "aa:bb:cc:dd:ee:ff",
            "1970-01-01T00:00:00Z",
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def near_valid(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A golden sample with a few things changed, removed or added."""
    event_type = draw(st.sampled_from(TYPES))
    said = draw(st.sampled_from([sample, cloud_event]))(event_type)
    for _ in range(draw(st.integers(0, 3))):
        inside = draw(st.booleans()) and isinstance(said.get("data"), dict)
        target = said["data"] if inside else said
        key = draw(st.sampled_from([*sorted(target), "time", "id", "x"]) if target else st.just("x"))
        if draw(st.integers(0, 3)):
            target[key] = draw(VALUES)
        else:
            target.pop(key, None)
    return event_type, said


def check(payload: bytes, event_type: str) -> list[Accepted | Refused]:
    sent = parcel(payload, event_type)
    verdicts = stages.judge(sent, Village())
    assert verdicts
    for verdict in verdicts:
        if isinstance(verdict, Accepted):
            check_accepted(verdict)
        else:
            check_refused(verdict)
    return verdicts


def check_accepted(event: Accepted) -> None:
    stored = json.dumps(event.data, allow_nan=False)
    assert "\\u0000" not in stored
    assert json.loads(stored) == event.data
    from_log(event.type, event.data)
    assert is_clean(event.id)
    assert 1 <= len(event.id) <= 128
    assert event.at.microsecond % 1000 == 0
    assert timedelta(days=-30) <= event.at - event.received_at <= timedelta(minutes=10)
    assert event.received_at <= NOW


def check_refused(refusal: Refused) -> None:
    assert refusal.reason
    assert len(refusal.detail) <= 200
    assert is_clean(refusal.detail)
    refusal.detail.encode()
    assert refusal.replayable is (refusal.payload is not None)
    if refusal.payload is not None:
        assert len(refusal.payload.encode()) <= 16 * 1024
        assert isinstance(json.loads(refusal.payload), dict)
        assert "\\u0000" not in refusal.payload


@QUICK
@given(payload=st.binary(max_size=400), event_type=st.sampled_from(TYPES))
def test_arbitrary_bytes_get_a_verdict(payload: bytes, event_type: str) -> None:
    assert all(isinstance(verdict, Refused) for verdict in check(payload, event_type))


@QUICK
@given(text=st.text(alphabet='{}[]":,\\u0dN aItrefs1-+.e\n', max_size=60), event_type=st.sampled_from(TYPES))
def test_what_looks_like_json_gets_a_verdict(text: str, event_type: str) -> None:
    check(text.encode(), event_type)


@QUICK
@given(value=VALUES, event_type=st.sampled_from(TYPES))
def test_arbitrary_json_gets_a_verdict(value: object, event_type: str) -> None:
    check(json.dumps(value).encode(), event_type)
    check(json.dumps({"data": value}).encode(), event_type)


@QUICK
@given(near_valid())
def test_nearly_valid_events_get_a_verdict(case: tuple[str, dict[str, Any]]) -> None:
    event_type, said = case
    assert len(check(json.dumps(said).encode(), event_type)) == 1


@QUICK
@given(st.lists(near_valid(), min_size=1, max_size=6), st.sampled_from(TYPES))
def test_a_batch_gets_the_verdicts_of_its_events(
    cases: list[tuple[str, dict[str, Any]]], event_type: str
) -> None:
    batch = [said for _, said in cases]
    together = check(json.dumps(batch).encode(), event_type)
    alone = [check(json.dumps(said).encode(), event_type)[0] for said in batch]
    assert [outcome(verdict) for verdict in together] == [outcome(verdict) for verdict in alone]


@QUICK
@given(st.data())
def test_a_good_event_goes_through_wherever_it_stands(data: st.DataObject) -> None:
    others = [json.dumps(said).encode() for _, said in data.draw(st.lists(near_valid(), max_size=4))]
    place = data.draw(st.integers(0, len(others)))
    good = encoded({**sample("kiosk.view"), "id": "the good one"})
    verdicts = check(b"[" + b",".join([*others[:place], good, *others[place:]]) + b"]", "kiosk.view")
    assert isinstance(verdicts[place], Accepted)


def outcome(verdict: Accepted | Refused) -> tuple[object, ...]:
    """What must not depend on neighbours: all but a random id."""
    if isinstance(verdict, Refused):
        return verdict.reason, verdict.detail, verdict.payload, verdict.event_id
    return verdict.own_id and verdict.id, verdict.at, verdict.clock, str(verdict.data)
