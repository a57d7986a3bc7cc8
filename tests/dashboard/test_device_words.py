"""Reasons and events in plain words, in both languages, whatever a device has put into them."""

from typing import Any

import pytest

from dashboard.device_words import event_words, reason_words
from services.events import EVENT_TYPES
from services.status.models import Reason


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in Reason:
        assert len({reason.value, reason_words(reason, "sv"), reason_words(reason, "en")}) == 3, reason
    assert reason_words("of tomorrow", "sv") == "of tomorrow"


def test_every_event_type_has_words_even_without_data() -> None:
    for event_type in EVENT_TYPES:
        for lang in ("sv", "en"):
            assert event_words(event_type, {}, lang) not in ("", event_type)
    assert event_words("of.tomorrow", {}, "sv") == "of.tomorrow"


@pytest.mark.parametrize(
    ("event_type", "data", "words"),
    [
        ("device.status", {"state": "online"}, "Connected"),
        ("device.status", {"state": "offline", "reason": "power lost"}, "Disconnected: power lost"),
        ("device.heartbeat", {"uptime_s": 1}, "Sign of life"),
        (
            "device.heartbeat",
            {"uplink_ok": False, "temp_c": 81.5, "disk_used_pct": 99, "loss_pct": 12.0, "batt_pct": 7},
            "Sign of life, no internet, 81.5 °C, disk 99 %, packet loss 12 %, battery 7 %",
        ),
        (
            "device.heartbeat",
            {"uplink_ok": True, "temp_c": 41.5, "disk_used_pct": 50, "loss_pct": 0.0, "batt_pct": 80},
            "Sign of life",
        ),
        ("device.heartbeat", {"temp_c": "hot"}, "Sign of life"),
        ("wifi.usage", {"clients": 3}, "3 connected now"),
        ("kiosk.session", {"views": 4}, "The screen was used, 4 pages"),
        ("kiosk.view", {"page": "buss"}, "Page buss was shown"),
        ("kiosk.health", {"screen_on": True}, "The screen is well"),
        (
            "kiosk.health",
            {"screen_on": False, "power": "battery"},
            "The screen's health, the screen is off, running on battery",
        ),
    ],
)
def test_event_says_what_matters(event_type: str, data: dict[str, Any], words: str) -> None:
    assert event_words(event_type, data, "en") == words


def test_words_are_short_and_turn_nothing_round() -> None:
    words = event_words("device.status", {"state": "\u202eonline\x00\n", "reason": "x" * 5000}, "sv")
    assert words.startswith("online : x")
    assert len(words) <= 160
