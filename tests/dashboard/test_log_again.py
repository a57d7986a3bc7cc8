"""Intervals made again from the log: those of the days that are asked for; what lies before is as it is stored."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

import pytest_asyncio

from dashboard.log_again import as_stored, judged_again
from services.availability.explain import FromLog
from services.availability.past import Measured
from services.availability.standing import Key
from services.status.models import Sign, SignKind
from services.storage.database import Role, Tenants
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, lane_under_test

HOUR = 3_600_000
# Noon in UTC is two in the afternoon in Sweden, so this day begins ten hours later.
SECOND_DAY = date(2026, 9, 17)
SILENT = (4, 5, 15, 16, 17)


@pytest_asyncio.fixture(loop_scope="session")
async def lane(database_url: str, admin_url: str) -> AsyncIterator[LaneUnderTest]:
    """A device heard every hour of a day but for two silences, one on each side of midnight."""
    async with lane_under_test(database_url, admin_url) as running:
        await running.expect(3600, 5400)
        await running.see(-HOUR, 24 * HOUR)
        for hour in range(24):
            running.now = hour * HOUR + 1000
            if hour not in SILENT:
                await running.hear(Sign(hour * HOUR, hour * HOUR, SignKind.HEARTBEAT))
            else:
                await running.step()
        yield running


async def intervals(lane: LaneUnderTest, log: FromLog) -> Sequence[Measured]:
    async with lane.database.transaction(Role.WEB, Tenants((HOME,))) as connection:
        return (await log(connection, [Key(HOME, DEVICE)]))[Key(HOME, DEVICE)]


async def test_log_gives_what_is_stored(lane: LaneUnderTest) -> None:
    stored = await intervals(lane, as_stored())
    assert [each.reason for each in stored].count("silent") == 2
    assert await intervals(lane, judged_again(lane.number, SECOND_DAY)) == stored
    assert await intervals(lane, judged_again(lane.number, date(2026, 9, 1))) == stored


async def test_what_was_changed_in_the_table_is_told_from_the_day_on_that_is_asked_for(
    lane: LaneUnderTest,
) -> None:
    stored = await intervals(lane, as_stored())
    await lane.admin.execute(
        "UPDATE bypunkt.status_interval SET reason = 'offline' WHERE reason = 'silent' AND device = $1",
        DEVICE,
    )
    changed = await intervals(lane, as_stored())
    assert [each.reason for each in changed].count("offline") == 2
    again = await intervals(lane, judged_again(lane.number, SECOND_DAY))
    assert [each.reason for each in again if each.state == "down"] == ["offline", "silent"]
    assert await intervals(lane, judged_again(lane.number, date(2026, 9, 16))) == stored


async def test_device_without_a_word_in_the_log_stays_as_stored(lane: LaneUnderTest) -> None:
    await lane.admin.execute("DELETE FROM bypunkt.status_interval WHERE device = 'hs-lidhult-2'")
    async with lane.database.transaction(Role.WEB, Tenants((HOME,))) as connection:
        found = await judged_again(lane.number, SECOND_DAY)(connection, [Key(HOME, "hs-lidhult-2")])
    assert not found.get(Key(HOME, "hs-lidhult-2"))
