"""Receipts: only for devices that wait for one, small enough for them, with everything they can let go of."""

import json
from dataclasses import replace

import pytest

from gateway.receipts import IDS, compose, read_receipt
from services.ingest.models import Reason, Refused
from tests.support.villages import heartbeat

SPOOLING = ("0781", "hs-lidhult-1")


def refused(number: int) -> Refused:
    """Return the refusal of numbered event of `hs-lidhult-1`."""
    return replace(Refused.of(heartbeat(number)), reason=Reason.INVALID_DATA)


def receipts(*args: object, **kwargs: object) -> list[tuple[str, dict[str, list[object]]]]:
    """Return the receipts as (topic, what they say)."""
    return [(topic, json.loads(payload)) for topic, payload in compose(*args, **kwargs)]  # type: ignore[arg-type]


def test_only_devices_with_a_spool_get_receipts() -> None:
    events = [heartbeat(1), heartbeat(2, device="hs-lidhult-2"), heartbeat(3, municipality="0583")]
    assert receipts(events, [refused(4)], spooling=set()) == []
    assert receipts(events, [refused(4)], spooling={SPOOLING}) == [
        (
            "bypunkt/v1/0781/hs-lidhult-1/down/ack",
            {"ids": ["e-1"], "refused": [{"id": "e-4", "reason": "invalid_data"}]},
        )
    ]


def test_each_device_gets_its_own() -> None:
    events = [heartbeat(number, device=f"hs-lidhult-{number % 2}") for number in range(4)]
    said = receipts(events, [], spooling={("0781", "hs-lidhult-0"), ("0781", "hs-lidhult-1")})
    assert {topic.split("/")[3]: receipt["ids"] for topic, receipt in said} == {
        "hs-lidhult-0": ["e-0", "e-2"],
        "hs-lidhult-1": ["e-1", "e-3"],
    }


def test_long_receipts_come_in_pages_that_name_everything_once() -> None:
    count = 2 * IDS + 1
    said = receipts(
        [heartbeat(number) for number in range(count)],
        [refused(number) for number in range(count, count + IDS + 1)],
        spooling={SPOOLING},
    )
    assert [(len(page["ids"]), len(page["refused"])) for _, page in said] == [(IDS, IDS), (IDS, 1), (1, 0)]
    assert [name for _, page in said for name in page["ids"]] == [f"e-{number}" for number in range(count)]


def test_what_has_no_name_of_the_device_is_not_in_a_receipt() -> None:
    nameless = [replace(refused(1), event_id=None), replace(refused(2), device=None)]
    assert receipts([], nameless, spooling={SPOOLING}) == []


def test_a_full_page_stays_below_what_small_devices_take() -> None:
    longest = [heartbeat(number, id=f"{number:0128}") for number in range(IDS)]
    ((_, payload),) = compose(longest, [], spooling={SPOOLING})
    assert len(payload) < 32 * 1024


def test_a_receipt_names_what_is_stored_and_what_is_refused() -> None:
    payload = b'{"ids": ["a", "b"], "refused": [{"id": "c", "reason": "too_old"}], "more": 1}'
    assert read_receipt(payload) == (["a", "b"], {"c": "too_old"})
    assert read_receipt(b"{}") == ([], {})


def test_what_is_composed_can_be_read() -> None:
    ((_, payload),) = compose([heartbeat(1)], [refused(2)], spooling={SPOOLING})
    assert read_receipt(payload) == (["e-1"], {"e-2": "invalid_data"})


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"\xff", b'{"ids": 1}', b'{"ids": [1]}', b'{"refused": ["a"]}', b'{"refused": {}}'],
)
def test_what_is_no_receipt_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_receipt(payload)
