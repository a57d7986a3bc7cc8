"""States from before the log's beginning stay as they were judged; what came after is made again and compared."""

from collections.abc import AsyncIterator

import pytest

from services.status.models import SignKind
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, beat, lane_under_test, moment, status

OTHER = "hs-lidhult-2"
DAY_S = 86_400
HORIZON_S = DAY_S // 2
# Seconds after noon of heartbeats: before the horizon, around it, in the day after it, and later.
TIMES = (
    0,
    5,
    HORIZON_S - 4,
    HORIZON_S + 4,
    HORIZON_S + 9,
    HORIZON_S + DAY_S - 3,
    HORIZON_S + DAY_S + 6,
    2 * DAY_S,
)


@pytest.fixture
async def lane(database_url: str, admin_url: str) -> AsyncIterator[LaneUnderTest]:
    async with lane_under_test(database_url, admin_url) as under_test:
        yield under_test


async def let_go(lane: LaneUnderTest) -> None:
    """Take away what happened before the horizon."""
    horizon = moment(HORIZON_S * 1000)
    await lane.admin.execute("DELETE FROM bypunkt.event WHERE at < $1", horizon)
    await lane.admin.execute("INSERT INTO bypunkt.log_horizon VALUES ($1, 'standard', $2)", HOME, horizon)


async def test_history_stays_and_the_rest_is_made_again(lane: LaneUnderTest) -> None:
    await lane.hear(status(SignKind.BIRTH, 1), device=OTHER)
    for second in TIMES:
        lane.now = second * 1000 + 1000
        await lane.see(-600_000, lane.now)
        await lane.hear(beat(second))
    before, others = await lane.history(), await lane.history(OTHER)
    assert len(before) > 6
    assert await lane.differences() == []
    await let_go(lane)
    assert await lane.differences() == []
    await lane.rebuild()
    assert (await lane.history(), await lane.history(OTHER)) == (before, others)
    assert await lane.differences() == []
    await lane.admin.execute(
        "UPDATE bypunkt.status_interval SET reason = 'late', state = 'degraded'"
        " WHERE device = $1 AND starts_at > $2 AND reason = 'silent'", DEVICE, moment((HORIZON_S + DAY_S) * 1000),
    )  # fmt: skip
    assert await lane.differences() != []
    await lane.rebuild()
    assert await lane.history() == before
