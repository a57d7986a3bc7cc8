"""A device that runs the real agent, with its spool on disk; only what it measures is simulated."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.agent import Agent, AgentOptions, Clocks, Source
from gateway.simulator.device import DeviceLife, Said
from gateway.simulator.presence import Tally
from gateway.simulator.uplink import BrokerAddress
from services.events import EVENT_TYPES
from services.events.fields import Fact
from services.runtime.clock import Clock

KINDS = frozenset({"hotspot", "kiosk", "gateway"})
"""What an agent can be."""

_LOOK_S = 1.0  # for views: they are reported when they are over


class AgentPresence:
    """Starts an agent at each boot; a power cut breaks it off, and its spool is all that is left of it."""

    def __init__(self, life: DeviceLife, directory: Path, *, tally: Tally, clock: Clock) -> None:
        self._life = life
        self._directory = directory
        self._tally = tally
        self._clock = clock
        self._agent: Agent | None = None
        self._machine_boot = ""
        self._booted_s = 0.0
        self._clock_unset_until: datetime | None = None

    def boot(self, now: datetime, *, clock_unset_until: datetime | None) -> None:
        """Start the machine anew."""
        self._machine_boot = secrets.token_hex(8)
        self._booted_s = time.monotonic()
        self._clock_unset_until = clock_unset_until
        self._life.boot(now)

    def die(self) -> None:
        """Lose power; what was on its way to the disk is lost with it."""
        if self._agent is not None:
            self._agent.cut_off()

    def set_uplink(self, *, up: bool) -> None:
        """Measure from now on that the world is, or is not, to be reached; the agent finds out by itself."""
        self._life.set_uplink(self._clock(), up=up)

    def crowd(self, until: datetime) -> None:
        """Let many people come until then."""
        self._life.crowd(self._clock(), until)

    async def live(self, broker: BrokerAddress) -> None:
        """Run the agent until cancelled."""
        agent = self._agent = Agent(self._options(broker), sources=self._sources(), clocks=self._clocks())
        try:
            async with agent:
                await asyncio.Event().wait()
        finally:
            self._agent = None
            self._tally.sent += agent.tally.sent
            self._tally.receipted += agent.tally.receipted
            self._tally.refused += agent.tally.refused

    @property
    def tally(self) -> Tally:
        """What the agent that runs now has counted; those before it are in the fleet's own."""
        found = Tally()
        if self._agent is not None:
            counted = self._agent.tally
            found = Tally(sent=counted.sent, receipted=counted.receipted, refused=counted.refused)
        return found

    def _sources(self) -> list[Source]:
        beat_every, report_every = (every.total_seconds() for every in self._life.rhythm)
        return [
            Source("heartbeat", beat_every, self._beat),
            Source("reports", report_every, self._reports, usage=self._life.device.kind == "hotspot"),
            Source("views", _LOOK_S, self._used, told=False),
        ]

    async def _beat(self) -> Sequence[Fact]:
        return _facts([self._life.beat(self._clock())])

    async def _reports(self) -> Sequence[Fact]:
        return _facts(self._life.reports(self._clock()))

    async def _used(self) -> Sequence[Fact]:
        return _facts(self._life.used(self._clock()))

    def _clocks(self) -> Clocks:
        return Clocks(
            wall=self._wall,
            since_power_up=lambda: time.monotonic() - self._booted_s,
            synchronised=lambda: not self._unset,
            machine_boot=lambda: self._machine_boot,
        )

    @property
    def _unset(self) -> bool:
        return self._clock_unset_until is not None and self._clock() < self._clock_unset_until

    def _wall(self) -> datetime:
        now = self._clock()
        if not self._unset:
            return now
        return datetime.fromtimestamp(time.monotonic() - self._booted_s, UTC)

    def _options(self, broker: BrokerAddress) -> AgentOptions:
        device = self._life.device
        place: dict[str, Any] = {
            "host": broker.host,
            "port": broker.port,
            "protocol": broker.protocol,
            "user": broker.username,
        }
        if broker.password is not None:
            place["password_file"] = self._secret(broker.password)
        return AgentOptions.model_validate(
            {
                "municipality": device.municipality,
                "device": device.id,
                "kind": device.kind,
                "broker": place,
                "spool": {"path": self._directory / f"{device.id}.sqlite"},
            }
        )

    def _secret(self, password: str) -> Path:
        path = self._directory / "password"
        path.touch(mode=0o600)
        path.write_text(password, encoding="utf-8")
        return path


def _facts(said: Iterable[Said]) -> list[Fact]:
    return [EVENT_TYPES[one.type].model_validate(one.data) for one in said]
