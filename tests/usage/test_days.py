"""A lane's days are looked at once a minute; what is left waits until all that has come is read."""

from datetime import date, timedelta

import asyncpg
import pytest

from services.storage.database import Lane, Role
from services.usage import days
from services.usage.days import Looks, settle
from tests.support.villages import NOON, lane_of, villages
from tests.usage.counted import DAY, local, sessions

SECOND = timedelta(seconds=1)


def test_a_lane_is_looked_at_first_at_once_and_then_every_minute() -> None:
    looks = Looks()
    assert looks.due(3, NOON, abreast=False)
    looks.looked(3, NOON, left=False)
    assert not looks.due(3, NOON + 59 * SECOND, abreast=True)
    assert looks.due(3, NOON + 60 * SECOND, abreast=False)
    assert looks.due(4, NOON, abreast=False)
    # A clock that was set back must not stop it.
    assert looks.due(3, NOON - SECOND, abreast=False)


def test_what_is_left_is_gone_on_with_when_nothing_waits_to_be_read() -> None:
    looks = Looks()
    looks.looked(3, NOON, left=True)
    assert looks.due(3, NOON + SECOND, abreast=True)
    assert not looks.due(3, NOON + SECOND, abreast=False)
    looks.looked(3, NOON + SECOND, left=False)
    assert not looks.due(3, NOON + 2 * SECOND, abreast=True)


async def test_days_are_counted_some_at_a_time(
    database_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, today = date(2026, 3, 1), date(2026, 4, 1)
    monkeypatch.setattr(days, "AT_A_TIME", 20)
    admin = await asyncpg.connect(admin_url)
    try:
        async with villages(database_url) as database:
            lane = await lane_of(database, "0781")
            await sessions(admin, "hs-lidhult-1", ((first + number * DAY, 6) for number in range(31)))
            async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                assert await settle(connection, lane, local(today, 1))
                assert not await settle(connection, lane, local(today, 1))
        assert await admin.fetchval("SELECT count(*) FROM bypunkt.usage_day") == 31
        assert await admin.fetchval("SELECT sessions FROM bypunkt.usage_month") == 186
    finally:
        await admin.close()
