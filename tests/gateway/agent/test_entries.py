"""Events as they are kept: valid, free of addresses, and dated only by a clock that can be believed."""

import json

import pytest

from gateway.agent.clocks import Instant
from gateway.agent.entries import Row, entry_of, event_id, fact_of, time_of
from gateway.agent.failures import NotAnEvent
from services.events import wire
from services.events.wire import Claim
from services.ingest import addresses

NOON = 1_795_000_000_000


def instant(
    *, sure: bool = True, usable: bool = True, lived_ms: int = 60_000, wall_ms: int = NOON
) -> Instant:
    return Instant(wall_ms=wall_ms, power_ms=5_000, lived_ms=lived_ms, sure=sure, usable=usable)


def row(**changed: object) -> Row:
    told: dict[str, object] = {
        "number": 1, "boot": "b1", "seq": 7, "type": "kiosk.view", "conn": None, "urgent": False,
        "lived_ms": 10_000, "guess_ms": None, "time_ms": None, "settled": False, "data": '{"page":"å"}',
    }  # fmt: skip
    return Row(**(told | changed))  # type: ignore[arg-type]


def test_an_event_is_written_in_the_short_form() -> None:
    (claim,) = wire.read(row(time_ms=NOON, conn="c1").body())
    assert isinstance(claim, Claim)
    assert (claim.id, claim.boot, claim.conn, claim.seq) == ("b1-7", "b1", "c1", 7)
    assert (claim.data, claim.time and claim.time.timestamp() * 1000) == ({"page": "å"}, NOON)
    assert b"time" not in row().body()
    assert not addresses.in_id(event_id("ab12cd34", 17))


@pytest.mark.parametrize(
    ("sure", "usable", "patient", "expected"),
    [
        (True, True, True, NOON - 50_000),
        (True, True, False, NOON - 50_000),
        (False, True, False, NOON - 50_000),
        (False, True, True, None),
        (False, False, False, None),
        (False, False, True, None),
    ],
)
def test_an_event_is_dated_back_by_the_time_since_power_up(
    *, sure: bool, usable: bool, patient: bool, expected: int | None
) -> None:
    present = instant(sure=sure, usable=usable)
    assert time_of(row(), present, boot="b1", patient=patient) == expected


def test_an_event_of_an_earlier_start_keeps_what_the_clock_said_then() -> None:
    assert time_of(row(guess_ms=5), instant(), boot="b2", patient=False) == 5
    assert time_of(row(), instant(), boot="b2", patient=False) is None


def test_no_event_gets_a_time_in_the_future() -> None:
    assert time_of(row(lived_ms=10**9), instant(), boot="b1", patient=False) == NOON


def test_only_a_sure_clock_dates_at_once() -> None:
    view = fact_of("kiosk.view", {"page": "start", "lang": "sv"})
    sure, usable, wrong = (
        entry_of(view, instant()),
        entry_of(view, instant(sure=False)),
        entry_of(view, instant(sure=False, usable=False)),
    )
    assert (sure.time_ms, usable.time_ms, usable.guess_ms) == (NOON, None, NOON)
    assert (wrong.time_ms, wrong.guess_ms, wrong.power_ms) == (None, None, 5_000)


def test_births_and_answers_are_urgent() -> None:
    def urgent(event_type: str, **data: object) -> bool:
        return entry_of(fact_of(event_type, data), instant()).urgent

    assert urgent("device.status", state="online")
    assert urgent("command.result", command="c", state="done")
    assert not urgent("device.status", state="offline")
    assert not urgent("device.heartbeat", uptime_s=1)


def test_addresses_do_not_even_reach_the_disk() -> None:
    seen = fact_of("kiosk.view", {"page": "start", "lang": "sv", "session": "s aa:bb:cc:dd:ee:ff"})
    assert json.loads(entry_of(seen, instant()).data)["session"] == "s [removed]"
    page = fact_of("kiosk.view", {"page": "192.168.1.20", "lang": "sv"})
    with pytest.raises(NotAnEvent, match="page"):
        entry_of(page, instant())


@pytest.mark.parametrize(
    ("event_type", "data", "why"),
    [
        ("kiosk.views", {}, "no event type"),
        ("kiosk.view", {"lang": "sv"}, "page: Field required"),
        ("kiosk.view", {"page": "a", "lang": "sv", "visitor": 1}, "visitor: Extra"),
        ("kiosk.session", {"session": "s"}, "started_at"),
    ],
)
def test_what_is_no_event_is_refused_with_its_field(
    event_type: str, data: dict[str, object], why: str
) -> None:
    with pytest.raises(NotAnEvent, match=why):
        fact_of(event_type, data)
