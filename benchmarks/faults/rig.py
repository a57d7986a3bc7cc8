"""An installation to be hurt: real broker, real PostgreSQL, processes of the program, and a fleet that counts.

async with rig(folder, plan) as installation:
    await installation.fleet.pace(5_000, rate=500)
    await installation.database.kill()
    …
    await installation.settle()
    found = await installation.audit()
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from benchmarks.faults.audit import Audit, audit, differences, looking
from benchmarks.faults.devices import Habits
from benchmarks.faults.fleet import Fleet, fleet_of
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.servers import PROGRAM, Broker, Database, Process
from benchmarks.faults.waiting import until
from benchmarks.faults.wiring import proxied, straight
from gateway.embedded import Mosquitto
from gateway.embedded.mosquitto import MosquittoOptions
from services.log.append import make_partitions
from services.runtime.clock import now
from services.storage import database as storage
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.importing import import_registry
from services.tenants.models import RegistryFile
from tests.gateway.agent.processes import free_port

# Synthetic villages in real municipalities, which fall into several lanes.
MUNICIPALITIES = {
    "0781": "Ljungby",
    "0583": "Motala",
    "0760": "Uppvidinge",
    "2313": "Strömsund",
    "2584": "Kiruna",
    "0480": "Nyköping",
}
_CAUGHT_UP = """
SELECT coalesce(bool_and(c.position IS NOT DISTINCT FROM l.head), true)
FROM bypunkt.lane AS l
CROSS JOIN (VALUES ('status'), ('usage')) AS r (reading)
LEFT JOIN bypunkt.reading_cursor AS c ON c.lane = l.lane AND c.reading = r.reading
WHERE l.head > 0
"""
AGENT = "hs-agent"
WITH_WEB = (("run", "--role", "gateway", "--role", "worker", "--role", "web"),)
_SEEN = """
SELECT bool_and(EXISTS (SELECT FROM bypunkt.observation AS o WHERE o.lane = u.lane)) FROM bypunkt.lane_in_use AS u
"""
_SEEN_UNTIL = """
SELECT u.lane, max(o.seen_until) AS until
FROM bypunkt.lane_in_use AS u
JOIN bypunkt.observation AS o USING (lane)
GROUP BY u.lane
"""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a rig is made of.

    `agents`: real ones that are registered beside the devices, to be run by whoever wants them.
    `processes`: the arguments of each process of the program that is started; `entry` replaces the program.
    `proxied`: devices, gateway and database are reached through proxies, in this order in `Rig.proxies`.
    `interval_s`: how often the registry expects to hear each device; three times that, and it is down.
    `safe_broker`: it saves itself at every change, so that what it has acknowledged outlives its own `kill -9`.
    """

    devices: int = 24
    agents: int = 0
    interval_s: int = 60
    habits: Habits = field(default_factory=Habits)
    processes: tuple[tuple[str, ...], ...] = (("run", "--role", "gateway", "--role", "worker"),)
    entry: tuple[str, ...] = PROGRAM
    env: Mapping[str, str] = field(default_factory=dict)
    wiped: bool = False
    proxied: bool = False
    safe_broker: bool = False
    broker_lines: tuple[str, ...] = ()
    postgres: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(slots=True, kw_only=True)
class Rig:
    """What stands; `fleet` is connected while the rig is open, `lanes` are in use.

    `web` is the address of the process with that role, if there is one (`WITH_WEB`). `killed` are the processes that
    a strike at the gateway may hit, all where it says none.
    """

    plan: Plan
    folder: Path
    env: dict[str, str]
    rng: random.Random
    postgres: EmbeddedPostgres
    mosquitto: Mosquitto
    database: Database
    broker: Broker
    processes: list[Process]
    fleet: Fleet
    lanes: int
    proxies: Sequence[Proxy]
    web: str
    killed: Sequence[Process] = ()

    @property
    def gateway(self) -> Process:
        """The first process."""
        return self.processes[0]

    async def mend(self, **env: str) -> None:
        """Start what is not running."""
        await self.broker.start()
        await self.database.start()
        for process in self.processes:
            await process.start(**env)

    async def stored(self) -> int:
        """How many events the log holds; 0 while PostgreSQL is away."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with looking(self.postgres) as connection:
                count: int = await connection.fetchval(
                    "SELECT coalesce(sum(head), 0)::bigint FROM bypunkt.lane"
                )
                return count
        return 0

    async def stored_at_least(self, count: int, *, within: float = 120.0) -> None:
        """Wait until the log holds so many events."""

        async def enough() -> bool:
            return await self.stored() >= count

        await until(enough, within=within)

    async def settle(self, *, stalled_s: float = 120.0) -> float:
        """Wait until all is confirmed, stored, and taken in by the readings; return the seconds it took.

        Fails when nothing has moved for `stalled_s`. What is confirmed and not stored by then is lost, for in every
        lane a canary has come the whole way that was sent after it.
        """
        began = time.monotonic()
        await self._until_nothing_is_left(stalled_s)
        for _ in range(2):  # the next canary may be under way already; the one after it is not
            await self._until_seen_again(stalled_s)
        await until(self._caught_up, within=stalled_s)
        return time.monotonic() - began

    async def audit(self, *, readings: bool = True, everything: bool = True) -> Audit:
        """Hold the log against the fleet, and the readings against the log."""
        found = await audit(self.postgres, self.fleet, everything=everything)
        if readings:
            found.differences = await differences(self.postgres)
        return found

    def said(self, word: str) -> int:
        """How often the processes' logs hold a word."""
        logs = {process.log for process in self.processes}
        return sum(log.read_text(encoding="utf-8", errors="replace").count(word) for log in logs)

    async def _until_nothing_is_left(self, stalled_s: float) -> None:
        least, moved_at = self.fleet.left, time.monotonic()
        while (left := self.fleet.left) > 0:
            if left < least:
                least, moved_at = left, time.monotonic()
            if time.monotonic() - moved_at > stalled_s:
                raise AssertionError(f"{left} events are unconfirmed, and nothing moves: {self.folder}")
            await asyncio.sleep(_POLL_S)

    async def _until_seen_again(self, within: float) -> None:
        before = await self._seen_until()

        async def seen_again() -> bool:
            seen = await self._seen_until()
            return all(seen[lane] > at for lane, at in before.items())

        await until(seen_again, within=within)

    async def _seen_until(self) -> dict[int, datetime]:
        async with looking(self.postgres) as connection:
            return {row["lane"]: row["until"] for row in await connection.fetch(_SEEN_UNTIL)}

    async def _caught_up(self) -> bool:
        async with looking(self.postgres) as connection:
            return bool(await connection.fetchval(_CAUGHT_UP))


@asynccontextmanager
async def rig(folder: Path, plan: Plan) -> AsyncIterator[Rig]:
    """Build an installation with registered devices, start it, and connect the devices once it can see."""
    rng = random.Random(plan.seed)
    homes = homes_of(plan.devices)
    agents = homes_of(plan.agents, name=AGENT)
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(EmbeddedPostgres(settings=plan.postgres))
        await prepare(postgres, homes | agents, interval_s=plan.interval_s)
        mosquitto = await stack.enter_async_context(
            Mosquitto(folder / "broker", options=_broker_options(plan))
        )
        wiring = straight(postgres, mosquitto)
        if plan.proxied:
            wiring = await proxied(stack, folder, postgres=postgres, mosquitto=mosquitto)
        port = free_port()
        env = wiring.env | {"BYPUNKT_WEB__PORT": str(port)} | dict(plan.env)
        members = [
            Process(*arguments, env=env, log=folder / f"{number}.log", entry=plan.entry)
            for number, arguments in enumerate(plan.processes)
        ]
        for member in members:
            await stack.enter_async_context(member)
        built = Rig(
            plan=plan,
            folder=folder,
            env=env,
            rng=rng,
            postgres=postgres,
            mosquitto=mosquitto,
            database=Database(postgres),
            broker=Broker(mosquitto, wiped=plan.wiped),
            processes=members,
            fleet=fleet_of(homes, wiring.devices, habits=plan.habits, rng=rng),
            lanes=await until_seeing(postgres),
            proxies=wiring.proxies,
            web=f"http://127.0.0.1:{port}",
        )
        await stack.enter_async_context(built.fleet)
        yield built


def homes_of(devices: int, *, name: str = "hs-fault") -> dict[str, str]:
    """Devices, by name, and the municipalities they stand in."""
    codes = sorted(MUNICIPALITIES)
    return {f"{name}-{number}": codes[number % len(codes)] for number in range(devices)}


async def prepare(postgres: EmbeddedPostgres, homes: Mapping[str, str], *, interval_s: int = 60) -> None:
    """Make the tables and register the devices."""
    await migrate(postgres.dsn())
    async with storage.Database.open(postgres.dsn(user="bypunkt_app")) as database:
        await import_registry(database, _registry(homes, interval_s))
        async with database.transaction(storage.Role.INGEST, storage.Public()) as connection:
            await make_partitions(connection, now=now())


async def until_seeing(postgres: EmbeddedPostgres, *, within: float = 120.0) -> int:
    """Wait until a canary has come the whole way in every lane in use, whose queues the broker keeps from then on.

    Returns how many lanes that are.
    """
    async with looking(postgres) as connection:
        await until(lambda: connection.fetchval(_SEEN), within=within)
        lanes: int = await connection.fetchval("SELECT count(*) FROM bypunkt.lane_in_use")
        return lanes


def _registry(homes: Mapping[str, str], interval_s: int) -> RegistryFile:
    codes = sorted(set(homes.values()))
    return RegistryFile.model_validate(
        {
            "synthetic": True,
            "municipalities": [
                {"code": code, "name": MUNICIPALITIES[code], "county": "Kronoberg", "county_code": "07",
                 "seat": {"lat": 56.83, "lon": 13.94}}
                for code in codes
            ],
            "devices": [
                {"id": name, "kind": "hotspot", "municipality": home, "expected_interval_s": interval_s}
                for name, home in homes.items()
            ],
        }
    )  # fmt: skip


def _broker_options(plan: Plan) -> MosquittoOptions:
    if plan.safe_broker:
        return MosquittoOptions(autosave_interval=1, autosave_on_changes=True, lines=plan.broker_lines)
    return MosquittoOptions(lines=plan.broker_lines)
