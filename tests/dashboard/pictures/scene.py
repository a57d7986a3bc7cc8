"""What has happened in the villages before the picture is taken; synthetic, and the same each time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.pages.demo_desk import AT_A_POINT, AlreadyBroken, Mishap, Switch
from tests.dashboard.pictures import past, promises
from tests.dashboard.staffed import Staffed

DEVICE = ("2421", "hs-slussfors-1")
"""The device whose page is shown: a hotspot that has gone silent."""
KIOSK = ("0482", "ki-bettna-1")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A device that is not as it should be, and for how long."""

    device: str
    state: str
    reason: str
    since: timedelta


TROUBLES = (
    Trouble(DEVICE[1], "down", "silent", timedelta(hours=3, minutes=48)),
    Trouble("ki-jorn-1", "down", "offline", timedelta(days=2, hours=5)),
    Trouble("hs-gunnarn-1", "degraded", "uplink_lost", timedelta(minutes=29)),
    Trouble("hs-lidhult-2", "degraded", "late", timedelta(minutes=11)),
)

# The day of the device that is shown, in hours before now; the last part is what `TROUBLES` says.
DAY = (
    (30.0, 15.5, "up", "heard"),
    (15.5, 15.1, "blind", "not_watched"),
    (15.1, 9.8, "up", "heard"),
    (9.8, 9.1, "degraded", "uplink_lost"),
    (9.1, 4.3, "up", "heard"),
    (4.3, 3.8, "degraded", "late"),
    (3.8, None, "down", "silent"),
)


class QuietDesk:
    """A demo's desk where one thing is broken and nothing more can be."""

    def __init__(self, now: datetime) -> None:
        self._mishap = Mishap(Switch.UPLINK_LOST, "Servicepunkt Gunnarn (demo)", now + timedelta(seconds=48))

    def places(self) -> Mapping[str, str]:
        """Some of the villages."""
        return {"sp-gunnarn": "Servicepunkt Gunnarn (demo)", "sp-jorn": "Servicepunkt Jörn (demo)"}

    def lasts_s(self, switch: Switch) -> float:
        """Longer at a point than everywhere."""
        return 90 if switch in AT_A_POINT else 30

    def under_way(self) -> Sequence[Mishap]:
        """What `TROUBLES` says of Gunnarn."""
        return [self._mishap]

    async def press(self, switch: Switch, *, place: str | None) -> None:
        """Refuse: pictures hold still."""
        raise AlreadyBroken(switch, place)


async def play(site: Staffed) -> None:
    """Put the villages into the state that is shown."""
    now = site.now()
    await site.run(_ALL_UP, now)
    for trouble in TROUBLES:
        await site.set_state(trouble.device, trouble.state, trouble.reason, since=now - trouble.since)
        await site.run(_LAST_HEARD, trouble.device, now - trouble.since)
    await site.run("DELETE FROM device_status WHERE device = 'ki-lagan-1'")
    await site.run("UPDATE device SET lifecycle = 'suspended' WHERE id = 'hs-tannaker-1'")
    await site.run("UPDATE device SET lifecycle = 'registered', point = NULL WHERE id = 'gw-sarna-1'")
    await site.run("UPDATE service_point SET status = 'paused' WHERE id = 'sp-hogsjo'")
    await site.run("UPDATE device SET registered_at = $1", now - timedelta(days=168))
    await site.run(_SPOOL, *DEVICE, now - timedelta(days=40))
    await _write_histories(site)
    await _count_use(site)
    await _let_them_speak(site)
    await _refuse_some(site)
    await _keep_up(site)
    await past.write_past(site)
    await promises.judge(site)


async def _write_histories(site: Staffed) -> None:
    now = site.now()
    await site.run(_HISTORY_OF_ALL, now - timedelta(days=30))
    await site.run("DELETE FROM status_interval WHERE device = $1", DEVICE[1])
    for first, last, state, reason in DAY:
        ends = None if last is None else now - timedelta(hours=last)
        await site.run(_INTERVAL, *DEVICE, now - timedelta(hours=first), ends, state, reason)


async def _count_use(site: Staffed) -> None:
    """A village's day: few at night, most in the afternoon; kiosks when the shop is open."""
    begins = site.now() - timedelta(hours=23)
    for hours in range(24):
        hour = begins + timedelta(hours=hours)
        daytime = max(0.0, math.sin((hour.hour + 1 - 6) / 17 * math.pi)) ** 1.5
        clients = round(0.4 + 13 * daytime + hours * 5 % 7 / 5, 2)
        await site.run(_USAGE_WIFI, hour, clients, round(clients * 1.6), int(clients * 61_000_000))
        if 8 <= hour.hour <= 17:
            await site.run(_USAGE_KIOSK, hour, 1 + hours % 4, 3 + hours % 7)


async def _let_them_speak(site: Staffed) -> None:
    vital: dict[str, Any] = {
        "uptime_s": 1_036_800, "load1": 0.21, "mem_used_pct": 41.0, "disk_used_pct": 63.0, "temp_c": 48.5,
        "signal_dbm": -71.0, "uplink_ok": True, "rtt_ms": 38.0, "loss_pct": 0.4,
    }  # fmt: skip
    for minutes, device, event_type, data in (
        (612, DEVICE, "device.status", {"state": "online", "firmware": "23.05.3", "uptime_s": 61, "spool": True}),
        (588, DEVICE, "device.heartbeat", vital | {"uplink_ok": False, "rtt_ms": None}),
        (546, DEVICE, "device.heartbeat", vital | {"temp_c": 71.0}),
        (240, DEVICE, "wifi.usage", {"iface": "wlan0", "band": "5", "clients": 6}),
        (228, DEVICE, "device.heartbeat", vital),
        (31, ("2421", "hs-gunnarn-1"), "device.heartbeat", {"uptime_s": 86_400, "uplink_ok": False}),
        (12, ("2482", "hs-jorn-1"), "wifi.usage", {"iface": "wlan0", "clients": 14}),
        (11, ("0781", "hs-lidhult-2"), "device.heartbeat", {"uptime_s": 900, "loss_pct": 12.0}),
        (10, ("0781", "hs-lidhult-1"), "wifi.usage", {"iface": "wlan0", "clients": 9}),
        (9, ("0583", "hs-bokbuss-1"), "wifi.usage", {"iface": "wlan0", "clients": 3}),
        (8, KIOSK, "kiosk.view", {"page": "start", "lang": "sv"}),
        (7, KIOSK, "kiosk.view", {"page": "buss/tider", "lang": "sv", "dwell_s": 22.5}),
        (6, ("2505", "hs-moskosel-1"), "device.status", {"state": "online", "firmware": "23.05.3"}),
        (5, ("0482", "hs-bettna-1"), "wifi.usage", {"iface": "wlan0", "clients": 5}),
        (4, KIOSK, "kiosk.health", {"screen_on": True, "locked": True, "foreground": True, "browser_ok": True,
                                    "power": "mains", "storage_free_bytes": 11_811_160_064}),
        (3, ("2039", "hs-sarna-1"), "device.heartbeat", vital | {"temp_c": 44.0}),
        (2, ("0765", "hs-haradsback-1"), "wifi.usage", {"iface": "wlan0", "clients": 2}),
        (1, KIOSK, "device.heartbeat", {"uptime_s": 432_000, "mem_used_pct": 55.0, "disk_used_pct": 47.0}),
    ):  # fmt: skip
        at = site.now() - timedelta(minutes=minutes)
        said = {name: value for name, value in data.items() if value is not None}
        await site.happens(device, event_type, said, at=at, time=at, received_at=at, boot=None, seq=None)
    for seq in (1, 2, 3, 6):
        at = site.now() - timedelta(minutes=620 - seq)
        await site.happens(
            DEVICE, "device.heartbeat", vital, at=at, time=at, received_at=at, boot="b7", seq=seq
        )


async def _refuse_some(site: Staffed) -> None:
    now = site.now()
    for hours, device, reason, detail, payload in (
        (97, None, "nul", "NUL byte at 118", None),
        (53, "gw-sarna-1", "not_decodable", "teltonika: no field `ts`", '{"data": {"pin": 1}}'),
        (26, "hs-okand-1", "unknown_device", "hs-okand-1 is not registered", '{"data": {"uptime_s": 12}}'),
        (20, "hs-okand-1", "unknown_device", "hs-okand-1 is not registered", '{"data": {"uptime_s": 21612}}'),
        (4.4, DEVICE[1], "invalid_data", "temp_c: 999 is greater than 250", '{"data": {"uptime_s": 9, "temp_c": 999}}'),
        (4.2, DEVICE[1], "unknown_type", "wifi.usagex", '{"data": {"iface": "wlan0", "clients": 4}}'),
    ):  # fmt: skip
        municipality = DEVICE[0] if device == DEVICE[1] else "2039"
        await site.run(_LETTER, municipality, device, reason, detail, now - timedelta(hours=hours), payload)


async def _keep_up(site: Staffed) -> None:
    """Let two gateways and a worker share the lanes, and both readings have read everything."""
    for number, (part, share) in enumerate((("gateway", 0), ("gateway", 1), ("worker", 0), ("worker", 1))):
        holder = f"{number + 4:08x}-0000-4000-8000-000000000000" if part == "gateway" else _WORKER
        await site.run(_HOLDER, holder, part, site.now() - timedelta(days=6, hours=2))
        await site.run(_LEASES, part, holder, share, site.now() - timedelta(hours=30 - number))
    await site.run(_READ, site.now() + timedelta(days=3650))


_WORKER = "9c0ffee5-0000-4000-8000-000000000000"
_HOLDER = "INSERT INTO lane_holder (id, part, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_LEASES = """
INSERT INTO lane_lease (part, lane, holder, since)
SELECT $1, l.lane, $2::uuid, $4 FROM (SELECT lane, row_number() OVER (ORDER BY lane) AS n FROM lane_in_use) AS l
WHERE l.n % 2 = $3
"""
# Long after the picture is taken: a reading that has not read lately is shown as blind, by the server's own clock.
_READ = """
INSERT INTO reading_cursor (reading, lane, position, caught_up_at)
SELECT r, l.lane, l.head, $1 FROM lane AS l CROSS JOIN unnest(ARRAY['status', 'usage']) AS r
"""
_ALL_UP = """
INSERT INTO device_status (municipality, device, lane, state, reason, since, last_sign_at, last_event_at,
    expected_interval_s, offline_after_s, revision)
SELECT d.municipality, d.id, m.lane, 'up', 'heard', $1::timestamptz - interval '6 days 3 hours',
    $1::timestamptz - make_interval(secs => 5 + length(d.id) * 2), $1, d.expected_interval_s, d.offline_after_s, 0
FROM device AS d JOIN municipality AS m ON m.code = d.municipality
"""
_LAST_HEARD = "UPDATE device_status SET last_sign_at = $2, last_event_at = $2 WHERE device = $1"
_SPOOL = "INSERT INTO device_spool (municipality, device, declared_at, spool) VALUES ($1, $2, $3, true)"
_HISTORY_OF_ALL = """
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
SELECT municipality, device, $1::timestamptz, CASE WHEN state <> 'up' THEN since END, 'up', 'heard' FROM device_status
UNION ALL
SELECT municipality, device, since, NULL, state, reason FROM device_status WHERE state <> 'up'
"""
_INTERVAL = """
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason) VALUES ($1, $2, $3, $4, $5, $6)
"""
_USAGE_WIFI = """
INSERT INTO usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes,
    up_bytes, estimated, kiosk_sessions, kiosk_views)
SELECT d.municipality, d.id, $1::timestamptz, 'wlan0', 12, $3::integer, round($2::float8 * 12), 12,
    $4::bigint, $4::bigint / 7,
    $1::timestamptz = $1::timestamptz::date, 0, 0
FROM device AS d JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
WHERE d.kind = 'hotspot' AND (s.state <> 'down' OR $1 < s.since)
"""
_USAGE_KIOSK = """
INSERT INTO usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes,
    up_bytes, estimated, kiosk_sessions, kiosk_views)
SELECT d.municipality, d.id, $1::timestamptz, '', 0, 0, 0, 0, 0, 0, false, $2::integer, $3::integer
FROM device AS d JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
WHERE d.kind = 'kiosk'
"""
_LETTER = """
INSERT INTO dead_letter (municipality, lane, device, topic, reason, detail, received_at, size, fingerprint, payload,
    replayable)
SELECT m.code, m.lane, $2, format('bypunkt/v1/%s/%s/device.heartbeat', m.code, coalesce($2::text, 'hs-sarna-1')),
    $3, $4, $5::timestamptz, coalesce(length($6::text), 118), ''::bytea, $6, $6 IS NOT NULL
FROM municipality AS m
WHERE m.code = $1
"""
