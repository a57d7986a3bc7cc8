"""One simulated device: what it knows of itself, and what it says. Pure: it is told what time it is."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.simulator.bus import MOVING_S, ROUTES, STILL_S, Bus, every_day, library_day
from gateway.simulator.documents import Document
from gateway.simulator.hotspot import Hotspot
from gateway.simulator.kiosk import Happening, Kiosk
from gateway.simulator.pace import Pace
from gateway.simulator.turnstile import Turnstile
from gateway.simulator.vitals import Vitals
from services.events import moment

USAGE_INTERVAL_S = 300
KEEP_A_SPOOL = frozenset({"hotspot", "kiosk", "gateway"})

_NINETEEN_SEVENTY = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(milliseconds=1)  # our clock's, so that what is due has happened
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """A device as the registry has it; its interval is that of an unhurried village."""

    municipality: str
    id: str
    kind: str
    point: str | None
    expected_interval_s: int

    @property
    def place(self) -> str:
        """What it shares power and uplink with."""
        return self.point or self.id


@dataclass(frozen=True, slots=True)
class Said:
    """What a device has to say, and when it happened."""

    type: str
    at: datetime
    data: dict[str, object]


class DeviceLife:
    """A device from boot to boot. Same seed, same times asked: same events.

    `step` says what has happened up to now; nothing does before `boot`. `due_at` is when it next has something to say.
    """

    def __init__(
        self, device: SimulatedDevice, *, seed: int, pace: Pace, report_every_s: int = USAGE_INTERVAL_S
    ) -> None:
        self.device = device
        self.spools = device.kind in KEEP_A_SPOOL
        self.boot_id = self.conn_id = ""
        self._pace = pace
        self._rng = random.Random(f"{seed}/{device.id}")
        self._vitals = Vitals(self._rng, device.kind)
        self._hotspot = (
            Hotspot(f"{seed}/{device.id}/visits", pace.village_began_at) if device.kind == "hotspot" else None
        )
        self._turnstile = Turnstile(self._hotspot, pace, pace.began_at) if self._hotspot is not None else None
        self._kiosk = (
            Kiosk(f"{seed}/{device.id}/uses", pace.village_began_at) if device.kind == "kiosk" else None
        )
        self._bus = bus_of(device.place, seed=seed, pace=pace) if device.kind == "tracker" else None
        self._uplink = True
        self._beat_every = pace.rhythm(device.expected_interval_s)
        self._report_every = pace.rhythm(report_every_s)

    def boot(self, now: datetime, *, clock_unset_until: datetime | None = None) -> None:
        """Begin anew: another boot, counters at zero, and perhaps a clock that knows nothing yet."""
        self.boot_id = _in_36(round(now.timestamp() * 1000)) + "".join(self._rng.choices(_DIGITS, k=3))
        self._booted_at = now
        self._clock_unset_until = clock_unset_until
        self._seq = self._connections = 0
        # Devices that boot together do not speak in chorus.
        self._beat_at = now + self._beat_every * self._rng.uniform(0.1, 1)
        self._report_at = now + self._report_every * self._rng.uniform(0.1, 1)
        self._fix_at = now
        village_now = self._pace.village(now)
        for part in (self._hotspot, self._kiosk):
            if part is not None:
                part.restart(village_now)
        if self._turnstile is not None:
            self._turnstile.boot(now)

    def connect(self) -> None:
        """Begin another connection: birth and will name it."""
        self._connections += 1
        self.conn_id = f"{self.boot_id}.{self._connections}"

    def set_uplink(self, now: datetime, *, up: bool) -> None:
        """Take note that the world is, or is not, to be reached; what came back says at once how it fares."""
        self._pass(now)
        self._uplink = up
        if up:
            self._beat_at = now

    def crowd(self, now: datetime, until: datetime) -> None:
        """Let many people come to the hotspot, until a real time."""
        if self._hotspot is not None:
            self._hotspot.crowd(self._pace.village(now), self._pace.village(until))

    @property
    def due_at(self) -> datetime:
        """When the next event is due."""
        due = [self._beat_at]
        if self._hotspot is not None or self._kiosk is not None:
            due.append(self._report_at)
        if self._kiosk is not None:
            due.append(self._pace.real(self._kiosk.next_at) + _TICK)
        if self._bus is not None:
            due.append(self._fix_at)
        return min(due)

    def step(self, now: datetime) -> list[Document]:
        """Return what has happened up to now, oldest first."""
        said = [*self.used(now), *self._fixes(now)]
        self._pass(now)
        if now >= self._report_at:
            self._report_at = _next(self._report_at, self._report_every, now)
            said.extend(self.reports(now))
        if now >= self._beat_at:
            self._beat_at = _next(self._beat_at, self._beat_every, now)
            said.append(self.beat(now))
        return [self._event(one) for one in said]

    @property
    def rhythm(self) -> tuple[timedelta, timedelta]:
        """How often it gives a sign of life, and how often it reports what it measures."""
        return self._beat_every, self._report_every

    def beat(self, now: datetime) -> Said:
        """Return a sign of life."""
        vitals = self._vitals.measure(uplink_ok=self._uplink)
        return Said("device.heartbeat", now, {"uptime_s": self._uptime_s(now), **vitals})

    def reports(self, now: datetime) -> Iterator[Said]:
        """Yield what it measures."""
        self._pass(now)
        if self._hotspot is not None:
            yield Said("wifi.usage", now, self._hotspot.usage(round(self._report_every.total_seconds())))
        if self._kiosk is not None:
            yield Said("kiosk.health", now, self._kiosk.health(self._pace.village(now)))

    def birth(self, now: datetime) -> Document:
        """Return what it says first on a connection."""
        data: dict[str, object] = {
            "state": "online",
            "firmware": self._vitals.firmware,
            "uptime_s": self._uptime_s(now),
            "spool": self.spools,
        }
        return self._event(Said("device.status", now, data))

    def farewell(self, now: datetime) -> Document:
        """Return what it says when it is switched off in order."""
        return self._event(Said("device.status", now, {"state": "offline", "reason": "stopped"}))

    def restarting(self, now: datetime, reason: str) -> Document:
        """Return what it says when it is about to boot again by its own will."""
        return self._event(Said("device.status", now, {"state": "restarting", "reason": reason}))

    def will(self) -> Document:
        """Return what the broker is to say if it vanishes."""
        data = {"state": "offline", "reason": "lost"}
        body: dict[str, object] = {"boot": self.boot_id, "conn": self.conn_id, "data": data}
        return Document("device.status", body)

    def used(self, now: datetime) -> Iterator[Said]:
        """Yield what people have looked at, and who has left the network, since it was asked for last."""
        if self._turnstile is not None:
            self._pass(now)
            yield from (Said(*told) for told in self._turnstile.tell(self._told))
        if self._kiosk is None:
            return
        for happening in self._kiosk.advance(self._pace.village(now)):
            at = self._pace.real(happening.at)
            session, lang, view = f"{self.boot_id}-{happening.number}", happening.use.lang, happening.view
            data: dict[str, object] = {
                "session": session,
                "page": view.page,
                "lang": lang,
                "dwell_s": view.dwell_s,
            }
            yield Said("kiosk.view", at, data)
            if happening.last:
                yield Said("kiosk.session", at, self._session(happening, session, at))

    def _session(self, happening: Happening, session: str, at: datetime) -> dict[str, object]:
        """Return a session that took as long as it took in the village."""
        return {
            "session": session,
            "started_at": moment.write(self._told(at) - happening.length),
            "ended_at": moment.write(self._told(at)),
            "views": len(happening.use.views),
            "lang": happening.use.lang,
            "end": happening.use.end,
        }

    def _fixes(self, now: datetime) -> Iterator[Said]:
        if self._bus is None or now < self._fix_at:
            return
        village_now = self._pace.village(now)
        fix = self._bus.fix(village_now)
        stays_until = self._bus.stays_until(village_now)
        if fix is not None:
            # The satellites' time, whatever the device's own clock believes.
            yield Said("vehicle.position", now, {**fix, "fix_at": moment.write(now)})
            self._fix_at = now + self._pace.rhythm(STILL_S if stays_until else MOVING_S)
            if stays_until is not None:
                self._fix_at = min(self._fix_at, self._pace.real(stays_until) + _TICK)
        else:
            self._fix_at = self._pace.real(self._bus.next_trip(village_now)) + _TICK

    def _pass(self, now: datetime) -> None:
        if self._hotspot is not None:
            self._hotspot.advance(self._pace.village(now), carries=self._uplink)
        if self._turnstile is not None:
            self._turnstile.look(now)

    def _event(self, said: Said) -> Document:
        self._seq += 1
        body = {
            "id": f"{self.boot_id}-{self._seq}",
            "time": moment.write(self._told(said.at)),
            "boot": self.boot_id,
            "conn": self.conn_id,
            "seq": self._seq,
            "data": said.data,
        }
        return Document(said.type, body)

    def _told(self, at: datetime) -> datetime:
        """Return what the device believes this instant to be."""
        if self._clock_unset_until is not None and at < self._clock_unset_until:
            return _NINETEEN_SEVENTY + (at - self._booted_at)
        return at

    def _uptime_s(self, now: datetime) -> int:
        return max(0, int((now - self._booted_at).total_seconds()))


def bus_of(place: str, *, seed: int, pace: Pace) -> Bus | None:
    """Return the vehicle that a place is; nothing for a place that stands still."""
    route = ROUTES.get(place)
    runs_on = library_day if pace.speed == 1 else every_day
    return Bus(f"{seed}/{place}", route, runs_on=runs_on) if route else None


def _next(due_at: datetime, every: timedelta, now: datetime) -> datetime:
    """Return the next time in the rhythm; what was slept through is not made up for."""
    due_at += every
    return due_at if due_at > now else now + every


def _in_36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
