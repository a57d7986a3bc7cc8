"""A clock is believed when it is synchronised and possible; timers run on another one."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway.agent.clocks import (
    EARLIEST,
    LATEST,
    Clocks,
    from_ms,
    kernel_synchronised,
    machine_boot,
    read,
    since_power_up,
    to_ms,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "synchronised", "newest", "expected"),
    [
        (NOW, True, NOW - timedelta(days=1), (True, True)),
        (NOW, False, NOW - timedelta(days=1), (False, True)),
        (NOW, False, NOW + timedelta(seconds=1), (False, False)),  # before what is known to have been
        (NOW, True, NOW + timedelta(days=1), (True, False)),  # NTP is believed all the same
        (datetime(1970, 1, 1, tzinfo=UTC), True, EARLIEST, (False, False)),
        (EARLIEST - timedelta(seconds=1), True, EARLIEST, (False, False)),
        (LATEST, True, EARLIEST, (False, False)),
    ],
)
def test_when_a_clock_is_believed(
    wall: datetime, newest: datetime, expected: tuple[bool, bool], *, synchronised: bool
) -> None:
    clocks = Clocks(wall=lambda: wall, since_power_up=lambda: 1.5, synchronised=lambda: synchronised)
    present = read(clocks, lived_offset_ms=10_000, newest_ms=to_ms(newest))
    assert (present.sure, present.usable) == expected
    assert (present.wall_ms, present.power_ms, present.lived_ms) == (to_ms(wall), 1_500, 11_500)


def test_milliseconds_there_and_back() -> None:
    moment = datetime(2026, 11, 23, 9, 0, 0, 123_000, tzinfo=UTC)
    assert from_ms(to_ms(moment)) == moment


def test_the_machine_can_be_asked() -> None:
    before = since_power_up()
    assert before > 0
    assert since_power_up() >= before
    assert abs(since_power_up() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
    assert kernel_synchronised() in {True, False}
    assert len(machine_boot()) == 36
