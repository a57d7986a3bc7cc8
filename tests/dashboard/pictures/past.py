"""What the villages have been through before the picture is taken: 100 days with outages, work and use; synthetic.

It ends two days before the picture, where `scene.py` goes on.
"""

import json
import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from dashboard.web.times import STOCKHOLM, local
from services.availability.rolling import DayCounter
from services.storage.database import Lane, Role
from services.usage.days import settle
from tests.dashboard.staffed import Staffed

POINT = "sp-gunnarn"
"""The point whose page is shown."""
NEW_POINT = "sp-kvarsebo"
"""A point whose devices were heard for the first time today."""

_DAYS = 100
_MINUTE = timedelta(minutes=1)
Row: TypeAlias = tuple[str, datetime, datetime, str, str]


async def write_past(site: Staffed) -> None:
    """Write what was measured, planned and used, and let the days be counted as a worker does."""
    now = site.now()
    begins = _at(now, 2, 0)
    await site.run(
        "UPDATE status_interval SET starts_at = $1 WHERE starts_at < $1 AND ends_at IS NULL", begins
    )
    await site.run("UPDATE status_interval SET starts_at = $1 WHERE starts_at < $1 AND ends_at > $1", begins)
    known = json.loads(str(await site.run(_FIRST_KNOWN, NEW_POINT)))
    rows = [
        row
        for number, (device, first) in enumerate(sorted(known.items()))
        for row in _intervals(device, number, now, datetime.fromisoformat(first))
    ]
    await site.run(_PUT, *map(list, zip(*rows, strict=True)))
    await site.run(_HEARD_TODAY, NEW_POINT, _at(now, 0, 8 * 60))
    await site.run(_WORK, POINT, _wall(now, 6, 8), _wall(now, 6, 12), None, "Byte av router (påhittat)")
    await site.run(
        _WORK, POINT, _wall(now, -6, 7), _wall(now, -6, 8), "FREQ=MONTHLY;BYDAY=4TU", "Uppdatering (påhittat)"
    )
    noons = [_at(now, ago, 12 * 60) for ago in range(2, _DAYS)]
    volumes = [round(10_000_000_000 * (1.3 + math.sin(ago / 7 * 2 * math.pi))) for ago in range(2, _DAYS)]
    for statement in (_USED, _MET, _TOLD):
        await site.run(statement, noons, volumes)
    for lane in json.loads(str(await site.run("SELECT json_agg(lane) FROM lane_in_use"))):
        async with site.database.transaction(Role.WORKER, Lane(lane)) as connection:
            while await settle(connection, lane, now):
                pass
    await site.run(_JUDGED, now)
    shown_as_read = await site.run("SELECT max(caught_up_at) FROM reading_cursor")
    await site.run("UPDATE reading_cursor SET caught_up_at = $1", now)
    await DayCounter(site.database, clock=site.now).once()
    await site.run("UPDATE reading_cursor SET caught_up_at = $1", shown_as_read)


def _intervals(device: str, number: int, now: datetime, until: datetime) -> Iterator[Row]:
    """The intervals of a device until where the scene begins: it works but for what befell it."""
    at = _at(now, _DAYS, 0)
    for starts, length, state, reason in sorted(_befell(device, number, now)):
        if at < starts:
            yield device, at, starts, "up", "heard"
        yield device, starts, starts + length, state, reason
        at = starts + length
    yield device, at, until, "up", "heard"


def _befell(device: str, number: int, now: datetime) -> Iterator[tuple[datetime, timedelta, str, str]]:
    for ago in (5 + number % 4, 18 + number % 7, 41 + number % 11, 77):
        yield _at(now, ago, 9 * 60 + 7 * number % 400), (20 + 13 * number % 90) * _MINUTE, "down", "silent"
    yield _at(now, 12, 15 * 60), 40 * _MINUTE, "blind", "not_watched"
    yield _at(now, 30 + number, 13 * 60), 3 * 60 * _MINUTE, "degraded", "uplink_lost"
    yield _at(now, 50 + number % 9, 6 * 60), 45 * _MINUTE, "degraded", "late"
    if device.endswith("gunnarn-1"):
        yield _at(now, 27, 22 * 60), 26 * 60 * _MINUTE, "down", "silent"
        yield _at(now, 9, 4 * 60), 13 * 60 * _MINUTE, "blind", "not_watched"


def _at(now: datetime, days_ago: int, minute: int) -> datetime:
    return datetime.combine(_day(now, days_ago), time(), STOCKHOLM) + minute * _MINUTE


def _wall(now: datetime, days_ago: int, hour: int) -> datetime:
    return datetime.combine(_day(now, days_ago), time(hour))


def _day(now: datetime, ago: int) -> date:
    return local(now).date() - timedelta(days=ago)


_FIRST_KNOWN = """
SELECT json_object_agg(k.device, k.first_at)
FROM (
    SELECT i.device, min(i.starts_at) AS first_at
    FROM status_interval AS i
    JOIN device AS d ON d.municipality = i.municipality AND d.id = i.device
    WHERE d.lifecycle = 'active' AND d.point <> $1
    GROUP BY i.device
) AS k
"""
_PUT = """
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
SELECT d.municipality, k.device, k.starts_at, k.ends_at, k.state, k.reason
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[])
    AS k (device, starts_at, ends_at, state, reason)
JOIN device AS d ON d.id = k.device
"""
_HEARD_TODAY = """
UPDATE status_interval AS i SET starts_at = $2
FROM device AS d
WHERE d.municipality = i.municipality AND d.id = i.device AND d.point = $1
"""
_WORK = """
INSERT INTO maintenance (municipality, point, starts, ends, rule, reason)
SELECT municipality, id, $2, $3, $4, $5 FROM service_point WHERE id = $1
"""
_OF_HOTSPOTS = """
FROM unnest($1::timestamptz[], $2::bigint[]) AS k (noon, volume)
CROSS JOIN device AS d
JOIN device_status AS s ON s.municipality = d.municipality AND s.device = d.id
WHERE d.kind = 'hotspot' AND d.lifecycle = 'active'
"""
_USED = f"""
INSERT INTO usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes,
    up_bytes, estimated, kiosk_sessions, kiosk_views)
SELECT d.municipality, d.id, k.noon, 'wlan0', 12, 12, 48, 12, k.volume, k.volume / 8, false, 0, 0 {_OF_HOTSPOTS}
"""
_MET = f"""
INSERT INTO usage_session (municipality, device, hour, sessions, session_seconds)
SELECT d.municipality, d.id, k.noon, 31, 31 * 840 {_OF_HOTSPOTS}
"""
_TOLD = f"""
INSERT INTO usage_visitors (municipality, device, day, visitors, coverage, reported_at, reported_id)
SELECT d.municipality, d.id, local_day(k.noon), 19, 9800, k.noon, 'made-up' {_OF_HOTSPOTS}
"""
_JUDGED = """
INSERT INTO status_lane (lane, as_of) SELECT lane, $1 FROM lane_in_use
ON CONFLICT (lane) DO UPDATE SET as_of = excluded.as_of
"""
