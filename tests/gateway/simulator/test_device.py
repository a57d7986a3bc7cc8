import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.documents import Document
from gateway.simulator.pace import Pace
from services.events import EVENT_TYPES, wire
from services.events.fields import Fact
from services.events.kiosk import KioskSession, KioskView
from services.events.wifi import WifiUsage
from services.ingest import addresses

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def life_of(kind: str, *, seed: int = 1, speed: float = 1, interval_s: int = 60) -> DeviceLife:
    device = SimulatedDevice(
        municipality="0781", id=f"{kind}-1", kind=kind, point="dp-lagan", expected_interval_s=interval_s
    )
    life = DeviceLife(device, seed=seed, pace=Pace.beginning(MONDAY, speed))
    life.boot(MONDAY)
    life.connect()
    return life


def lived(life: DeviceLife, until: datetime) -> Iterator[Document]:
    while (now := life.due_at) < until:
        yield from life.step(now)


def claimed(document: Document) -> wire.Claim:
    (claim,) = wire.read(document.payload())
    assert isinstance(claim, wire.Claim), claim
    return claim


def fact(document: Document) -> Fact:
    """What the intake makes of a document."""
    claim = claimed(document)
    assert addresses.scrub_data(claim.data) is claim.data
    assert not any(addresses.in_id(token) for token in (claim.id, claim.boot, claim.conn) if token)
    return EVENT_TYPES[document.type].model_validate(claim.data)


def test_same_seed_gives_same_events() -> None:
    for kind in ("hotspot", "kiosk", "tracker"):
        first, again, other = (
            list(lived(life_of(kind, seed=seed), MONDAY + timedelta(hours=6))) for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other


def test_visitors_come_the_same_however_often_the_device_reports() -> None:
    often, seldom = (list(lived(life_of("kiosk", interval_s=s), MONDAY + WEEK)) for s in (60, 3600))
    assert [d.body["data"]["page"] for d in often if d.type == "kiosk.view"] == [  # type: ignore[index]
        d.body["data"]["page"]  # type: ignore[index]
        for d in seldom
        if d.type == "kiosk.view"
    ]


def test_a_week_of_a_hotspot() -> None:
    life = life_of("hotspot")
    found = [(document, fact(document)) for document in lived(life, MONDAY + WEEK)]
    counts = Counter(document.type for document, _ in found)
    assert 10_000 <= counts["device.heartbeat"] <= 10_080
    assert 2_000 <= counts["wifi.usage"] <= 2_016
    usage = [event for _, event in found if isinstance(event, WifiUsage)]
    assert max(event.clients for event in usage) < 30
    totals = [event.down_bytes_total or 0 for event in usage]
    assert all(before <= after for before, after in itertools.pairwise(totals))
    # 5 to 40 visitors a day, twice that in June, of 60 to 250 MB.
    assert 5 * 2 * 7 * 60e6 < totals[-1] < 40 * 2 * 7 * 250e6
    assert 0.1 < (usage[-1].up_bytes_total or 0) / totals[-1] < 0.14


def test_a_week_of_a_kiosk() -> None:
    found = [(document, fact(document)) for document in lived(life_of("kiosk"), MONDAY + WEEK)]
    sessions = [event for _, event in found if isinstance(event, KioskSession)]
    views = [event for _, event in found if isinstance(event, KioskView)]
    assert 4 * 7 * 0.6 < len(sessions) < 25 * 7 * 1.4
    assert sum(session.views for session in sessions) == len(views)
    for session in sessions:
        dwelt = sum(view.dwell_s or 0 for view in views if view.session == session.session)
        assert abs((session.ended_at - session.started_at).total_seconds() - dwelt) < 0.1
    assert all(
        event.ended_at <= time_of(document) for document, event in found if isinstance(event, KioskSession)
    )


def test_every_event_has_id_time_boot_and_the_next_seq() -> None:
    life = life_of("hotspot")
    said = [life.birth(MONDAY), *lived(life, MONDAY + timedelta(hours=1)), life.farewell(MONDAY)]
    claims = [claimed(document) for document in said]
    assert [claim.seq for claim in claims] == list(range(1, len(said) + 1))
    assert len({claim.id for claim in claims}) == len(said)
    assert {(claim.boot, claim.conn) for claim in claims} == {(life.boot_id, life.conn_id)}
    assert all(claim.time is not None and claim.id is not None for claim in claims)


def test_birth_says_what_the_device_is_and_the_will_names_the_same_connection() -> None:
    life = life_of("hotspot")
    birth, will = claimed(life.birth(MONDAY)), claimed(life.will())
    assert birth.data == {"state": "online", "firmware": "openwrt 23.05.5", "uptime_s": 0, "spool": True}
    assert will.data["state"] == "offline"
    assert (will.boot, will.conn) == (birth.boot, birth.conn)
    assert will.time is None
    life.connect()
    assert claimed(life.will()).conn != will.conn
    assert claimed(life_of("locker").birth(MONDAY)).data["spool"] is False


def test_a_boot_is_new_and_counts_from_zero() -> None:
    life = life_of("hotspot")
    before = [
        document for document in lived(life, MONDAY + timedelta(days=1)) if document.type == "wifi.usage"
    ][-1]
    later = MONDAY + timedelta(days=1, hours=1)
    old_boot = life.boot_id
    life.boot(later)
    life.connect()
    after = next(
        document for document in lived(life, later + timedelta(hours=1)) if document.type == "wifi.usage"
    )
    was, is_now = fact(before), fact(after)
    assert isinstance(was, WifiUsage)
    assert isinstance(is_now, WifiUsage)
    assert (was.down_bytes_total or 0) > (is_now.down_bytes_total or 0)
    assert claimed(after).boot != old_boot
    assert (claimed(after).seq or 0) < 20


def test_a_device_that_is_cut_off_goes_on_noting_with_its_own_times() -> None:
    life = life_of("hotspot")
    noon = MONDAY + timedelta(hours=12)
    list(lived(life, noon))
    life.set_uplink(noon, up=False)
    found = list(lived(life, noon + timedelta(hours=1)))
    beats = [claimed(document) for document in found if document.type == "device.heartbeat"]
    assert [beat.data["uplink_ok"] for beat in beats] == [False] * 60
    assert all(beat.time is not None and noon <= beat.time < noon + timedelta(hours=1) for beat in beats)
    usage = [fact(document) for document in found if document.type == "wifi.usage"]
    assert len({event.down_bytes_total for event in usage if isinstance(event, WifiUsage)}) == 1


def test_a_clock_that_is_unset_says_1970_until_it_is_set() -> None:
    life = life_of("kiosk", interval_s=10)
    life.boot(MONDAY, clock_unset_until=MONDAY + timedelta(minutes=1))
    times = [time_of(document) for document in lived(life, MONDAY + timedelta(minutes=2))]
    unset = [time for time in times if time.year == 1970]
    assert 5 <= len(unset) < len(times)
    assert all(time >= MONDAY + timedelta(minutes=1) for time in times if time.year != 1970)


def test_a_hurried_device_reports_at_its_rhythm_in_present_time() -> None:
    life = life_of("hotspot", speed=60)
    found = list(lived(life, MONDAY + timedelta(minutes=1)))
    counts = Counter(document.type for document in found)
    assert 59 <= counts["device.heartbeat"] <= 60
    assert 11 <= counts["wifi.usage"] <= 12
    assert all(MONDAY <= time_of(document) <= MONDAY + timedelta(minutes=1) for document in found)


def test_what_was_slept_through_is_not_made_up_for() -> None:
    life = life_of("tracker")
    (beat,) = life.step(MONDAY + timedelta(hours=1))
    assert time_of(beat) == MONDAY + timedelta(hours=1)
    assert life.step(MONDAY + timedelta(hours=1)) == []


def time_of(document: Document) -> datetime:
    time = claimed(document).time
    assert time is not None
    return time
