import random

import pytest

from gateway.simulator.vitals import Vitals
from services.events.device import DeviceHeartbeat


def heartbeat(kind: str, *, uplink_ok: bool = True) -> DeviceHeartbeat:
    data = Vitals(random.Random(1), kind).measure(uplink_ok=uplink_ok)
    return DeviceHeartbeat.model_validate({"uptime_s": 1, **data})


@pytest.mark.parametrize(
    ("kind", "by_radio", "on_battery"),
    [
        ("hotspot", False, False),
        ("gateway", True, False),
        ("tracker", True, True),
        ("unheard-of", False, False),
    ],
)
def test_a_device_measures_what_its_kind_has(kind: str, *, by_radio: bool, on_battery: bool) -> None:
    beat = heartbeat(kind)
    assert (beat.signal_dbm is not None) is by_radio
    assert (beat.batt_pct is not None) is on_battery


def test_without_an_uplink_there_is_no_round_trip() -> None:
    beat = heartbeat("hotspot", uplink_ok=False)
    assert beat.uplink_ok is False
    assert beat.rtt_ms is None


def test_figures_wander_about_a_level() -> None:
    vitals = Vitals(random.Random(1), "hotspot")
    loads = {vitals.measure(uplink_ok=True)["mem_used_pct"] for _ in range(20)}
    assert len(loads) > 10
