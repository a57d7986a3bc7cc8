"""A device without a spool keeps next to nothing: what cannot be sent at once is lost, and counted."""

from datetime import UTC, datetime, timedelta

from gateway.simulator.device import DeviceLife, SimulatedDevice
from gateway.simulator.pace import Pace
from gateway.simulator.presence import MOST_UNSENT, Presence, Tally

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def presence_of(kind: str, tally: Tally) -> tuple[Presence, DeviceLife]:
    device = SimulatedDevice(
        municipality="0781", id=f"{kind}-1", kind=kind, point="dp-lagan", expected_interval_s=60
    )
    life = DeviceLife(device, seed=1, pace=Pace.beginning(MONDAY, 1))
    presence = Presence(life, tally=tally, clock=lambda: MONDAY)
    presence.boot(MONDAY, clock_unset_until=None)
    life.connect()
    return presence, life


class Online:
    connected = True


def hours(presence: Presence, life: DeviceLife, number: int) -> None:
    while (at := life.due_at) < MONDAY + timedelta(hours=number):
        presence._keep(life.step(at))


def test_without_a_spool_and_a_connection_everything_is_lost() -> None:
    tally = Tally()
    presence, life = presence_of("locker", tally)
    hours(presence, life, 1)
    assert tally.lost in (59, 60)
    assert presence._due(birth=False) == []


def test_a_connection_that_does_not_answer_keeps_a_few() -> None:
    tally = Tally()
    presence, life = presence_of("locker", tally)
    presence._session = Online()  # type: ignore[assignment] # all that is asked of it
    hours(presence, life, 1)
    kept = presence._due(birth=True)
    assert len(kept) == MOST_UNSENT + 1
    assert kept[0].type == "device.status"
    assert tally.lost in (59 - MOST_UNSENT, 60 - MOST_UNSENT)


def test_a_power_cut_loses_what_was_not_sent_but_not_what_is_in_a_spool() -> None:
    tally = Tally()
    locker, life = presence_of("locker", tally)
    locker._session = Online()  # type: ignore[assignment] # all that is asked of it
    hours(locker, life, 0)
    locker._keep([life.birth(MONDAY)])
    locker.boot(MONDAY, clock_unset_until=None)
    assert tally.lost == 1
    hotspot, life = presence_of("hotspot", tally)
    hours(hotspot, life, 1)
    hotspot.boot(MONDAY, clock_unset_until=None)
    assert len(hotspot.spool) > 60
    assert tally.lost == 1
