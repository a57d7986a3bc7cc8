"""The reading on a real database: what it shows, whom it tells, and what it leaves alone."""

from collections.abc import AsyncIterator

import pytest

from services.log.follow import Place
from services.status import outlook, tables
from services.status.cases import Key
from services.status.models import SignKind
from services.status.moments import millis
from services.status.reading import CANARY_WAIT
from services.storage.database import Lane, Role
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, beat, lane_under_test, moment, status
from tests.support import eventually

OTHER = "hs-lidhult-2"


@pytest.fixture
async def lane(database_url: str, admin_url: str) -> AsyncIterator[LaneUnderTest]:
    async with lane_under_test(database_url, admin_url) as under_test:
        yield under_test


async def at(lane: LaneUnderTest, now_s: float, *, canary_s: float | None = None) -> None:
    """Let time pass; we see since long ago until the canary."""
    lane.now = int(now_s * 1000)
    await lane.see(-600_000, int((now_s if canary_s is None else canary_s) * 1000))


async def test_a_device_never_heard_is_blind_and_has_no_row(lane: LaneUnderTest) -> None:
    await at(lane, 0)
    await lane.step()
    assert await lane.state() == ("blind", "never_seen")
    assert await lane.history() == []


async def test_a_device_goes_up_late_and_down_backdated(lane: LaneUnderTest) -> None:
    await at(lane, 0)
    await lane.hear(beat(0))
    assert await lane.state() == ("up", "heard")
    await at(lane, 15)
    step = await lane.step()
    assert await lane.state() == ("degraded", "late")
    assert step.wake_at == moment(30_001)
    await at(lane, 31)
    await lane.step()
    assert await lane.state() == ("down", "silent")
    assert await lane.history() == [(0, "silent")]
    assert await lane.differences() == []


async def test_a_deadline_waits_for_the_canary_that_proves_it(lane: LaneUnderTest) -> None:
    await at(lane, 0)
    await lane.hear(beat(0))
    await at(lane, 35, canary_s=29)
    step = await lane.step()
    assert await lane.state() == ("degraded", "late")
    assert step.wake_at == moment(35_000) + CANARY_WAIT
    await at(lane, 36)
    await lane.step()
    assert await lane.state() == ("down", "silent")


async def test_when_canaries_stay_away_everything_is_blind_from_the_last_one(lane: LaneUnderTest) -> None:
    await at(lane, 5)
    await lane.hear(beat(0), beat(5))
    await lane.hear(beat(4), device=OTHER)
    lane.now = 20_000
    step = await lane.step()
    assert await lane.state() == ("degraded", "late") or await lane.state() == ("up", "heard")
    assert step.wake_at == moment(20_001)
    lane.now = 20_001
    await lane.step()
    for device in (DEVICE, OTHER):
        assert await lane.state(device) == ("blind", "not_watched")
    assert (await lane.history())[-1] == (5, "not_watched")
    assert await lane.differences() == []


async def test_a_clean_stop_of_the_broker_takes_nobody_down(lane: LaneUnderTest) -> None:
    await at(lane, 8)
    for device in (DEVICE, OTHER):
        await lane.hear(status(SignKind.BIRTH, 0, boot="b", conn="c"), beat(7), device=device)
    lane.now = 10_000
    for device in (DEVICE, OTHER):
        await lane.hear(status(SignKind.OFFLINE, 9.5, boot="b", conn="c"), device=device)
        assert await lane.state(device) == ("up", "heard")
    await lane.see(-600_000, 8_000, closed=True)
    await lane.step()
    lane.now = 300_000
    await lane.step()
    for device in (DEVICE, OTHER):
        assert await lane.history(device) == [(0, "heard"), (8, "not_watched")]
    assert await lane.differences() == []


async def test_a_will_takes_effect_after_five_proven_seconds_and_a_birth_ends_it(lane: LaneUnderTest) -> None:
    await at(lane, 10)
    await lane.hear(status(SignKind.BIRTH, 0, boot="b", conn="c1"), beat(10))
    await at(lane, 13)
    await lane.hear(status(SignKind.OFFLINE, 12, boot="b", conn="c1"))
    assert await lane.state() == ("up", "heard")
    await at(lane, 17)
    await lane.step()
    assert await lane.history() == [(0, "heard"), (12, "offline")]
    await at(lane, 20)
    await lane.hear(status(SignKind.BIRTH, 20, boot="b", conn="c2"))
    assert await lane.history() == [(0, "heard"), (12, "offline"), (20, "heard")]
    await lane.hear(status(SignKind.OFFLINE, 20, boot="b", conn="c1"))
    await at(lane, 28)
    await lane.step()
    assert await lane.state() == ("up", "heard")
    assert await lane.differences() == []


async def test_a_late_batch_explains_silence_as_a_lost_uplink(lane: LaneUnderTest) -> None:
    await at(lane, 0)
    await lane.hear(beat(0))
    await at(lane, 200)
    await lane.step()
    assert await lane.history() == [(0, "silent")]
    await lane.hear(*(beat(second, received_s=200) for second in range(10, 140, 10)), beat(200))
    assert await lane.history() == [(0, "uplink_lost"), (130, "silent"), (200, "heard")]
    assert await lane.differences() == []


async def test_heartbeats_of_many_devices_move_last_seen_and_raise_one_revision(lane: LaneUnderTest) -> None:
    await at(lane, 1)
    await lane.store([(DEVICE, beat(0)), (OTHER, beat(1))])
    await lane.step()
    await at(lane, 11)
    await lane.store([(DEVICE, beat(10)), (OTHER, beat(11)), (DEVICE, beat(5))])
    await lane.step()
    rows = await lane.admin.fetch(
        "SELECT device, last_sign_at, revision FROM bypunkt.device_status ORDER BY device"
    )
    assert [tuple(row) for row in rows] == [(DEVICE, moment(10_000), 2), (OTHER, moment(11_000), 2)]
    assert await lane.differences() == []


async def test_a_change_is_announced_with_lane_and_revision_and_silence_is_not(lane: LaneUnderTest) -> None:
    heard: list[str] = []
    await lane.admin.add_listener("bypunkt_status", lambda *notice: heard.append(notice[-1]))
    await at(lane, 0)
    await lane.hear(beat(0))
    await at(lane, 5)
    await lane.step()
    await lane.hear(beat(5))
    await eventually(lambda: len(heard) == 2)
    assert heard == [f"{lane.number}:1", f"{lane.number}:2"]


async def test_another_expectation_judges_the_whole_history_again(lane: LaneUnderTest) -> None:
    await at(lane, 40)
    await lane.hear(beat(0), beat(25), beat(40))
    assert await lane.history() == [(0, "heard"), (15, "late"), (25, "heard")]
    await lane.expect(5, 12)
    await lane.step()
    assert await lane.history() == [(0, "silent"), (25, "heard"), (32.5, "late"), (40, "heard")]
    assert await lane.differences() == []


async def test_a_device_out_of_service_is_left_as_it_was_until_it_comes_back(lane: LaneUnderTest) -> None:
    await at(lane, 0)
    await lane.hear(beat(0))
    await lane.admin.execute("UPDATE bypunkt.device SET lifecycle = 'suspended'")
    await at(lane, 100)
    await lane.step()
    lane.now = 150_000
    await lane.step()
    await lane.rebuild()
    assert await lane.history() == [(0, "heard")]
    await lane.admin.execute("UPDATE bypunkt.device SET lifecycle = 'active'")
    await lane.step()
    assert await lane.history() == [(0, "silent"), (100, "not_watched")]
    assert await lane.differences() == []


async def test_a_reading_that_lags_behind_the_log_takes_nobody_down(lane: LaneUnderTest) -> None:
    """An hour to catch up on: the first batch must not make the rest look like silence."""
    await at(lane, 3600)
    await lane.store((DEVICE, beat(second)) for second in range(0, 3600, 3))
    step = await lane.step()
    assert (step.events, step.wake_at) == (1000, moment(3_600_000))
    assert await lane.history() == [(0, "heard")]
    assert await lane.differences() == []
    await lane.step()
    assert await lane.history() == [(0, "heard")]
    assert await lane.state() == ("up", "heard")


async def test_verify_names_what_differs_and_rebuild_mends_it(lane: LaneUnderTest) -> None:
    await at(lane, 40)
    await lane.hear(beat(0), beat(25), beat(40))
    await lane.admin.execute("UPDATE bypunkt.device_status SET state = 'down', reason = 'silent'")
    await lane.admin.execute("UPDATE bypunkt.status_interval SET reason = 'silent' WHERE ends_at IS NULL")
    differences = await lane.differences()
    assert len(differences) == 3  # the status, the intervals, and an interval that contradicts itself
    assert all(f"{HOME} {DEVICE}" in line for line in differences)
    before = await lane.tables()
    await lane.rebuild()
    assert await lane.differences() == []
    assert await lane.tables() != before


async def test_a_rebuild_by_a_clock_that_is_behind_judges_nothing_as_of_earlier(lane: LaneUnderTest) -> None:
    await at(lane, 40)
    await lane.hear(beat(0))
    before = await lane.tables()
    lane.now = 10_000
    await lane.rebuild()
    assert await lane.tables() == before
    assert await lane.admin.fetchval("SELECT as_of FROM bypunkt.status_lane") == moment(40_000)
    assert await lane.differences() == []


async def test_a_lane_without_a_log_is_left_in_peace(lane: LaneUnderTest) -> None:
    lane.now = 1000
    assert (await lane.step()).wake_at is None
    assert await lane.differences() == []
    await lane.rebuild()
    assert await lane.tables() == [[], []]


async def test_a_lane_that_lags_is_judged_as_of_what_was_read(lane: LaneUnderTest) -> None:
    await at(lane, 100)
    await lane.store([(DEVICE, beat(10)), (DEVICE, beat(20))])
    async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
        behind = await outlook.look_out(connection, Place(lane.number, 0, 0, limit=1), now=moment(100_000))
        abreast = await outlook.look_out(connection, Place(lane.number, 0, 0, limit=9), now=moment(100_000))
    noon = millis(moment(0))
    assert behind is not None
    assert abreast is not None
    assert (behind.lagging, abreast.lagging) == (True, False)
    assert (behind.place.upto, abreast.place.upto) == (1, 2)
    assert behind.known.as_of == noon + 10_000
    assert abreast.known.as_of == noon + 100_000


async def test_an_anchor_is_a_timely_heartbeat_with_the_birth_before_it(lane: LaneUnderTest) -> None:
    await lane.store(
        [
            (DEVICE, status(SignKind.BIRTH, 5, boot="b", conn="c1")),
            (DEVICE, beat(10)),
            (DEVICE, beat(20, received_s=90)),
            (DEVICE, status(SignKind.BIRTH, 30, boot="b", conn="c2")),
        ]
    )
    key, noon = Key(HOME, DEVICE), millis(moment(0))
    async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
        before = {key: noon + 60_000, Key(HOME, OTHER): noon}
        found = await tables.anchors(connection, before, position=10)
        none = await tables.anchors(connection, before, position=1)
    assert {key: (at - noon, carry.conn) for key, (at, carry) in found.items()} == {key: (10_000, "c1")}
    assert {key: at - noon for key, (at, _) in none.items()} == {key: 5_000}
