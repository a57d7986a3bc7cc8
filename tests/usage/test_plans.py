"""A batch costs what is new: neither the events of an hour nor the devices of a lane are looked through for it."""

import json

import asyncpg
import pytest

from services.log.append import queries as log
from services.status.store import moving
from services.status.store import queries as status
from services.storage.database import Connection, Database, Lane, Role
from services.usage.parts import happenings
from services.usage.parts import queries as usage
from tests.support.villages import NOON, lane_of, villages

MAKE_EVENTS = """
INSERT INTO bypunkt.event (municipality, device, at, id, retention, lane, position, type, received_at, data)
SELECT '0781', d.id, t.at, 'n' || n, 'standard', $1, n, 'wifi.usage', t.at,
    jsonb_build_object('iface', 'wlan0', 'clients', 1, 'down_bytes_total', n)
FROM generate_series($2::int, $3) AS n
CROSS JOIN LATERAL (SELECT 'hs-many-' || n % $4::int AS id) AS d
CROSS JOIN LATERAL (SELECT $5::timestamptz + n * interval '100 ms' AS at) AS t
"""
MAKE_DEVICES = """
INSERT INTO bypunkt.device (municipality, id, kind, expected_interval_s, offline_after_s)
SELECT '0781', 'hs-many-' || n, 'hotspot', 60, 180 FROM generate_series(0, $1::int - 1) AS n
"""
MAKE_STATUS = """
INSERT INTO bypunkt.device_status (municipality, device, lane, state, reason, since, last_sign_at, last_event_at,
    next_change_at, expected_interval_s, offline_after_s, revision)
SELECT '0781', 'hs-many-' || n, $2, 'up', 'heard', $3::timestamptz, $3, $3, $3::timestamptz + interval '90 s', 60,
    180, 1
FROM generate_series(0, $1::int - 1) AS n
"""
NEW = 50


async def _pages(connection: Connection, statement: str, *arguments: object) -> int:
    """How many pages a statement looks at, once what is read only once has been read; it is undone."""
    found = 0
    for _ in range(2):
        await connection.execute("SAVEPOINT trial")
        (plan,) = json.loads(
            await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *arguments)
        )
        found = int(plan["Plan"]["Shared Hit Blocks"]) + int(plan["Plan"]["Shared Read Blocks"])
        await connection.execute("ROLLBACK TO trial")
    return found


async def _costs(
    database: Database, admin: asyncpg.Connection, lane: int, *, old: int, devices: int
) -> list[int]:
    """Pages for `NEW` events of many devices, after `old` ones in the same hour: usage, status, outlook."""
    await admin.execute(MAKE_DEVICES, devices)
    await admin.execute(MAKE_STATUS, devices, lane, NOON)
    await admin.execute(MAKE_EVENTS, lane, 1, old + NEW, devices, NOON)
    await admin.execute("UPDATE bypunkt.lane SET head = $2 WHERE lane = $1", lane, old + NEW)
    for reading in ("usage", "status"):
        await admin.execute("INSERT INTO bypunkt.reading_cursor VALUES ($1, $2, $3)", reading, lane, old)
    await admin.execute("VACUUM ANALYZE")
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        await connection.fetchrow(log.hold_cursor, "usage", lane)
        if old:
            assert await connection.fetch(usage.add, lane, 0, old) == []
        return [
            await _pages(connection, usage.add, lane, old, old + NEW),
            await _pages(connection, happenings.add, lane, old, old + NEW),
            await _pages(connection, moving.move_on, lane, old, old + NEW, NOON, 2),
            await _pages(connection, status.outlook, lane, old, 1000),
        ]


@pytest.mark.parametrize(("old", "devices"), [(20_000, 10), (2000, 18_000)])
async def test_a_batch_costs_no_more_in_a_full_hour_or_a_large_lane(
    database_url: str, admin_url: str, old: int, devices: int
) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        admin = await asyncpg.connect(admin_url)
        try:
            costs = await _costs(database, admin, lane, old=old, devices=devices)
        finally:
            await admin.close()
    # A row is found by its key (three or four pages) and changed; the events themselves stand side by side.
    assert max(costs) < 25 * NEW, costs
