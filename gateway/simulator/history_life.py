"""What one device of the past told, message by message, in the order in which it was received. Pure."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway import topics
from gateway.simulator.device import USAGE_INTERVAL_S, DeviceLife, SimulatedDevice
from gateway.simulator.documents import Document
from gateway.simulator.history import Past, Trouble, TroubleKind
from gateway.simulator.pace import Pace

_WILL_AFTER = {TroubleKind.UPLINK_SILENT: timedelta(seconds=45)}  # one and a half keepalives
_WILL_AT_ONCE = timedelta(seconds=1)
_ANSWER = timedelta(seconds=1)  # from a birth to what was kept
_KEPT_EVERY = timedelta(milliseconds=20)
_LATENCY_MS = (20, 400)
_HOUR_S = 3_600


class Letter(NamedTuple):
    """A message as it came in."""

    received_at: datetime
    topic: str
    payload: bytes


def letters(past: Past, device: SimulatedDevice) -> Iterator[Letter]:
    """Yield what was received of a device, for ever; what came in a blind stretch is lost."""
    blind = iter(past.blind)
    stretch = next(blind, None)
    for letter in _Life(past, device).letters():
        while stretch is not None and letter.received_at >= stretch.ends_at:
            stretch = next(blind, None)
        if stretch is None or letter.received_at < stretch.starts_at:
            yield letter


class _Life:
    """Leads a device through its troubles."""

    def __init__(self, past: Past, device: SimulatedDevice) -> None:
        self._past = past
        self._device = device
        self._mark = past.mark(device)
        self._rng = random.Random(f"{self._mark}/{device.id}/latency")
        self._life = DeviceLife(
            device,
            seed=past.seed,
            pace=Pace(began_at=past.since, village_began_at=past.since, speed=1),
            report_every_s=_report_every_s(device.expected_interval_s),
        )
        self._older = len(past.updates(device))  # editions of the firmware before the present one
        self._received_at = past.since
        self._topics: dict[str, str] = {}

    def letters(self) -> Iterator[Letter]:
        yield from self._boot(self._past.since)
        for trouble in self._past.troubles(self._device):
            yield from self._live(trouble.starts_at)
            yield from self._suffer(trouble)

    def _suffer(self, trouble: Trouble) -> Iterator[Letter]:
        if trouble.of_the_uplink:
            yield from self._be_cut_off(trouble)
            return
        if trouble.kind is TroubleKind.UPDATE:
            yield self._letter(self._life.restarting(trouble.starts_at, "update"), trouble.starts_at)
            self._older = max(0, self._older - 1)
        else:
            yield self._will(trouble.starts_at + _WILL_AT_ONCE)
        yield from self._boot(trouble.ends_at, clock_set_at=trouble.clock_set_at)

    def _be_cut_off(self, trouble: Trouble) -> Iterator[Letter]:
        """Go on unheard; what a device with a spool has kept it tells afterwards, after a birth."""
        life = self._life
        will_at = trouble.starts_at + _WILL_AFTER.get(trouble.kind, _WILL_AT_ONCE)
        noticed = will_at < trouble.ends_at
        life.set_uplink(trouble.starts_at, up=False)
        if noticed:
            yield self._will(will_at)
        kept = [document for _, document in self._said(trouble.ends_at)]
        life.set_uplink(trouble.ends_at, up=True)
        at = trouble.ends_at
        if noticed:
            yield from self._connect(at)
            at += _ANSWER
        for number, document in enumerate(kept if life.spools else ()):
            yield self._letter(document, at + number * _KEPT_EVERY)

    def _live(self, until: datetime) -> Iterator[Letter]:
        for at, document in self._said(until):
            yield self._letter(document, at)

    def _said(self, until: datetime) -> Iterator[tuple[datetime, Document]]:
        life = self._life
        while (at := life.due_at) < until:
            for document in life.step(at):
                yield at, document

    def _boot(self, at: datetime, *, clock_set_at: datetime | None = None) -> Iterator[Letter]:
        self._life.boot(at, clock_unset_until=clock_set_at)
        yield from self._connect(at)

    def _connect(self, at: datetime) -> Iterator[Letter]:
        self._life.connect()
        birth = self._life.birth(at)
        data = birth.body["data"]
        if isinstance(data, dict):
            data["firmware"] = _edition(str(data["firmware"]), before=self._older)
        yield self._letter(birth, at)

    def _will(self, at: datetime) -> Letter:
        """The broker's word for a device that vanished; it has an id here, so that it is told only once."""
        will = self._life.will()
        return self._letter(Document(will.type, {**will.body, "id": f"{self._life.conn_id}-will"}), at)

    def _letter(self, document: Document, at: datetime) -> Letter:
        latency = timedelta(milliseconds=self._rng.randint(*_LATENCY_MS))
        self._received_at = max(self._received_at, at + latency)  # one after another, as they were sent
        marked = Document(document.type, {**document.body, "id": self._mark + document.id})
        return Letter(self._received_at, self._topic(document.type), marked.payload())

    def _topic(self, event_type: str) -> str:
        if event_type not in self._topics:
            native = topics.NativeTopic(self._device.municipality, self._device.id, event_type)
            self._topics[event_type] = native.topic
        return self._topics[event_type]


def _report_every_s(expected_interval_s: int) -> int:
    """How often a device tells what it measures: readings count by the hour, so who is heard seldom does it seldom."""
    if expected_interval_s <= USAGE_INTERVAL_S:
        return USAGE_INTERVAL_S
    return min(2 * expected_interval_s, _HOUR_S)


def _edition(firmware: str, *, before: int) -> str:
    """A firmware's name so many editions before it, by its last number: `openwrt 23.05.5`, `openwrt 23.05.4`."""
    name, dot, number = firmware.rpartition(".")
    return (
        f"{name}{dot}{int(number) - before:0{len(number)}d}" if before and int(number) >= before else firmware
    )
