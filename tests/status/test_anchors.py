"""Judging a device reads what is new: a long history costs no more than a short one."""

import json

import pytest

from services.status.store import queries
from services.storage.database import Lane, Role
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, lane_under_test, moment

MAKE_HISTORY = """
INSERT INTO bypunkt.event (municipality, device, at, id, retention, lane, position, type, received_at, data)
SELECT $1, $2, t.at, 'n' || t.n, 'standard', $3, t.n, $4, t.at, $5
FROM (SELECT n, $6::timestamptz - n * interval '30 s' AS at FROM generate_series($7::int, $8) AS n) AS t
"""


async def pages_read(lane: LaneUnderTest) -> int:
    """How many pages of the database it takes to find the device's anchor."""
    await lane.admin.execute("ANALYZE bypunkt.event")
    async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
        arguments = ([HOME], [DEVICE], [moment(0)], 10**9)
        await connection.fetch(queries.anchors, *arguments)  # what is read only once, as the catalogue
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queries.anchors}"
        (plan,) = json.loads(await connection.fetchval(explain, *arguments))
    return int(plan["Plan"]["Shared Hit Blocks"]) + int(plan["Plan"]["Shared Read Blocks"])


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("device.heartbeat", "{}"),
        ("kiosk.view", "{}"),
        ("device.status", '{"state": "online"}'),
    ],
)
async def test_finding_an_anchor_costs_no_more_in_a_long_history(
    database_url: str, admin_url: str, event_type: str, data: str
) -> None:
    """A device that only beats has no births to find, one that never beats no heartbeats."""
    async with lane_under_test(database_url, admin_url) as lane:
        history = (HOME, DEVICE, lane.number, event_type, data, moment(0))
        await lane.admin.execute(MAKE_HISTORY, *history, 1, 300)
        short = await pages_read(lane)
        await lane.admin.execute(MAKE_HISTORY, *history, 301, 30_000)
        long = await pages_read(lane)
    assert long < short + 100, (short, long)
