"""What other rooms are told of a device's state: by their own rights, and only as long as somebody judges."""

from datetime import timedelta

import asyncpg
import pytest

from services.runtime.clock import now
from services.status.store import device_states, lane_shown, shown_in_lane
from services.storage.database import Database, Lane, Role, Tenants
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, beat, lane_under_test

CAUGHT_UP = "UPDATE bypunkt.reading_cursor SET caught_up_at = $1"


async def shown(database: Database, *municipalities: str) -> dict[str, asyncpg.Record]:
    async with database.transaction(Role.WEB, Tenants(municipalities)) as connection:
        return {row["device"]: row for row in await device_states(connection, None)}


@pytest.mark.parametrize(("age_s", "state", "reason"), [(20, "up", "heard"), (31, "blind", "not_watched")])
async def test_a_state_that_nobody_judges_any_more_is_not_known(
    database_url: str, admin_url: str, age_s: int, state: str, reason: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        await heard_once(lane)
        caught_up_at = now() - timedelta(seconds=age_s)
        await lane.admin.execute(CAUGHT_UP, caught_up_at)
        row = (await shown(lane.database, HOME))[DEVICE]
        assert (row["state"], row["reason"]) == (state, reason)
        assert (row["since"] == caught_up_at) is (state == "blind")
        public = await lane.admin.fetch(
            "SELECT state, reason, since FROM bypunkt.public_device_state WHERE last_sign_at IS NOT NULL"
        )
        assert [tuple(one) for one in public] == [(state, reason, row["since"])]


async def test_never_heard_stays_never_heard_and_others_devices_stay_theirs(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        await heard_once(lane)
        await lane.admin.execute(CAUGHT_UP, now() - timedelta(hours=1))
        ours = await shown(lane.database, HOME)
        assert (ours["hs-lidhult-2"]["reason"], ours["hs-lidhult-2"]["since"]) == ("never_seen", None)
        assert set(ours) == {DEVICE, "hs-lidhult-2"}
        assert set(await shown(lane.database, "0583")) == {"hs-fornasa-1"}


async def test_only_what_has_changed_is_told_again_however_often_a_device_is_heard(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        await heard_once(lane)
        first = await told(lane, after=0)
        lane.now = 14_000
        await lane.see(-600_000, 14_000)
        await lane.hear(beat(14))
        assert (first, await told(lane, after=1)) == ([DEVICE], [])
        assert await lane.admin.fetchval("SELECT revision FROM bypunkt.device_status") == 2
        lane.now = 40_000
        await lane.see(-600_000, 40_000)
        await lane.step()
        assert await told(lane, after=2) == [DEVICE]
        assert len(await told(lane, after=None)) == 2


async def told(lane: LaneUnderTest, *, after: int | None) -> list[str]:
    async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
        assert (await lane_shown(connection, lane.number)).revision >= (after or 0)
        rows = await shown_in_lane(connection, lane.number, after=after)
    return [row["device"] for row in rows]


async def heard_once(lane: LaneUnderTest) -> None:
    await lane.see(-600_000, 0)
    await lane.hear(beat(0))
