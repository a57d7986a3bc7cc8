"""A past in the log: each event once, and the readings show what befell whom, to within one interval."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

import asyncpg
import pytest

from config.app import READINGS
from gateway.simulator.device import SimulatedDevice
from gateway.simulator.history import Past, Trouble, TroubleKind
from gateway.simulator.history_writing import HistoryRefused, HistoryWriter, Written, sights
from services.log.follow import Follower, LaneSignals, verify_lane
from services.log.store import Sight, close_sight, record_sight
from services.storage.database import Database, Lane, Role, Tenants
from services.tenants.devices import move
from tests.support.villages import add, heartbeat, lane_of, villages
from tests.support.waiting import eventually

UNTIL = datetime(2026, 9, 16, 12, tzinfo=UTC)
DAYS = 25
INTERVAL = timedelta(seconds=900)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
DEVICES = tuple(
    SimulatedDevice(municipality=home, id=name, kind="hotspot", point=point, expected_interval_s=900)
    for name, home, point in (
        ("hs-fornasa-1", "0583", "sp-fornasa"),
        ("hs-lidhult-1", "0781", "dp-lidhult"),
        ("hs-lidhult-2", "0781", "dp-lidhult"),
    )
)


def now() -> datetime:
    return UNTIL + timedelta(hours=3)


def past(seed: int = 1, *, days: int = DAYS, devices: Sequence[SimulatedDevice] = DEVICES) -> Past:
    return Past.before(UNTIL, devices, seed=seed, days=days)


async def write(database: Database, whole: Past, *, until: datetime = UNTIL) -> Written:
    writer = HistoryWriter(database, whole, until=until)
    await writer.examine()
    return await writer.write(READINGS, clock=now)


@asynccontextmanager
async def installation(url: str) -> AsyncIterator[Database]:
    async with villages(url, at=UNTIL, expected_interval_s=900) as database:
        yield database


class Interval(NamedTuple):
    """A row of `status_interval`."""

    starts_at: datetime
    ends_at: datetime
    state: str
    reason: str


async def intervals(admin_url: str, device: str) -> list[Interval]:
    admin = await asyncpg.connect(admin_url)
    try:
        rows = await admin.fetch(
            "SELECT starts_at, coalesce(ends_at, $2) AS ends_at, state, reason FROM bypunkt.status_interval "
            "WHERE device = $1 ORDER BY starts_at",
            device,
            now(),
        )
    finally:
        await admin.close()
    return [Interval(**row) for row in rows]


async def test_the_readings_show_what_befell_whom(database_url: str, admin_url: str) -> None:
    whole = _eventful()
    async with installation(database_url) as database:
        written = await write(database, whole)
        assert written.new == written.events > 10_000
        assert written.until == UNTIL
        for municipality in ("0583", "0781"):
            for reading in READINGS:
                assert await verify_lane(database, reading, await lane_of(database, municipality)) == []
    for device in DEVICES:
        found = await intervals(admin_url, device.id)
        troubles = _befell(whole, device)
        for trouble in troubles:
            _shows(found, trouble)
        excused = [*whole.blind, *((one.starts_at, one.ends_at) for one in troubles), (UNTIL, now())]
        for one in found:
            assert one.reason == "heard" or any(
                began - INTERVAL <= one.starts_at and one.ends_at <= ended + INTERVAL
                for began, ended in excused
            ), one
        for began, ended in whole.blind:
            there = [one for one in found if one.starts_at < ended - SECOND and began + SECOND < one.ends_at]
            assert {one.state for one in there} == {"blind"}


def _eventful() -> Past:
    """A past in which everything happens to these devices, and nothing of it while we are blind."""
    return next(whole for whole in map(past, range(1_000)) if _is_eventful(whole))


def _is_eventful(whole: Past) -> bool:
    kinds: set[TroubleKind] = set()
    for device in DEVICES:
        for trouble in _befell(whole, device):
            if any(
                _meet(trouble.starts_at - DAY, trouble.ends_at + DAY, *stretch) for stretch in whole.blind
            ):
                return False
            if trouble.ends_at - trouble.starts_at > 2 * INTERVAL or trouble.kind is TroubleKind.UPDATE:
                kinds.add(trouble.kind)
    return kinds == set(TroubleKind)


def _befell(whole: Past, device: SimulatedDevice) -> list[Trouble]:
    return list(takewhile(lambda one: one.starts_at < UNTIL, whole.troubles(device)))


def _shows(found: Sequence[Interval], trouble: Trouble) -> None:
    """Assert that a device was away as long as it was, for a reason that there is for it, to within an interval."""
    away = [
        one
        for one in found
        if one.reason != "heard" and _meet(one.starts_at, one.ends_at, trouble.starts_at, trouble.ends_at)
    ]
    if trouble.ends_at - trouble.starts_at < 50 * SECOND and not away:
        return  # nobody noticed: the broker waits for 45 s
    assert abs(away[0].starts_at - trouble.starts_at) <= INTERVAL, trouble
    assert abs(away[-1].ends_at - trouble.ends_at) <= INTERVAL, trouble
    assert {one.reason for one in away} <= _REASONS[trouble.kind], trouble
    if trouble.of_the_uplink and trouble.ends_at - trouble.starts_at > 2 * INTERVAL:
        assert away[-1].reason == "uplink_lost", trouble


_REASONS = {
    TroubleKind.POWER_CUT: {"offline"},
    TroubleKind.UPLINK_LOST: {"offline", "uplink_lost"},
    TroubleKind.UPLINK_SILENT: {"offline", "uplink_lost"},
    TroubleKind.UPDATE: {"restarting"},
}


def _meet(starts_at: datetime, ends_at: datetime, began: datetime, ended: datetime) -> bool:
    return starts_at < ended and began < ends_at


async def test_the_cut_off_week_worked_without_internet(database_url: str, admin_url: str) -> None:
    whole = past()
    assert whole.cut_off is not None
    place, week = whole.cut_off
    async with installation(database_url) as database:
        await write(database, whole)
    for device in DEVICES:
        found = await intervals(admin_url, device.id)
        lost = [
            one
            for one in found
            if one.reason == "uplink_lost" and one.ends_at - one.starts_at > timedelta(days=6)
        ]
        assert len(lost) == (device.place == place)
        for one in lost:
            assert week.starts_at <= one.starts_at <= week.starts_at + INTERVAL
            assert week.ends_at - INTERVAL <= one.ends_at <= week.ends_at + INTERVAL


async def test_once_more_adds_nothing_and_what_was_broken_off_goes_on(database_url: str) -> None:
    async with installation(database_url) as database:
        writer = HistoryWriter(database, past(), until=UNTIL)
        await writer.examine()
        broken_off = asyncio.create_task(writer.write(READINGS, clock=now))
        await eventually(lambda: writer.written.new >= 4_000, within=60)
        broken_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await broken_off
        rest = await write(database, past())
        assert rest.events - 7_000 < rest.new < rest.events - 3_000
        for again_until in (UNTIL, UNTIL + timedelta(hours=1)):  # an hour later it ends where it ended
            again = await write(database, past(), until=again_until)
            assert (again.until, again.events, again.new) == (UNTIL, rest.events, 0)


async def test_two_pasts_are_never_mixed(database_url: str) -> None:
    async with installation(database_url) as database:
        await write(database, past(days=3))
        slower = tuple(replace(device, expected_interval_s=901) for device in DEVICES)
        for other in (past(2, days=3), past(days=2), past(days=3, devices=slower)):
            with pytest.raises(HistoryRefused, match=r"two pasts are never mixed|were watched before"):
                await write(database, other)


async def test_what_a_device_really_told_is_not_touched(database_url: str) -> None:
    async with installation(database_url) as database:
        await add(database, heartbeat(1, at=UNTIL - timedelta(days=2)))
        with pytest.raises(
            HistoryRefused, match=r"hs-lidhult-1: the log has other events between 2026-09-1\d"
        ):
            await write(database, past(days=3))
        assert (await write(database, past(days=3, devices=DEVICES[:1]))).new > 0  # in another lane


async def test_it_ends_where_what_we_saw_begins(database_url: str) -> None:
    live = UNTIL - timedelta(hours=30)
    async with installation(database_url) as database:
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await record_sight(connection, lane, Sight(live, UNTIL))
        await close_sight(database, lane, live)
        assert (await write(database, past(days=3))).until == live
        with pytest.raises(HistoryRefused, match="watched before 2026-09-15"):
            await write(database, past(3, days=1))


async def test_what_is_live_goes_on_from_there(database_url: str, admin_url: str) -> None:
    begins_at = UNTIL + timedelta(seconds=5)
    async with installation(database_url) as database:
        await write(database, past(days=2))
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await record_sight(connection, lane, Sight(begins_at, now()))
        await add(database, *(heartbeat(number, at=begins_at + number * INTERVAL) for number in range(12)))
        for reading in READINGS:
            follower = Follower(database, reading, lane, clock=now, signals=LaneSignals())
            while not (await follower.step()).abreast:
                pass
            assert await verify_lane(database, reading, lane) == []
    last = (await intervals(admin_url, "hs-lidhult-1"))[-1]
    assert (last.starts_at < UNTIL, last.ends_at, last.reason) == (True, now(), "heard")


async def test_what_the_log_would_refuse_is_said(database_url: str) -> None:
    async with installation(database_url) as database:
        with pytest.raises(HistoryRefused, match="no clock counts as set before 2024"):
            await write(database, past(days=1_000))
        async with database.transaction(Role.WEB, Tenants(("0583", "0781"))) as connection:
            await move(connection, "hs-fornasa-1", "suspended")
        with pytest.raises(ExceptionGroup) as failed:
            await write(database, past(days=2))
        assert "hs-fornasa-1: the log refuses what it tells (device_suspended" in str(
            failed.value.exceptions[0]
        )


def test_we_saw_all_the_time_but_for_the_blind_stretches() -> None:
    whole = past(days=400)
    seen = list(sights(whole, until=UNTIL))
    edges = [edge for one in seen for edge in one]
    assert (edges[0], edges[-1]) == (whole.since, UNTIL)
    assert [(a, b) for a, b in zip(edges[1:-1:2], edges[2:-1:2], strict=True)] == [*whole.blind]
    middle = whole.blind[1].starts_at + timedelta(hours=1)
    assert list(sights(whole, until=middle)) == seen[:2]
