from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gateway.simulator.kiosk import Happening, Kiosk
from services.events.kiosk import KioskHealth

MORNING = datetime(2026, 6, 3, 6, tzinfo=UTC)
NIGHT = datetime(2026, 6, 3, 0, tzinfo=UTC)


def test_each_use_ends_with_its_last_view() -> None:
    kiosk = Kiosk("1", MORNING)
    happenings = list(kiosk.advance(MORNING + timedelta(days=3)))
    uses = {happening.number for happening in happenings}
    assert len(uses) > 6
    assert sum(happening.last for happening in happenings) == len(uses)
    assert all(happening.at == happening.use.ends_at for happening in happenings if happening.last)
    assert kiosk.next_at > MORNING + timedelta(days=3)


def test_a_use_that_a_power_cut_broke_off_is_forgotten() -> None:
    kiosk = Kiosk("1", MORNING)
    begun = next(happening for happening in undisturbed() if not happening.last)
    list(kiosk.advance(begun.at))
    kiosk.restart(begun.at + timedelta(milliseconds=1))
    after = list(kiosk.advance(MORNING + timedelta(days=3)))
    assert after
    assert begun.number not in {happening.number for happening in after}


def test_its_screen_sleeps_at_night_and_its_storage_fills() -> None:
    kiosk = Kiosk("1", NIGHT)
    night = KioskHealth.model_validate(kiosk.health(NIGHT))
    uses = list(kiosk.advance(MORNING + timedelta(days=1)))
    morning = KioskHealth.model_validate(kiosk.health(MORNING))
    assert (night.screen_on, morning.screen_on) == (False, True)
    assert uses
    assert (night.storage_free_bytes or 0) > (morning.storage_free_bytes or 0)


def undisturbed() -> Iterator[Happening]:
    return Kiosk("1", MORNING).advance(MORNING + timedelta(days=3))
