"""What a device of the past told: real messages, in the order of their receipt, to the last byte the same."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from statistics import mean
from typing import Any, NamedTuple

import pytest

from gateway import codecs
from gateway.simulator.device import SimulatedDevice
from gateway.simulator.history import Past, Trouble, TroubleKind
from gateway.simulator.history_life import Letter, letters
from services.events import moment
from services.ingest.models import Accepted, KnownDevice
from services.ingest.registry import LaneRegistry

UNTIL = datetime(2026, 8, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def device(name: str = "hs-1", kind: str = "hotspot", interval_s: int = 900) -> SimulatedDevice:
    return SimulatedDevice(
        municipality="0781", id=name, kind=kind, point="dp-1", expected_interval_s=interval_s
    )


class Told(NamedTuple):
    """A letter, read."""

    received_at: datetime
    type: str
    id: str
    time: datetime | None
    boot: str
    conn: str
    data: dict[str, Any]


def read(letter: Letter) -> Told:
    body = json.loads(letter.payload)
    time = moment.parse(body["time"]) if "time" in body else None
    event_type = letter.topic.rpartition("/")[2]
    return Told(letter.received_at, event_type, body["id"], time, body["boot"], body["conn"], body["data"])


def past(*devices: SimulatedDevice, days: int = 60, seed: int = 1) -> Past:
    return Past.before(UNTIL, devices or (device(),), seed=seed, days=days)


def told(of: Past, one: SimulatedDevice) -> list[Told]:
    return [read(letter) for letter in takewhile(lambda letter: letter.received_at < UNTIL, letters(of, one))]


def first(one: SimulatedDevice, *kinds: TroubleKind) -> tuple[Past, Trouble]:
    """A past, and a trouble of these kinds in it that lies beside blind stretches, longer than it is silent for."""
    return next(
        (whole, trouble)
        for whole in (past(one, days=100, seed=seed) for seed in range(100))
        for trouble in takewhile(lambda each: each.ends_at < UNTIL - 60 * MINUTE, whole.troubles(one))
        if trouble.kind in kinds
        and trouble.clock_set_at is None
        and timedelta(minutes=40) < trouble.ends_at - trouble.starts_at < timedelta(days=1)
        and all(
            trouble.ends_at + 60 * MINUTE < stretch.starts_at or stretch.ends_at < trouble.starts_at
            for stretch in whole.blind
        )
    )


def between(said: Sequence[Told], starts_at: datetime, ends_at: datetime) -> list[Told]:
    return [one for one in said if starts_at <= one.received_at < ends_at]


def test_it_is_the_same_to_the_last_byte() -> None:
    one, another = (list(islice(letters(past(), device()), 3_000)) for _ in range(2))
    assert one == another
    assert one != list(islice(letters(past(seed=2), device()), 3_000))


@pytest.mark.parametrize("kind", ["hotspot", "kiosk", "gateway", "locker"])
def test_it_is_accepted_as_it_is_in_the_order_of_its_receipt_and_each_event_once(kind: str) -> None:
    one = device(kind=kind)
    registry = LaneRegistry(devices={("0781", "hs-1"): KnownDevice(id="hs-1", kind=kind, lifecycle="active")})
    whole = past(one, days=30)
    came = list(takewhile(lambda letter: letter.received_at < UNTIL, letters(whole, one)))
    assert all(a.received_at <= b.received_at for a, b in pairwise(came))
    verdicts = [
        verdict
        for letter in came
        for verdict in codecs.judge(*letter[1:], letter.received_at, retain=False, registry=registry)
    ]
    accepted = [verdict for verdict in verdicts if isinstance(verdict, Accepted)]
    assert len(accepted) == len(verdicts) == len(came) == len({event.id for event in accepted})
    assert all(event.id.startswith(whole.mark(one)) for event in accepted)


def test_it_is_heard_in_time_but_for_its_troubles_and_what_we_did_not_see() -> None:
    whole = past()
    said = told(whole, device())
    gaps = [
        (a.received_at, b.received_at)
        for a, b in pairwise(said)
        if b.received_at - a.received_at > 15.1 * MINUTE
    ]
    troubles = takewhile(lambda one: one.starts_at < UNTIL, whole.troubles(device()))
    excused = [*whole.blind, *((one.starts_at, one.ends_at) for one in troubles)]
    assert gaps
    for starts_at, ends_at in gaps:
        assert any(began < ends_at and starts_at < ended + MINUTE for began, ended in excused)


def test_what_came_while_we_were_blind_is_lost() -> None:
    whole = past()
    said = told(whole, device())
    for stretch in whole.blind:
        assert between(said, stretch.starts_at, stretch.ends_at) == []
        assert between(said, stretch.ends_at, stretch.ends_at + 16 * MINUTE)


def test_a_power_cut_is_a_will_and_another_boot_whose_counters_begin_at_zero() -> None:
    whole, cut = first(device(), TroubleKind.POWER_CUT)
    said = told(whole, device())
    will, birth = between(said, cut.starts_at + MINUTE / 60, cut.ends_at + MINUTE)[:2]
    assert (will.type, will.data["state"], will.time) == ("device.status", "offline", None)
    assert (birth.type, birth.data["state"], birth.time) == ("device.status", "online", _ms(cut.ends_at))
    assert birth.boot != will.boot
    after = [one.data for one in said if one.boot == birth.boot and one.type == "wifi.usage"]
    before = [one.data for one in said if one.boot == will.boot and one.type == "wifi.usage"]
    assert after[0]["down_bytes_total"] < before[-1]["down_bytes_total"]


def test_a_lost_uplink_is_a_will_a_birth_of_the_same_boot_and_then_what_was_kept() -> None:
    whole, cut = first(device(), TroubleKind.UPLINK_LOST, TroubleKind.UPLINK_SILENT)
    said = told(whole, device())
    will, birth, *kept = between(said, cut.starts_at + MINUTE / 60, cut.ends_at + MINUTE)
    assert (will.data["state"], birth.data["state"]) == ("offline", "online")
    assert (birth.boot, birth.conn != will.conn) == (will.boot, True)
    times = [one.time for one in kept if one.time is not None and one.time < cut.ends_at]
    assert len(times) > 2
    assert times == sorted(times)
    assert times[0] >= cut.starts_at
    beats = [one.data["uplink_ok"] for one in kept if one.type == "device.heartbeat"]
    assert (beats[0], beats[-1]) == (False, True)


def test_a_device_without_a_spool_tells_nothing_of_it() -> None:
    locker = device("lk-1", "locker")
    whole, cut = first(locker, TroubleKind.UPLINK_LOST, TroubleKind.UPLINK_SILENT)
    said = between(told(whole, locker), cut.starts_at + MINUTE / 60, cut.ends_at + MINUTE)
    assert [one.data.get("state") for one in said] == ["offline", "online", None]


def test_the_week_comes_late_and_whole() -> None:
    whole = past()
    assert whole.cut_off is not None
    week = whole.cut_off[1]
    late = [
        one
        for one in told(whole, device())
        if one.time is not None
        and week.starts_at < one.time < week.ends_at
        and one.type == "device.heartbeat"
    ]
    assert len(late) == 7 * 96
    assert all(week.ends_at < one.received_at < week.ends_at + 2 * MINUTE for one in late)


def test_a_clock_that_was_never_set_says_1970() -> None:
    seed, cut = next(
        (seed, trouble)
        for seed in range(100)
        for trouble in takewhile(
            lambda one: one.starts_at < UNTIL, past(days=200, seed=seed).troubles(device())
        )
        if trouble.clock_set_at is not None
    )
    said = told(past(days=200, seed=seed), device())
    birth = next(one for one in said if one.received_at > cut.ends_at)
    assert (birth.data["state"], birth.time) == ("online", datetime(1970, 1, 1, tzinfo=UTC))


def test_firmware_grows_with_each_update_to_what_it_is_now() -> None:
    one = device()
    seed = next(number for number in range(100) if len(past(days=400, seed=number).updates(one)) == 2)
    whole = past(days=400, seed=seed)
    said = told(whole, one)
    births = [one.data["firmware"] for one in said if one.data.get("state") == "online"]
    assert list(dict.fromkeys(births)) == ["openwrt 23.05.3", "openwrt 23.05.4", "openwrt 23.05.5"]
    assert [one.data["reason"] for one in said if one.data.get("state") == "restarting"] == ["update"] * 2


def test_july_is_three_winters_and_the_evening_is_not_the_night() -> None:
    whole = past(days=240)
    usage = [one for one in told(whole, device()) if one.type == "wifi.usage"]

    def clients(months: set[int], hours: range) -> float:
        found: list[int] = [
            one.data["clients"]
            for one in usage
            if one.received_at.month in months and one.received_at.hour in hours
        ]
        return mean(found)

    assert 2 < clients({7}, range(24)) / clients({1, 2}, range(24)) < 4.5
    assert clients({7}, range(9, 17)) > 4 * clients({7}, range(1, 4))


@pytest.mark.parametrize(("interval_s", "every"), [(60, 300), (300, 300), (900, 1_800), (3_600, 3_600)])
def test_who_is_heard_seldom_reports_seldom_but_each_hour(interval_s: int, every: int) -> None:
    one = device(interval_s=interval_s)
    said = [read(letter) for letter in islice(letters(past(one), one), 60)]
    times = [one.received_at for one in said if one.type == "wifi.usage"]
    assert abs((times[1] - times[0]).total_seconds() - every) < 1
    assert next(one.data["interval_s"] for one in said if one.type == "wifi.usage") == every


def _ms(at: datetime) -> datetime:
    return moment.whole_ms(at)
