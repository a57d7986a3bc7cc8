"""Whatever changes a day that is over leaves a note of it, and what only concerns today leaves none."""

from datetime import UTC, datetime, timedelta

import asyncpg

from services.tenants.wallclock import midnight, milliseconds, swedish
from tests.availability.counting import DEVICE, HOME, OTHER, POINT, counting

HOUR = 3_600_000
NOTES = """
SELECT coalesce(device, point) AS name, from_at, nullif(until_at, 'infinity') AS until_at
FROM bypunkt.availability_touched ORDER BY id
"""


def last_midnight() -> int:
    """When today began, for the database's own clock."""
    return midnight(swedish(milliseconds(datetime.now(UTC))).date())


async def noted(admin: asyncpg.Connection) -> list[tuple[str | None, int, int | None]]:
    """What was noted since this was asked last: whose, from when and until when (None: for ever)."""
    rows = await admin.fetch(NOTES)
    await admin.execute("TRUNCATE bypunkt.availability_touched")
    return [
        (row["name"], milliseconds(row["from_at"]), row["until_at"] and milliseconds(row["until_at"]))
        for row in rows
    ]


async def test_intervals_note_what_changed_before_today(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        today = last_midnight()
        yesterday = today - 30 * HOUR
        await lane.add(DEVICE, [(yesterday, None, "heard")])
        await lane.add(OTHER, [(today, None, "heard")])
        assert await noted(lane.admin) == [(DEVICE, yesterday, None)]
        change = "UPDATE bypunkt.status_interval SET ends_at = $1 WHERE device = $2"
        await lane.admin.execute(change, stamp(today + 5), DEVICE)
        await lane.admin.execute(change, stamp(today + 9), OTHER)
        assert await noted(lane.admin) == []
        await lane.admin.execute(change, stamp(today - HOUR), DEVICE)
        assert await noted(lane.admin) == [(DEVICE, today - HOUR, today + 5)]
        await lane.admin.execute("UPDATE bypunkt.status_interval SET reason = 'late', state = 'degraded'")
        assert await noted(lane.admin) == [(DEVICE, yesterday, today - HOUR)]
        await lane.admin.execute("UPDATE bypunkt.status_interval SET reason = 'late', state = 'degraded'")
        assert await noted(lane.admin) == []
        await lane.admin.execute("DELETE FROM bypunkt.status_interval")
        assert await noted(lane.admin) == [(DEVICE, yesterday, today - HOUR)]


def stamp(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)


async def test_the_registry_keeps_what_it_said_and_notes_from_when_it_says_otherwise(
    database_url: str, admin_url: str
) -> None:
    async with counting(database_url, admin_url) as lane:
        admin = lane.admin
        assert await noted(admin) == []
        began = milliseconds(await admin.fetchval("SELECT now()"))
        await admin.execute("UPDATE bypunkt.device SET point = NULL WHERE id = $1", DEVICE)
        await admin.execute("UPDATE bypunkt.device SET expected_interval_s = 30 WHERE id = $1", OTHER)
        await admin.execute("UPDATE bypunkt.device SET lifecycle = 'suspended' WHERE id = $1", OTHER)
        await admin.execute(
            "UPDATE bypunkt.service_point SET opening_hours = 'Mo 10:00-12:00' WHERE id = $1", POINT
        )
        await admin.execute("UPDATE bypunkt.service_point SET names = '{}' WHERE id = $1", POINT)
        notes = await noted(admin)
        assert [(name, until) for name, _, until in notes] == [(DEVICE, None), (OTHER, None), (POINT, None)]
        assert all(began <= since <= began + HOUR for _, since, _ in notes)
        placed = await admin.fetch(
            "SELECT device, point, in_service FROM bypunkt.placement WHERE municipality = $1 ORDER BY device, since",
            HOME,
        )
        assert [tuple(row) for row in placed] == [
            (DEVICE, POINT, True), (DEVICE, None, True), (OTHER, POINT, True), (OTHER, POINT, False),
        ]  # fmt: skip
        hours = await admin.fetch(
            "SELECT opening_hours, since = '-infinity' FROM bypunkt.point_hours WHERE point = $1 ORDER BY since",
            POINT,
        )
        assert [tuple(row) for row in hours] == [("24/7", True), ("Mo 10:00-12:00", False)]
