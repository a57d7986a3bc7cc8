"""What a device measures of itself: figures that wander about a level of their own."""

import random

_FIRMWARE = {
    "hotspot": "openwrt 23.05.5",
    "kiosk": "byskarm 2.4.1",
    "tracker": "spar 1.9.0",
    "locker": "skap 3.0.2",
    "gateway": "rutos 07.06",
}
_BY_RADIO = frozenset({"gateway", "tracker"})
_ON_BATTERY = frozenset({"tracker", "locker"})


class Vitals:
    """The vital signs of one device."""

    def __init__(self, rng: random.Random, kind: str) -> None:
        self._rng = rng
        self._radio = kind in _BY_RADIO
        self._battery = kind in _ON_BATTERY
        self._load = rng.uniform(0.05, 0.6)
        self._memory = rng.uniform(25, 70)
        self._disk = rng.uniform(10, 60)
        self._temperature = rng.uniform(28, 52)
        self._signal = rng.uniform(-95, -65)
        self._trip_ms = rng.uniform(8, 60)
        self.firmware = _FIRMWARE.get(kind, "bypunkt 1.0")

    def measure(self, *, uplink_ok: bool) -> dict[str, object]:
        """Return the data of a heartbeat, without its uptime."""
        vary = self._rng.uniform
        data: dict[str, object] = {
            "load1": round(self._load * vary(0.5, 1.6), 2),
            "mem_used_pct": round(self._memory + vary(-3, 3), 1),
            "disk_used_pct": round(self._disk, 1),
            "temp_c": round(self._temperature + vary(-2, 2), 1),
            "uplink_ok": uplink_ok,
        }
        if uplink_ok:
            data["rtt_ms"] = round(self._trip_ms * vary(0.8, 1.8), 1)
            data["loss_pct"] = 0.0
        if self._radio:
            data["signal_dbm"] = round(self._signal + vary(-4, 4), 1)
        if self._battery:
            data["batt_pct"] = round(vary(96, 100), 1)
        return data
