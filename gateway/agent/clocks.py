"""What time it is, and whether that can be believed: a device without a battery clock wakes up in 1970.

The clock is *sure* when the kernel says that it is synchronised and the date is not impossible; it is *usable* when
the date is not before anything that is known to have been. Timers never look at it: they run on the time since
power-up, which does not jump.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.runtime.clock import Clock, now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No agent is older than its source, and none is so old.
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
LATEST = EARLIEST + timedelta(days=20 * 365)
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def since_power_up() -> float:
    """Return the seconds since the machine was started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def kernel_synchronised() -> bool:
    """Whether the kernel's clock is kept by NTP; also False where it cannot be asked."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.byref((ctypes.c_char * 256)()))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


def machine_boot() -> str:
    """Return what names this start of the machine, or nothing where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clocks of a machine; a test or a simulator brings its own."""

    wall: Clock = now
    since_power_up: Callable[[], float] = since_power_up
    synchronised: Callable[[], bool] = kernel_synchronised
    machine_boot: Callable[[], str] = machine_boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """The present as a device knows it, in whole milliseconds.

    `power_ms` counts from power-up, `lived_ms` the time that the device was on, over all its starts; `wall_ms` is what
    its clock says.
    """

    wall_ms: int
    power_ms: int
    lived_ms: int
    sure: bool
    usable: bool


def read(clocks: Clocks, *, lived_offset_ms: int, newest_ms: int) -> Instant:
    """Return the present; `newest_ms` is the latest time that was ever sure."""
    wall = clocks.wall()
    wall_ms = to_ms(wall)
    power_ms = round(clocks.since_power_up() * 1000)
    possible = EARLIEST <= wall < LATEST
    return Instant(
        wall_ms=wall_ms,
        power_ms=power_ms,
        lived_ms=power_ms + lived_offset_ms,
        sure=possible and clocks.synchronised(),
        usable=possible and wall_ms >= newest_ms,
    )


def to_ms(instant: datetime) -> int:
    """Return an instant as whole milliseconds since 1970."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """Return the instant so many milliseconds after 1970."""
    return EPOCH + timedelta(milliseconds=milliseconds)
