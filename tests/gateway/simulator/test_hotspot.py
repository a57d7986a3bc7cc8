from datetime import UTC, datetime, timedelta

from gateway.simulator.hotspot import Hotspot
from services.events.wifi import WifiUsage

NOON = datetime(2026, 7, 6, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def usage(hotspot: Hotspot) -> WifiUsage:
    return WifiUsage.model_validate(hotspot.usage(300))


def test_people_are_there_already_when_it_starts() -> None:
    found = [usage(Hotspot(str(seed), NOON)) for seed in range(10)]
    assert sum(event.clients for event in found) > 10
    assert {event.down_bytes_total for event in found} == {0}


def test_bytes_go_through_only_with_an_uplink() -> None:
    hotspot = Hotspot("1", NOON)
    hotspot.advance(NOON + HOUR, carries=True)
    carried = usage(hotspot).down_bytes_total or 0
    hotspot.advance(NOON + 2 * HOUR, carries=False)
    cut_off = usage(hotspot).down_bytes_total or 0
    hotspot.advance(NOON + 3 * HOUR, carries=True)
    assert 0 < carried == cut_off < (usage(hotspot).down_bytes_total or 0)


def test_the_most_at_a_time_is_told_once() -> None:
    hotspot = Hotspot("1", NOON)
    at = NOON
    while at < NOON + 6 * HOUR:
        at += timedelta(minutes=1)
        hotspot.advance(at, carries=True)
    first, second = usage(hotspot), usage(hotspot)
    assert (first.clients_max or 0) > first.clients
    assert second.clients_max == second.clients == first.clients


def test_a_restart_begins_the_counters_anew() -> None:
    hotspot = Hotspot("1", NOON)
    hotspot.advance(NOON + HOUR, carries=True)
    hotspot.restart(NOON + 2 * HOUR)
    assert usage(hotspot).down_bytes_total == 0
