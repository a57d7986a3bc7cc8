"""How a device fares by its own latest words: each measure with its unit, and whether it is worth a look."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.numbers import format_decimal
from babel.units import format_unit

from dashboard.device_words import FULL_PCT, HOT_C, LOSSY_PCT, LOW_PCT
from dashboard.web.language import Gettext, language

# Below this a hotspot's mobile uplink is too weak to be relied on (dBm).
_WEAK_DBM = -100
_SLOW_MS = 500
# As exact as a measure is worth, and always the same: a figure that changes keeps its place.
_WHOLE, _TENTHS, _HUNDREDTHS = "#,##0", "#,##0.0", "#,##0.00"
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Vital:
    """One measure: its name, the value as it is read, its unit, and whether it is worth a look."""

    name: str
    value: str
    unit: str
    at: datetime
    worth_a_look: bool


def vital_signs(words: Mapping[str, tuple[datetime, Mapping[str, Any]]], lang: str) -> list[Vital]:
    """The measures in a device's latest words, by event type; what it has not said is left out."""
    _ = language(lang).gettext
    found: list[Vital] = []
    if "device.heartbeat" in words:
        at, data = words["device.heartbeat"]
        found += (
            Vital(name, value, unit, at, worth) for name, value, unit, worth in _heartbeat(data, _, lang)
        )
    if "kiosk.health" in words:
        at, data = words["kiosk.health"]
        found += (Vital(name, value, unit, at, worth) for name, value, unit, worth in _kiosk(data, _, lang))
    return found


def _heartbeat(data: Mapping[str, Any], _: Gettext, lang: str) -> Iterator[tuple[str, str, str, bool]]:
    if isinstance(data.get("uptime_s"), int):
        yield _("Drifttid"), _length(data["uptime_s"], lang), "", False
    if isinstance(data.get("uplink_ok"), bool):
        yield _("Internet"), _("ja") if data["uplink_ok"] else _("nej"), "", not data["uplink_ok"]
    measures: tuple[tuple[str, str, str, str, Callable[[float], bool]], ...] = (
        ("rtt_ms", _("Svarstid"), _WHOLE, "ms", lambda value: value >= _SLOW_MS),
        ("loss_pct", _("Paketförlust"), _TENTHS, "%", lambda value: value >= LOSSY_PCT),
        ("signal_dbm", _("Signal"), _WHOLE, "dBm", lambda value: value <= _WEAK_DBM),
        ("temp_c", _("Temperatur"), _TENTHS, "°C", lambda value: value >= HOT_C),
        ("batt_pct", _("Batteri"), _WHOLE, "%", lambda value: value <= LOW_PCT),
        ("disk_used_pct", _("Disk använd"), _WHOLE, "%", lambda value: value >= FULL_PCT),
        ("mem_used_pct", _("Minne använt"), _WHOLE, "%", lambda value: value >= FULL_PCT),
        ("load1", _("Belastning, en minut"), _HUNDREDTHS, "", lambda _value: False),
    )
    for key, name, exactness, unit, is_worth in measures:
        value = data.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, format_decimal(value, exactness, locale=lang), unit, is_worth(value)


def _kiosk(data: Mapping[str, Any], _: Gettext, lang: str) -> Iterator[tuple[str, str, str, bool]]:
    answers = (
        ("screen_on", _("Skärmen lyser")),
        ("locked", _("Låst till sidan")),
        ("foreground", _("Sidan syns")),
        ("browser_ok", _("Webbläsaren svarar")),
    )
    for key, name in answers:
        if isinstance(data.get(key), bool):
            yield name, _("ja") if data[key] else _("nej"), "", not data[key]
    if data.get("power") in ("mains", "battery"):
        on_battery = data["power"] == "battery"
        yield _("Ström"), _("batteri") if on_battery else _("elnätet"), "", on_battery
    if isinstance(data.get("batt_pct"), int | float):
        battery = data["batt_pct"]
        yield _("Batteri"), format_decimal(battery, _WHOLE, locale=lang), "%", battery <= LOW_PCT
    if isinstance(data.get("storage_free_bytes"), int):
        free = data["storage_free_bytes"] / 1_000_000_000
        yield _("Ledigt utrymme"), format_decimal(free, _TENTHS, locale=lang), "GB", free < 1


def _length(seconds: int, lang: str) -> str:
    """A length of time in whole days, hours, minutes or seconds, the largest that fits: 12 dygn."""
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length or unit == "second")
    return format_unit(seconds // length, unit, locale="sv_SE" if lang == "sv" else "en_GB")
