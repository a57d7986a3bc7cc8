"""A hotspot counts its visitors by the real local day, and tells the length of each visit."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.hotspot import Hotspot
from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.turnstile import Turnstile
from services.events.wifi import WifiSessionEnd, WifiVisitors

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BEGAN = datetime(2026, 6, 1, 22, tzinfo=UTC)  # midnight in Sweden
AUTUMN = datetime(2026, 10, 24, 22, tzinfo=UTC)  # the day of 25 hours begins


def days(turnstile: Turnstile) -> list[WifiVisitors]:
    return [
        WifiVisitors.model_validate(data)
        for event_type, _, data in turnstile.tell(lambda at: at)
        if event_type == "wifi.visitors"
    ]


def passing(hotspot: Hotspot, turnstile: Turnstile, pace: Pace, began: datetime, hours: int) -> Iterator[int]:
    """Let hours pass; yields how many came in each."""
    for number in range(1, hours + 1):
        now = began + number * HOUR
        hotspot.advance(pace.village(now), carries=True)
        turnstile.look(now)
        yield len(hotspot.came)


def counting(began: datetime) -> tuple[Hotspot, Turnstile, Pace]:
    pace = Pace.beginning(began, 1)
    hotspot = Hotspot("7", began)
    return hotspot, Turnstile(hotspot, pace, began), pace


def test_everybody_who_comes_on_a_day_is_counted_on_it() -> None:
    hotspot, turnstile, pace = counting(BEGAN)
    there = hotspot.clients
    came = list(passing(hotspot, turnstile, pace, BEGAN, 48))
    first, second = days(turnstile)
    assert (first.day, second.day) == (date(2026, 6, 2), date(2026, 6, 3))
    assert (first.coverage_pct, second.coverage_pct) == (100.0, 100.0)
    assert first.distinct == there + sum(came[:24])
    assert second.distinct >= sum(came[24:])
    assert days(turnstile) == []


def test_a_count_is_lost_with_the_power_and_says_so() -> None:
    hotspot, turnstile, pace = counting(BEGAN)
    list(passing(hotspot, turnstile, pace, BEGAN, 12))
    noon = BEGAN + 12 * HOUR
    turnstile.boot(noon)
    came = list(passing(hotspot, turnstile, pace, noon, 12))
    (day,) = days(turnstile)
    assert day.coverage_pct == 50.0
    assert sum(came) <= day.distinct <= sum(came) + 10


def test_a_day_of_25_hours_is_over_after_25_hours() -> None:
    hotspot, turnstile, pace = counting(AUTUMN)
    list(passing(hotspot, turnstile, pace, AUTUMN, 24))
    assert days(turnstile) == []
    list(passing(hotspot, turnstile, pace, AUTUMN + 24 * HOUR, 1))
    assert [(day.day, day.coverage_pct) for day in days(turnstile)] == [(date(2026, 10, 25), 100.0)]


def test_a_week_of_a_device_tells_each_day_once_and_a_session_for_each_visitor() -> None:
    device = SimulatedDevice(
        municipality="0781", id="hs-lagan-1", kind="hotspot", point="dp-lagan", expected_interval_s=300
    )
    life = DeviceLife(device, seed=1, pace=Pace.beginning(BEGAN, 1))
    life.boot(BEGAN)
    life.connect()
    told, ended = [], []
    while (now := life.due_at) < BEGAN + 7 * DAY + HOUR:
        for document in life.step(now):
            if document.type == "wifi.visitors":
                told.append((now, WifiVisitors.model_validate(document.body["data"])))
            elif document.type == "wifi.session_end":
                ended.append(WifiSessionEnd.model_validate(document.body["data"]))
    assert [event.day for _, event in told] == [date(2026, 6, 2) + number * DAY for number in range(7)]
    for now, event in told:
        assert (
            timedelta(0) <= now - datetime.combine(event.day + DAY, datetime.min.time(), VILLAGE_ZONE) < HOUR
        )
    assert abs(sum(event.distinct for _, event in told) - len(ended)) < 20
    assert len(ended) > 30
    for session in ended:
        assert abs((session.ended_at - session.started_at).total_seconds() - session.duration_s) < 1
