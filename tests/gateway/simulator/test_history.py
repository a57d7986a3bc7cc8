"""A past that never was: what befell whom, and when we saw nothing; the same for the same seed and dates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from statistics import mean, median

import pytest

from gateway.simulator.device import SimulatedDevice
from gateway.simulator.history import CUT_OFF_FROM_DAYS, WEEK, Past, Stretch, Trouble, TroubleKind
from gateway.simulator.pace import VILLAGE_ZONE
from gateway.simulator.seasons import midnight

UNTIL = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def device(name: str, point: str | None = None, kind: str = "hotspot") -> SimulatedDevice:
    return SimulatedDevice(
        municipality="0781", id=name, kind=kind, point=point or f"dp-{name}", expected_interval_s=900
    )


VILLAGE = tuple(device(f"hs-{number}") for number in range(20))


def past(devices: Sequence[SimulatedDevice] = VILLAGE, *, days: int = 400, seed: int = 1) -> Past:
    return Past.before(UNTIL, devices, seed=seed, days=days)


def troubles(of: Past, one: SimulatedDevice) -> list[Trouble]:
    return list(takewhile(lambda trouble: trouble.starts_at < UNTIL, of.troubles(one)))


def test_it_begins_with_a_local_day() -> None:
    assert past().since.astimezone(VILLAGE_ZONE) == midnight(date(2025, 10, 19))
    assert past(days=1).since == datetime(2026, 11, 21, 23, tzinfo=UTC)


def test_the_same_seed_and_dates_give_the_same_past() -> None:
    later = Past.before(UNTIL + 3 * HOUR, VILLAGE, seed=1, days=400)
    for one in VILLAGE:
        assert troubles(past(), one) == troubles(later, one)
        assert past().mark(one) == later.mark(one)
    assert past().blind == later.blind
    assert past().cut_off == later.cut_off


def test_whatever_is_otherwise_has_another_mark() -> None:
    one = VILLAGE[0]
    marks = [
        past().mark(one),
        past().mark(VILLAGE[1]),
        past().mark(replace(one, expected_interval_s=600)),
        past(days=399).mark(one),
        past(seed=2).mark(one),
        Past.before(UNTIL + timedelta(days=1), VILLAGE, seed=1, days=400).mark(one),
    ]
    assert len(set(marks)) == len(marks)
    assert all(mark.isalnum() for mark in marks)


def test_one_place_is_cut_off_for_a_week_and_all_that_stands_there() -> None:
    devices = [*VILLAGE, device("ki-7", "dp-hs-7", "kiosk"), device("lk-1", kind="locker")]
    whole = past(devices)
    assert whole.cut_off is not None
    place, week = whole.cut_off
    assert place != "dp-lk-1"  # it keeps nothing that it could tell
    assert week.ends_at - week.starts_at == WEEK
    assert whole.since < week.starts_at < week.ends_at < UNTIL
    assert {one.place for one in devices if week in troubles(whole, one)} == {place}
    assert past(days=CUT_OFF_FROM_DAYS - 1).cut_off is None
    assert past([device("lk-1", kind="locker")]).cut_off is None


@pytest.mark.parametrize("seed", range(20))
def test_troubles_come_one_after_another_and_we_are_not_blind_while_somebody_is_cut_off(seed: int) -> None:
    whole = past(seed=seed, days=120)
    for one in VILLAGE:
        found = troubles(whole, one)
        assert all(a.ends_at + HOUR / 4 <= b.starts_at for a, b in pairwise([_beginning(whole), *found]))
    assert whole.cut_off is not None
    week = whole.cut_off[1]
    assert all(one.ends_at < week.starts_at or one.starts_at > week.ends_at for one in whole.blind)


def _beginning(whole: Past) -> Trouble:
    return Trouble(whole.since, whole.since, TroubleKind.UPDATE)


@pytest.mark.parametrize(("days", "stretches"), [(1, 1), (60, 1), (180, 2), (400, 4)])
def test_now_and_then_we_are_blind_for_hours(days: int, stretches: int) -> None:
    whole = past(days=days)
    assert len(whole.blind) == stretches
    assert all(whole.since < one.starts_at for one in whole.blind)
    assert all(3 * HOUR - HOUR / 60 <= _length(one) <= 9 * HOUR for one in whole.blind)
    assert list(whole.blind) == sorted(whole.blind)


def _length(one: Stretch | Trouble) -> timedelta:
    return one.ends_at - one.starts_at


def test_outages_are_as_many_and_as_long_as_expected_and_a_clock_is_wrong_now_and_then() -> None:
    whole = past(tuple(device(f"hs-{number}") for number in range(100)))
    befell = [troubles(whole, one) for one in whole.devices]
    a_month = mean(sum(one.kind is not TroubleKind.UPDATE for one in each) / (400 / 30.4) for each in befell)
    assert 1.0 < a_month < 2.0
    found = [one for each in befell for one in each if one.kind is not TroubleKind.UPDATE]
    assert 18 < median(_length(one) / HOUR * 60 for one in found) < 30
    long = Counter(one for one in found if _length(one) == 6 * HOUR)
    assert all(one.kind is TroubleKind.POWER_CUT for one in long)
    assert 0.6 * len(befell) < len(long) < 2 * len(befell)
    cuts = [one for one in found if one.kind is TroubleKind.POWER_CUT]
    assert 0.01 < mean(one.clock_set_at is not None for one in cuts) < 0.1
    assert {one.kind for one in found} == set(TroubleKind) - {TroubleKind.UPDATE}


def test_firmware_is_brought_up_to_date_at_night_twice_a_year() -> None:
    whole = past()
    nights = [at for one in VILLAGE for at in whole.updates(one)]
    assert 1.5 < len(nights) / len(VILLAGE) < 3
    assert {at.astimezone(VILLAGE_ZONE).hour for at in nights} <= {1, 2, 3, 4}
    for one in VILLAGE:
        restarts = {
            trouble.starts_at for trouble in troubles(whole, one) if trouble.kind is TroubleKind.UPDATE
        }
        assert restarts <= set(whole.updates(one))


def test_the_bus_loses_its_signal_in_the_valley() -> None:
    bus = device("hs-bokbuss-1", "mp-bokbuss-motala")
    silences = [
        one
        for one in troubles(past([bus]), bus)
        if one.kind is TroubleKind.UPLINK_SILENT and _length(one) < HOUR / 6
    ]
    assert len(silences) > 12
    assert past([bus]).cut_off is None
