import itertools
import math
from datetime import UTC, date, datetime, timedelta
from statistics import mean

from gateway.simulator import BrokerAddress, Fleet
from gateway.simulator.bus import MOTALA, Bus, every_day, library_day
from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.faults import FaultKind
from gateway.simulator.pace import VILLAGE_ZONE, Pace
from gateway.simulator.seasons import DAY, midnight
from services.events import EVENT_TYPES, moment
from services.events.vehicle import VehiclePosition

TUESDAY = date(2026, 6, 2)  # week 23
BUS = Bus("1/mp-bokbuss-motala", MOTALA)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return (midnight(day) + timedelta(hours=hour, minutes=minute)).astimezone(UTC)


def metres(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    wide = math.cos(math.radians(lat))
    return 111_320 * math.hypot(to_lat - lat, (to_lon - lon) * wide)


def test_it_drives_on_tuesdays_of_odd_weeks() -> None:
    days = [TUESDAY + DAY * number for number in range(28)]
    assert [day for day in days if library_day(day)] == [TUESDAY, TUESDAY + 14 * DAY]
    assert BUS.trip(TUESDAY + DAY) == ()
    assert BUS.next_trip(local(TUESDAY, 20)) == local(TUESDAY + 14 * DAY, 9, 15)


def test_it_comes_a_little_late_and_never_leaves_early() -> None:
    bus = Bus("1", MOTALA, runs_on=every_day)
    for calls in (bus.trip(TUESDAY + DAY * number) for number in range(40)):
        assert [call.stop for call in calls] == list(MOTALA)
        for call in calls:
            late = call.arrives_at - local(
                call.arrives_at.astimezone(VILLAGE_ZONE).date(),
                call.stop.arrives.hour,
                call.stop.arrives.minute,
            )
            assert timedelta() <= late <= timedelta(minutes=8)
            assert call.departs_at.astimezone(VILLAGE_ZONE).time() >= call.stop.departs
        assert all(here.departs_at < there.arrives_at for here, there in itertools.pairwise(calls))


def test_it_is_at_its_stops_and_drives_as_a_bus_does_between_them() -> None:
    calls = BUS.trip(TUESDAY)
    for call in calls:
        here = BUS.whereabouts(call.arrives_at)
        assert here is not None
        assert (here.lat, here.lon, here.speed_kmh) == (call.stop.lat, call.stop.lon, 0)
        assert BUS.stays_until(call.arrives_at) == call.departs_at
    before, at = BUS.whereabouts(calls[0].arrives_at), calls[0].arrives_at
    speeds = []
    while at < calls[-1].departs_at:
        at += timedelta(seconds=20)
        now = BUS.whereabouts(at)
        assert now is not None
        assert before is not None
        assert metres(before.lat, before.lon, now.lat, now.lon) < 20 * 100 / 3.6
        if now.speed_kmh:
            assert BUS.stays_until(at) is None
            speeds.append(now.speed_kmh)
        before = now
    assert 15 < min(speeds) <= max(speeds) < 100
    assert 20 < mean(speeds) < 50


def test_it_is_nowhere_between_trips() -> None:
    for at in (local(TUESDAY, 9), local(TUESDAY, 18), local(TUESDAY + DAY, 12)):
        assert BUS.whereabouts(at) is None
        assert BUS.fix(at) is None


def test_three_fixes_in_a_hundred_are_far_off() -> None:
    at = BUS.trip(TUESDAY)[2].arrives_at
    fixes = [BUS.fix(at) for _ in range(5_000)]
    accuracies = [float(str(fix["acc_m"])) for fix in fixes if fix]
    far = [accuracy for accuracy in accuracies if accuracy > 500]
    assert 0.02 < len(far) / 5_000 < 0.04
    assert all(5 <= accuracy <= 15 for accuracy in accuracies if accuracy <= 500)
    stop = MOTALA[2]
    for fix in fixes:
        assert fix is not None
        off = metres(stop.lat, stop.lon, float(str(fix["lat"])), float(str(fix["lon"])))
        assert off < 2 * float(str(fix["acc_m"]))


def test_the_valley_is_on_the_way_to_godegard() -> None:
    (first, second) = itertools.islice(BUS.valleys(local(TUESDAY, 0)), 2)
    assert first.kind is FaultKind.UPLINK_SILENT
    assert local(TUESDAY, 14, 30) < first.starts_at < first.ends_at < local(TUESDAY, 15, 10)
    assert second.starts_at - first.starts_at > 13 * DAY
    assert timedelta(minutes=5) < first.ends_at - first.starts_at < timedelta(minutes=9)


def test_everything_on_the_bus_falls_silent_in_the_valley_and_nothing_else_does() -> None:
    def valleys(device: str, point: str) -> list[datetime]:
        one = SimulatedDevice(
            municipality="0583", id=device, kind="hotspot", point=point, expected_interval_s=60
        )
        pace = Pace.beginning(local(TUESDAY, 0), 1)
        planned = Fleet([one], broker=BrokerAddress("127.0.0.1", 1))._planned(one, pace)
        found = itertools.takewhile(lambda fault: fault.starts_at < local(TUESDAY + DAY, 0), planned)
        return [fault.starts_at for fault in found if fault.kind is FaultKind.UPLINK_SILENT]

    (valley,) = itertools.islice(BUS.valleys(local(TUESDAY, 0)), 1)
    assert valley.starts_at in valleys("hs-bokbuss-1", "mp-bokbuss-motala")
    assert valley.starts_at not in valleys("hs-fornasa-1", "sp-fornasa")


def tracker(began_at: datetime, *, speed: float) -> DeviceLife:
    device = SimulatedDevice(
        municipality="0583",
        id="tr-bokbuss-1",
        kind="tracker",
        point="mp-bokbuss-motala",
        expected_interval_s=60,
    )
    life = DeviceLife(device, seed=1, pace=Pace.beginning(began_at, speed))
    life.boot(began_at)
    life.connect()
    return life


def positions(life: DeviceLife, until: datetime) -> list[VehiclePosition]:
    found = []
    while (now := life.due_at) < until:
        for document in life.step(now):
            if document.type == "vehicle.position":
                fact = EVENT_TYPES[document.type].model_validate(document.body["data"])
                assert isinstance(fact, VehiclePosition)
                assert moment.parse(str(document.body["time"])) == fact.fix_at
                found.append(fact)
    return found


def test_the_tracker_says_where_it_is_every_20_s_moving_and_every_300_s_still() -> None:
    found = positions(tracker(local(TUESDAY, 0), speed=1), local(TUESDAY + DAY, 0))
    assert local(TUESDAY, 9, 15) <= found[0].fix_at < local(TUESDAY, 9, 16)
    assert local(TUESDAY, 17, 5) < found[-1].fix_at <= local(TUESDAY, 17, 21)
    gaps = [(after.fix_at - before.fix_at, before.speed_kmh) for before, after in itertools.pairwise(found)]
    moving = [gap for gap, speed in gaps if speed]
    still = [gap for gap, speed in gaps if speed == 0]
    assert all(timedelta(seconds=20) <= gap < timedelta(seconds=21) for gap in moving)
    assert max(still) < timedelta(seconds=301)
    assert len(moving) > 400
    assert len(still) > 40
    assert positions(tracker(local(TUESDAY + DAY, 0), speed=1), local(TUESDAY + 8 * DAY, 0)) == []


def test_in_a_hurried_village_it_drives_every_day() -> None:
    assert every_day(TUESDAY + DAY)
    monday = local(TUESDAY - DAY, 8)
    found = positions(tracker(monday, speed=60), monday + timedelta(minutes=10))
    assert 60 < len(found) < 400  # from eleven until a quarter past five: six minutes
    assert all(timedelta() <= fix.fix_at - monday < timedelta(minutes=7) for fix in found)
