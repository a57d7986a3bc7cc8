"""Numbers that a device gave to events and that have not come: a measured loss, if they never do (rule R12).

Devices number their events from each start on. What is skipped is missing until it comes, late as it may be; what is
still missing two starts later is lost. Seen is what one process stored of a lane: numbers from before it took the lane
are not known, and the device's page counts from the log instead. Bounded: of each device two starts, of each start
so many stretches of numbers; when there are more, the oldest counts as lost.
"""

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import Counter, Gauge

MISSING = Gauge("bypunkt_sequence_missing", "Events that were numbered by their device and have not come yet")
LOST = Counter(
    "bypunkt_sequence_lost_total", "Events that were missing for good when their device had started anew"
)

MOST_STRETCHES = 50


class Numbered(Protocol):
    """What is looked at of an event."""

    @property
    def device(self) -> str:
        """Its device, unique and never reused."""

    @property
    def boot(self) -> str | None:
        """The device's start."""

    @property
    def seq(self) -> int | None:
        """Its number since that start."""


class Start:
    """What has come since one start of a device."""

    __slots__ = ("boot", "highest", "stretches")

    def __init__(self, boot: str, first: int) -> None:
        self.boot = boot
        self.highest = first
        self.stretches: list[tuple[int, int]] = []  # missing numbers, from and to, in order

    @property
    def missing(self) -> int:
        """How many numbers have not come."""
        return sum(last - first + 1 for first, last in self.stretches)

    def take(self, seq: int) -> None:
        """Note a number that came, in whatever order and however often."""
        if seq > self.highest:
            if seq > self.highest + 1:
                self.stretches.append((self.highest + 1, seq - 1))
            self.highest = seq
            return
        for place, (first, last) in enumerate(self.stretches):
            if first <= seq <= last:
                left = [(first, seq - 1)] if seq > first else []
                right = [(seq + 1, last)] if seq < last else []
                self.stretches[place : place + 1] = left + right
                return

    def give_up(self, most: int) -> int:
        """Forget the oldest stretches beyond so many, and return how many numbers were missing there."""
        lost = 0
        while len(self.stretches) > most:
            first, last = self.stretches.pop(0)
            lost += last - first + 1
        return lost


class Gaps:
    """The missing numbers of the devices of one lane, as long as somebody works in it."""

    def __init__(self) -> None:
        self._devices: dict[str, list[Start]] = {}  # the present start, then the one before
        self._missing = 0

    def note(self, events: Iterable[Numbered]) -> None:
        """Take in events that are in the log, new or there before."""
        devices = self._devices
        for event in events:
            boot, seq = event.boot, event.seq
            if boot is None or seq is None:
                continue
            starts = devices.get(event.device)
            if starts is not None and starts[0].boot == boot and starts[0].highest + 1 == seq:
                starts[0].highest = seq  # as nearly always
            else:
                self._note(event.device, boot, seq)

    def close(self) -> None:
        """Forget everything, since the lane is left: whoever comes next begins anew; safe to call twice."""
        self._devices.clear()
        self._change(-self._missing)

    def _note(self, device: str, boot: str, seq: int) -> None:
        starts = self._devices.get(device)
        if starts is None:
            self._devices[device] = [Start(boot, seq)]
            return
        for known in starts:
            if known.boot == boot:
                before = known.missing
                known.take(seq)
                LOST.inc(known.give_up(MOST_STRETCHES))
                self._change(known.missing - before)
                return
        for forgotten in starts[1:]:
            LOST.inc(forgotten.missing)
            self._change(-forgotten.missing)
        self._devices[device] = [Start(boot, seq), starts[0]]

    def _change(self, by: int) -> None:
        self._missing += by
        MISSING.inc(by)
