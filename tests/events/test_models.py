import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services import events
from services.events import device, fields, kiosk, vehicle, wifi
from services.events.reasons import Reason
from tests.events.samples import TYPES, sample

DOCS = Path(__file__).resolve().parents[2] / "docs"


def valid(event_type: str, **changes: object) -> fields.Fact:
    return events.EVENT_TYPES[event_type].model_validate({**sample(event_type)["data"], **changes})


def test_every_event_type_has_a_golden_sample_and_nothing_else_has() -> None:
    assert sorted(events.EVENT_TYPES) == TYPES


@pytest.mark.parametrize("event_type", TYPES)
def test_golden_sample_shows_every_field_and_is_canonical(event_type: str) -> None:
    data = sample(event_type)["data"]
    fact = valid(event_type)
    assert events.canonical(fact) == data
    assert set(data) == set(type(fact).model_fields) - {"type", "ip"}


@pytest.mark.parametrize("event_type", TYPES)
def test_event_comes_back_from_the_log_as_it_went_in(event_type: str) -> None:
    stored = json.loads(json.dumps(events.canonical(valid(event_type))))
    assert events.from_log(event_type, stored) == valid(event_type)


@pytest.mark.parametrize("event_type", TYPES)
def test_docs_describe_every_field_and_show_the_golden_sample(event_type: str) -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    entry = text.split(f"### `{event_type}`\n")[1].split("\n### ")[0].split("\n## ")[0]
    for name in events.EVENT_TYPES[event_type].model_fields.keys() - {"type"}:
        assert f"| `{name}`" in entry, name
    shown = re.search(r"```json\n(.*?)```", entry, re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1]) == sample(event_type)
    assert f"retention: {events.EVENT_TYPES[event_type].retention}" in entry


def test_docs_explain_every_reason() -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"| `{reason}` |" not in text] == []


@pytest.mark.parametrize("event_type", TYPES)
def test_unknown_fields_are_refused(event_type: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        valid(event_type, visitor="somebody")


@pytest.mark.parametrize("event_type", TYPES)
def test_facts_are_frozen(event_type: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        valid(event_type).type = "else"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("event_type", "changes"),
    [
        ("device.heartbeat", {"uptime_s": True}),
        ("device.heartbeat", {"uptime_s": "12"}),
        ("device.heartbeat", {"uptime_s": 1.0}),
        ("device.heartbeat", {"uptime_s": -1}),
        ("device.heartbeat", {"uptime_s": 2**63}),
        ("device.heartbeat", {"load1": math.nan}),
        ("device.heartbeat", {"load1": math.inf}),
        ("device.heartbeat", {"load1": True}),
        ("device.heartbeat", {"mem_used_pct": 100.1}),
        ("device.heartbeat", {"uplink_ok": 1}),
        ("device.status", {"state": "asleep"}),
        ("device.status", {"firmware": "x" * 65}),
        ("device.status", {"reason": "\u202e\x07 "}),
        ("device.status", {"spool": "yes"}),
        ("wifi.usage", {"clients": -1}),
        ("wifi.usage", {"clients": None}),
        ("wifi.usage", {"down_bytes_total": 2**63}),
        ("wifi.usage", {"band": "7"}),
        ("wifi.usage", {"ssid": "x" * 33}),
        ("wifi.usage", {"interval_s": None}),
        ("wifi.usage", {"interval_s": 0}),
        ("wifi.visitors", {"day": "2026-06-31"}),
        ("wifi.visitors", {"day": "2026-6-3"}),
        ("wifi.visitors", {"day": "2026-06-03T00:00:00Z"}),
        ("wifi.visitors", {"day": 20_260_603}),
        ("wifi.visitors", {"distinct": -1}),
        ("wifi.visitors", {"coverage_pct": 100.5}),
        ("wifi.visitors", {"coverage_pct": None}),
        ("wifi.session_end", {"ended_at": "2026-06-03T07:58:11Z"}),
        ("wifi.session_end", {"duration_s": -1}),
        ("wifi.session_end", {"duration_s": 2_592_001}),
        ("wifi.session_end", {"end_reason": "moved"}),
        ("wifi.session_end", {"ssid": "x" * 33}),
        ("kiosk.session", {"ended_at": "2026-06-03T08:12:39Z"}),
        ("kiosk.session", {"started_at": "2026-06-03 08:12:39Z"}),
        ("kiosk.session", {"started_at": 1_780_000_000}),
        ("kiosk.session", {"lang": "Swedish"}),
        ("kiosk.view", {"page": "https://by.example/sida?token=1"}),
        ("kiosk.view", {"page": "sida?token=1"}),
        ("kiosk.view", {"page": "../../etc/passwd"}),
        ("kiosk.view", {"page": "<script>"}),
        ("kiosk.view", {"dwell_s": 1e999}),
        ("kiosk.health", {"power": "solar"}),
        ("vehicle.position", {"lat": 54.999}),
        ("vehicle.position", {"lat": 69.201}),
        ("vehicle.position", {"lon": 10.499}),
        ("vehicle.position", {"lon": 24.301}),
        ("vehicle.position", {"acc_m": -1.0}),
        ("vehicle.position", {"heading_deg": 360.0}),
        ("vehicle.position", {"speed_kmh": -1.0}),
        ("vehicle.position", {"fix_at": 1_780_000_000}),
    ],
)
def test_what_is_out_of_bounds_is_refused(event_type: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        valid(event_type, **changes)


def test_a_will_needs_only_its_state() -> None:
    will = device.DeviceStatus.model_validate({"state": "offline"})
    assert events.canonical(will) == {"state": "offline"}


def test_an_address_in_a_birth_is_dropped_whatever_it_is() -> None:
    for ip in ("192.0.2.7", None, 7, ["fe80::1"], {"a": 1}):
        birth = device.DeviceStatus.model_validate({"state": "online", "ip": ip})
        assert events.canonical(birth) == {"state": "online"}
        assert "192" not in repr(birth)


def test_a_spool_can_be_declared_and_taken_back() -> None:
    for spool in (True, False):
        birth = device.DeviceStatus.model_validate({"state": "online", "spool": spool})
        assert events.canonical(birth) == {"state": "online", "spool": spool}


def test_null_is_the_same_as_absent() -> None:
    beat = device.DeviceHeartbeat.model_validate({"uptime_s": 1, "temp_c": None})
    assert events.canonical(beat) == {"uptime_s": 1}


@pytest.mark.parametrize(
    ("said", "kept"), [("2.4GHz", "2.4"), ("2g", "2.4"), ("5 GHz", "5"), ("6g", "6"), ("60", "60")]
)
def test_bands_have_one_spelling(said: str, kept: str) -> None:
    assert (
        events.canonical(wifi.WifiUsage.model_validate({"iface": "w", "clients": 0, "band": said}))["band"]
        == kept
    )


def test_kiosk_health_says_at_least_something() -> None:
    with pytest.raises(ValidationError, match="says nothing"):
        kiosk.KioskHealth.model_validate({})
    assert events.canonical(kiosk.KioskHealth(screen_on=False)) == {"screen_on": False}


def test_strings_are_cleaned() -> None:
    status = device.DeviceStatus(state="online", reason=" \u202egnp\u2066.exe\x07\tor so\u200b ")
    assert status.reason == "gnp.exe or so"


def test_a_position_is_kept_to_a_decimetre_and_not_for_long() -> None:
    fix = valid("vehicle.position", lat=58.123456789, lon=15)
    assert isinstance(fix, vehicle.VehiclePosition)
    assert (fix.lat, fix.lon) == (58.123457, 15.0)
    assert fix.retention == "short"
