"""A whole simulated year against what domain knowledge says of villages; and it does not take long."""

import itertools
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median

from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.faults import Fault, FaultKind, outages
from gateway.simulator.hotspot import Hotspot
from gateway.simulator.kiosk import Happening, Kiosk
from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.seasons import DAY, midnight
from services.events import moment

NEW_YEAR = midnight(date(2026, 1, 1)).astimezone(UTC)
NEXT_YEAR = midnight(date(2027, 1, 1)).astimezone(UTC)
SEEDS = tuple(f"1/hs-{number}/visits" for number in range(12))


def local_day(at: datetime) -> date:
    return at.astimezone(VILLAGE_ZONE).date()


def visitors_by_day(seed: str) -> Counter[date]:
    hotspot = Hotspot(seed, NEW_YEAR)
    arrivals = itertools.chain([hotspot._next], hotspot._visits)
    return Counter(
        local_day(visit.starts_at)
        for visit in itertools.takewhile(lambda visit: visit.starts_at < NEXT_YEAR, arrivals)
    )


def by_month(days: Counter[date], *months: int) -> float:
    """Visitors a day in these months."""
    return mean(
        days[day] for day in (date(2026, 1, 1) + number * DAY for number in range(365)) if day.month in months
    )


def test_five_to_forty_come_on_a_winter_day_and_three_times_as_many_in_july() -> None:
    years = [visitors_by_day(seed) for seed in SEEDS]
    winters = [by_month(year, 1, 2, 11, 12) for year in years]
    julys = [by_month(year, 7) for year in years]
    assert all(4 < winter < 42 for winter in winters)
    assert max(winters) > 2 * min(winters)
    assert all(2.6 < july / winter < 3.5 for july, winter in zip(julys, winters, strict=True))


def test_fridays_are_busier_than_sundays_and_midsummers_eve_is_quiet() -> None:
    whole: Counter[date] = Counter()
    for seed in SEEDS:
        whole += visitors_by_day(seed)
    weekdays = [mean(count for day, count in whole.items() if day.weekday() == number) for number in range(7)]
    assert weekdays[4] > 1.1 * weekdays[0] > 1.1 * weekdays[6]
    assert whole[date(2026, 6, 19)] < 0.75 * whole[date(2026, 6, 12)]


def test_a_year_of_a_hotspot_takes_less_than_a_second() -> None:
    began = time.process_time()
    hotspot, at = Hotspot(SEEDS[0], NEW_YEAR), NEW_YEAR
    while at < NEXT_YEAR:
        at += timedelta(hours=1)
        hotspot.advance(at, carries=True)
    carried = int(str(hotspot.usage(300)["down_bytes_total"]))
    assert time.process_time() - began < 1
    # 5 to 40 a day, one and a half winters' worth over the year, of 60 to 250 MB.
    assert 365 * 5 * 60e6 < carried < 365 * 60 * 250e6


def outages_of(place: str) -> list[Fault]:
    return list(
        itertools.takewhile(
            lambda fault: fault.starts_at < NEXT_YEAR, outages(f"1/{place}/outages", NEW_YEAR)
        )
    )


def test_each_place_goes_out_once_or_twice_a_month_and_once_for_six_hours() -> None:
    villages = [outages_of(f"dp-{number}") for number in range(40)]
    cuts = [[fault for fault in found if fault.kind is not FaultKind.CLOCK_UNSET] for found in villages]
    assert 12 <= mean(len(found) for found in cuts) <= 24
    lengths = [(fault.ends_at - fault.starts_at) / timedelta(minutes=1) for found in cuts for fault in found]
    assert 18 < median(lengths) < 27
    assert all(sum(one.ends_at - one.starts_at == timedelta(hours=6) for one in found) <= 1 for found in cuts)
    assert sum(length == 360 for length in lengths) >= 36


def test_one_boot_in_twenty_says_1970() -> None:
    kinds = Counter(fault.kind for number in range(400) for fault in outages_of(f"dp-{number}"))
    assert 1 / 30 < kinds[FaultKind.CLOCK_UNSET] / kinds[FaultKind.POWER_CUT] < 1 / 14


def uses_of(kiosk: str) -> list[Happening]:
    ends = Kiosk(f"1/{kiosk}/uses", NEW_YEAR).advance(NEXT_YEAR)
    return [happening for happening in ends if happening.last]


def test_a_kiosk_is_used_four_to_twenty_five_times_a_day_in_the_languages_of_the_season() -> None:
    kiosks = [uses_of(f"ki-{number}") for number in range(12)]
    assert all(3.5 < len(uses) / 365 < 26 for uses in kiosks)
    whole = [happening for uses in kiosks for happening in uses]
    assert 3.0 < mean(len(happening.use.views) for happening in whole) < 3.4
    july = Counter(one.use.lang for one in whole if local_day(one.at).month == 7)
    rest = Counter(one.use.lang for one in whole if local_day(one.at).month != 7)
    assert 0.17 < july["de"] / july.total() < 0.23
    assert 0.05 < rest["de"] / rest.total() < 0.09
    assert 0.75 < rest["sv"] / rest.total() < 0.81


def test_counters_begin_anew_at_each_boot_and_an_unset_clock_says_1970() -> None:
    device = SimulatedDevice(
        municipality="0781", id="hs-lagan-1", kind="hotspot", point="dp-lagan", expected_interval_s=3600
    )
    life = DeviceLife(device, seed=1, pace=Pace.beginning(NEW_YEAR, 1))
    years, resets, before = Counter[int](), 0, 0
    for number, month in enumerate(NEW_YEAR + 30 * DAY * number for number in range(12)):
        life.boot(month, clock_unset_until=month + timedelta(hours=2) if number == 6 else None)
        while (now := life.due_at) < month + 2 * DAY:
            for document in life.step(now):
                told = moment.parse(str(document.body["time"]))
                assert told is not None
                years[told.year] += 1
                if document.type == "wifi.usage":
                    total = int(document.body["data"]["down_bytes_total"])  # type: ignore[index]
                    resets += total < before
                    before = total
    assert resets == 11
    assert 1 < years[1970] < 100 < years[2026]
