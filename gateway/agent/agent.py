"""The agent as a whole: sources, spool, courier, commands and the local endpoint, started and stopped in order."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

import structlog

from gateway.agent.clocks import Clocks
from gateway.agent.courier import Courier, Tally
from gateway.agent.desk import BuiltIn, Desk
from gateway.agent.disk import Disk
from gateway.agent.endpoint import serve
from gateway.agent.entries import entry_of, fact_of
from gateway.agent.failures import SpoolBroken, SpoolFull
from gateway.agent.opening import Place
from gateway.agent.options import AgentOptions
from gateway.agent.running import Run, run_program
from gateway.agent.sources.model import Source
from gateway.agent.spool import Bounds, Spool
from gateway.mqtt import NotConnected
from services.events.device import DeviceStatus
from services.events.fields import Fact
from services.runtime.tasks import running

log = structlog.get_logger()

HOUSEKEEPING_S = 600.0
# What the server takes; it is not sent for ever.
OLDEST_MS = 30 * 24 * 3_600_000
# Without a disk the server should at least hear that we are alive.
_SAID_UNKEPT = frozenset({"device.status", "device.heartbeat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an agent fares, for a person who asks."""

    device: str
    connected: bool
    trouble: str | None
    clock: str
    events_waiting: int
    bytes_waiting: int
    oldest_s: int
    evicted: int
    missed: int
    expired: int
    sent: int
    receipted: int
    refused: int
    spool: str


class Agent:
    """One device. An async context manager; leaving says goodbye, unless it is cut off.

    `sources` are read in their rhythm from the start. `clocks` and `run_program` are the machine's unless others are
    given.
    """

    def __init__(
        self,
        options: AgentOptions,
        *,
        sources: Sequence[Source] = (),
        clocks: Clocks | None = None,
        run_program: Run = run_program,
        rng: random.Random | None = None,
    ) -> None:
        self.options = options
        self.clocks = clocks or Clocks()
        self.port: int | None = None  # of the endpoint, when it listens
        self._sources = sources
        self._rng = rng or random.Random()  # noqa: S311 - scatters pauses, hides nothing
        bounds = Bounds(events=options.spool.events, bytes=options.spool.bytes)
        place = Place(path=options.spool.path, bounds=bounds, machine=self.clocks.machine_boot())
        self.disk = Disk(place, clocks=self.clocks)
        self.desk = Desk(
            options.commands,
            disk=self.disk,
            built_in=self._built_in(),
            run_program=run_program,
            before_restart=self._say_restarting,
            on_answer=self._wake,
        )
        self.courier = Courier(
            options,
            disk=self.disk,
            clocks=self.clocks,
            birth=self._birth,
            on_command=self.desk.take,
            rng=self._rng,
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start; raises AgentRefused when the spool is another agent's."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.disk)
            await stack.enter_async_context(running({"spool": self.disk.write}))
            jobs: dict[str, Callable[[], Awaitable[None]]] = {
                "courier": self.courier.run,
                "commands": self.desk.run,
                "housekeeping": self._keep_house,
            }
            jobs |= {f"source {source.name}": partial(self._read, source) for source in self._sources}
            if self.options.endpoint is not None:
                jobs["endpoint"] = partial(serve, self, self.options.endpoint)
            await stack.enter_async_context(running(jobs))
            self._stack = stack.pop_all()
        log.info("agent_started", device=self.options.device, boot=self.disk.boot)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self) -> None:
        """Be there until cancelled."""
        async with self:
            await asyncio.Event().wait()

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self.courier.connected

    @property
    def tally(self) -> Tally:
        """What was sent and receipted since the start."""
        return self.courier.tally

    def cut_off(self) -> None:
        """Lose the connection without a goodbye and stay away from the broker."""
        self.courier.cut_off()

    def reconnect(self) -> None:
        """End a cut-off."""
        self.courier.reconnect()

    async def report(self, event_type: str, data: Mapping[str, Any]) -> str:
        """Return the id of an event that is on disk now. Raises NotAnEvent, SpoolBroken or SpoolFull."""
        return await self.keep(fact_of(event_type, data))

    async def keep(self, fact: Fact) -> str:
        """Return the id of a fact that is on disk now. Raises NotAnEvent, SpoolBroken or SpoolFull."""
        kept = await self.disk.keep(entry_of(fact, self.disk.now()))
        self._wake()
        return kept

    async def waiting(self) -> int:
        """How many events have no receipt yet. Raises SpoolBroken."""
        return await self.disk.run(lambda spool: spool.events)

    async def health(self) -> Health:
        """Look at it all. Raises SpoolBroken."""
        present, session = self.disk.now(), self.courier.session
        found, events, size, oldest = await self.disk.run(
            lambda spool: (spool.present, spool.events, spool.bytes, spool.oldest_lived_ms())
        )
        return Health(
            device=self.options.device,
            connected=self.connected,
            trouble=None if session is None else session.trouble,
            clock="sure" if present.sure else "possible" if present.usable else "wrong",
            events_waiting=events,
            bytes_waiting=size,
            oldest_s=0 if oldest is None else max(0, (present.lived_ms - oldest) // 1000),
            evicted=found.evicted,
            missed=found.missed,
            expired=found.expired,
            sent=self.tally.sent,
            receipted=self.tally.receipted,
            refused=self.tally.refused,
            spool=self.disk.trouble or "ok",
        )

    async def _read(self, source: Source) -> None:
        """Read a source for ever; devices that start together do not speak in chorus."""
        await asyncio.sleep(source.every_s * self._rng.uniform(0.02, 0.2))
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self._keep_or_miss(await source.read())
            due = max(due + source.every_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _keep_or_miss(self, facts: Iterable[Fact]) -> int:
        """Keep what was measured; what cannot be kept is counted, and said aloud if it is a sign of life."""
        kept = 0
        for fact in facts:
            try:
                await self.keep(fact)
                kept += 1
            except SpoolFull:
                continue  # it has its number, so it is seen to be missing
            except SpoolBroken:
                self.disk.miss()
                if type(fact).model_fields["type"].default in _SAID_UNKEPT:
                    with suppress(NotConnected):
                        await self.courier.say_unkept(fact)
        return kept

    async def _keep_house(self) -> None:
        """Note how long we have lived, and drop what nobody would take any more."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            with suppress(SpoolBroken):
                await self.clean_up()

    async def clean_up(self) -> None:
        """Drop what is older than the server takes. Raises SpoolBroken."""

        def expire(spool: Spool) -> list[tuple[str, str]]:
            present = self.disk.now()
            by_clock = present.wall_ms - OLDEST_MS if present.sure else 0
            return spool.live(
                present.lived_ms,
                newest_ms=self.disk.newest_ms,
                expire=(present.lived_ms - OLDEST_MS, by_clock),
            )

        gone = await self.disk.run(expire)
        if gone:
            first, last = gone[0][0], gone[-1][0]
            log.warning("events_dropped", reason="too_old", count=len(gone), first=first, last=last)

    def _built_in(self) -> Mapping[str, BuiltIn]:
        return {
            "device.ping": _pong,
            "hotspot.report_now": partial(self._report_now, usage_only=True),
            "device.report": partial(self._report_now, usage_only=False),
        }

    async def _report_now(self, *, usage_only: bool) -> str:
        told = [source for source in self._sources if source.told and (source.usage or not usage_only)]
        kept = sum([await self._keep_or_miss(await source.read()) for source in told])
        if usage_only:
            return f"{kept} reports"
        health = await self.health()
        return f"{kept} reports; waiting {health.events_waiting}, evicted {health.evicted}, missed {health.missed}"

    def _birth(self) -> DeviceStatus:
        aside = self.disk.set_aside
        return DeviceStatus(
            state="online",
            firmware=self.options.firmware or _own_version(),
            uptime_s=max(0, int(self.clocks.since_power_up())),
            spool=True,
            reason=None if aside is None else f"the spool was damaged and set aside as {aside.name}"[:200],
        )

    async def _say_restarting(self) -> None:
        await self._keep_or_miss([DeviceStatus(state="restarting", reason="command")])

    def _wake(self) -> None:
        self.courier.wake()


async def _pong() -> None:
    """Answer that somebody is there."""


def _own_version() -> str:
    try:
        return f"bypunkt-agent {version('bypunkt')}"
    except PackageNotFoundError:
        return "bypunkt-agent"
