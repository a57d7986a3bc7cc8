import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median

from gateway.simulator.faults import Fault, FaultKind, StagedFault, faults, outages
from gateway.simulator.pace import VILLAGE_ZONE, Pace

NOW = datetime(2026, 6, 3, 8, tzinfo=UTC)
PACE = Pace.beginning(NOW, 60)


def years_of_outages(years: int) -> list[Fault]:
    end = NOW + timedelta(days=365 * years)
    return list(itertools.takewhile(lambda fault: fault.starts_at < end, outages("1", NOW)))


def test_same_seed_gives_same_outages() -> None:
    assert years_of_outages(2) == years_of_outages(2)


def test_a_place_has_one_or_two_outages_a_month_and_a_long_power_cut_each_winter() -> None:
    found = years_of_outages(40)
    kinds = Counter(fault.kind for fault in found)
    cuts = [fault for fault in found if fault.kind is not FaultKind.CLOCK_UNSET]
    minutes = [(fault.ends_at - fault.starts_at) / timedelta(minutes=1) for fault in cuts]
    assert 1.2 < len(cuts) / (40 * 12) < 1.8
    assert 19 < median(minutes) < 26
    long = [fault for fault in cuts if fault.ends_at - fault.starts_at == timedelta(hours=6)]
    assert 38 <= len(long) <= 41
    assert {fault.kind for fault in long} == {FaultKind.POWER_CUT}
    assert {fault.starts_at.astimezone(VILLAGE_ZONE).month for fault in long} <= {11, 12, 1, 2}
    assert 0.02 < kinds[FaultKind.CLOCK_UNSET] / kinds[FaultKind.POWER_CUT] < 0.1
    assert 0.7 < kinds[FaultKind.UPLINK_LOST] / kinds[FaultKind.UPLINK_SILENT] < 1.4


def test_winter_is_harder_on_the_wires_than_spring() -> None:
    months = Counter(fault.starts_at.month for fault in years_of_outages(40))
    assert months[12] + months[1] > 1.5 * (months[4] + months[5])


def test_a_month_is_the_same_whenever_somebody_begins_to_look() -> None:
    later = NOW + timedelta(days=200)
    assert next(outages("1", later)) == next(f for f in years_of_outages(1) if f.starts_at >= later)


def test_a_clock_is_unset_only_at_a_boot() -> None:
    found = itertools.pairwise(years_of_outages(40))
    boots = [before for before, after in found if after.kind is FaultKind.CLOCK_UNSET]
    assert boots
    assert {before.kind for before in boots} == {FaultKind.POWER_CUT}


def test_staged_faults_come_in_real_time_beside_those_of_the_village() -> None:
    staged = [staged_fault(FaultKind.UPLINK_LOST, 40), staged_fault(FaultKind.POWER_CUT, 5)]
    chance = Fault(
        PACE.village_began_at + timedelta(hours=1),
        PACE.village_began_at + timedelta(hours=2),
        FaultKind.POWER_CUT,
    )
    found = list(faults([], staged, PACE))
    assert [(fault.starts_at - NOW).total_seconds() for fault in found] == [5, 40]
    found = list(faults([chance], staged, PACE))
    assert found[2] == Fault(NOW + timedelta(seconds=60), NOW + timedelta(seconds=120), FaultKind.POWER_CUT)


def test_a_fault_that_begins_during_another_is_left_out() -> None:
    during = Fault(
        PACE.village(NOW + timedelta(seconds=7)), PACE.village(NOW + timedelta(hours=1)), FaultKind.POWER_CUT
    )
    assert [fault.kind for fault in faults([during], [staged_fault(FaultKind.UPLINK_LOST, 5)], PACE)] == [
        FaultKind.UPLINK_LOST
    ]


def staged_fault(kind: FaultKind, after_s: float) -> StagedFault:
    return StagedFault(device="hs-lagan-1", kind=kind, after_s=after_s, for_s=10)
