"""A new version under load: a heavy migration and a restart, and nothing is lost, doubled, or shown wrong (Q21)."""

import asyncio
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from config.app import READINGS
from gateway.embedded import Mosquitto
from services.log.append import make_partitions
from services.runtime.clock import now
from services.storage import migrate as migrating
from services.storage.database import Database, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import Migration, MigrationError, migrate, migrations
from services.tenants.importing import import_registry
from tests.gateway.agent.processes import Machine, free_port
from tests.support.installation import environment, outcome, program
from tests.support.processes import ROOT
from tests.support.villages import registry
from tests.support.waiting import eventually

HOMES = {"hs-lidhult-1": "0781", "hs-lidhult-2": "0781", "hs-fornasa-1": "0583"}
OLD_EVENTS = 100_000
ENOUGH = 300
VISITS = 5
# Everything that a migration may do to a table under load: it holds the log for itself until all of it is done.
HEAVY = """
ALTER TABLE event ADD COLUMN weekday smallint;
UPDATE event SET weekday = extract(isodow FROM at);
CREATE INDEX event_weekday ON event (municipality, weekday);
ALTER TABLE device_status ADD COLUMN note text NOT NULL DEFAULT '';
"""
# Old events, of a device and in a lane that no reading looks at: there only to make the migration heavy.
FILL = """
INSERT INTO bypunkt.event (municipality, device, at, id, retention, lane, position, type, received_at, data)
SELECT '0781', 'hs-gone-1', now() - n * interval '10 seconds', 'old-' || n, 'standard', 999, n, 'device.heartbeat',
    now(), '{"uptime_s": 1}'
FROM generate_series(1, $1::int) AS n
"""


@dataclass
class Visitor:
    """Somebody who looks at a page ten times a second, and remembers what came."""

    url: str
    refused: list[float] = field(default_factory=list)
    bad: list[tuple[float, int]] = field(default_factory=list)
    slowest_s: float = 0.0
    looked: int = 0

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as session:
            while True:
                began = loop.time()
                try:
                    async with session.get(self.url) as answer:
                        await answer.read()
                        self.looked += 1
                        if answer.status != 200:
                            self.bad.append((began, answer.status))
                        self.slowest_s = max(self.slowest_s, loop.time() - began)
                except (aiohttp.ClientError, OSError):
                    self.refused.append(began)
                await asyncio.sleep(0.1)


async def test_a_new_version_under_load_loses_and_doubles_nothing_and_the_old_one_goes_on_until_then(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    newer = next_version(tmp_path / "newer")
    machines = [Machine(tmp_path, mosquitto, device=name, municipality=home) for name, home in HOMES.items()]
    loop = asyncio.get_running_loop()
    visitor = Visitor(f"http://127.0.0.1:{(port := free_port())}/")
    log = tmp_path / "bypunkt.log"
    async with EmbeddedPostgres() as postgres, AsyncExitStack() as stack:
        env = environment(await prepared(postgres), mosquitto, BYPUNKT_WEB__PORT=str(port))
        env["BYPUNKT_DATABASE__ADMIN_URL"] = postgres.dsn()
        for machine in machines:
            await stack.enter_async_context(machine.running())
        async with asyncio.TaskGroup() as tasks:
            pages = [tasks.create_task(visits(machine)) for machine in machines]
            async with program("run", env=env, log=log) as old:
                await eventually(lambda: answers(visitor.url), within=60)
                looking = tasks.create_task(visitor.look())
                await eventually(lambda: stored_at_least(postgres, ENOUGH), within=60)
                began = loop.time()
                done = await outcome("migrate", env=env, at=newer)
                migrated_s = loop.time() - began
                assert done == (0, "applied: heavy\n", ""), done
                # The old program goes on with a database that is newer than it, and is not let in anew.
                count = sum((await stored(postgres)).values())
                await eventually(lambda: stored_at_least(postgres, count + ENOUGH), within=60)
                status, _, complaint = await outcome("run", env=env | {"BYPUNKT_WEB__PORT": "0"})
                assert status == 1
                assert "install the newer bypunkt" in complaint
                assert len(complaint.splitlines()) == 1
                assert (visitor.refused, visitor.bad) == ([], [])
                stopped = loop.time()
                old.send_signal(signal.SIGTERM)
                assert await old.wait() == 0
            async with program("run", env=env, log=log, at=newer):
                await eventually(lambda: answers(visitor.url), within=60)
                back = loop.time()
                count = sum((await stored(postgres)).values())
                await eventually(lambda: stored_at_least(postgres, count + ENOUGH), within=60)
                for page in pages:
                    page.cancel()
                accepted = {name for machine in machines for name in machine.accepted}
                await eventually(lambda: holds(postgres, accepted), within=90)
                looking.cancel()
                counted = await stored(postgres)
                for reading in READINGS:
                    equal = (0, f"{reading.name}: the tables equal the log\n", "")
                    assert await outcome("rebuild", reading.name, "--verify", env=env, at=newer) == equal
    sys.stderr.write(
        f"migration {migrated_s:.1f} s with {OLD_EVENTS} events, restart {back - stopped:.1f} s, "
        f"{visitor.looked} pages, slowest {visitor.slowest_s:.1f} s, {len(accepted)} events\n"
    )
    assert len(accepted) > 3 * ENOUGH
    assert {name: times for name, times in counted.items() if times > 1} == {}
    assert accepted <= counted.keys()
    assert visitor.bad == []
    assert all(stopped <= at <= back for at in visitor.refused)
    assert "task_failed" not in log.read_text(encoding="utf-8")


async def test_a_migration_that_waits_for_a_lock_gives_up_and_can_be_started_again(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [*migrations(), Migration(len(migrations()) + 1, "heavy", HEAVY)]
    monkeypatch.setattr(migrating, "migrations", lambda: known)
    async with looking_at(admin_url) as somebody:
        loop = asyncio.get_running_loop()
        async with somebody.transaction():
            await somebody.fetch(
                "SELECT FROM bypunkt.event LIMIT 1"
            )  # as a backup does for as long as it takes
            began = loop.time()
            with pytest.raises(
                MigrationError, match=r"_heavy .*nothing of it was done: run `bypunkt migrate` again"
            ):
                await migrate(admin_url)
            assert 9 < loop.time() - began < 20
            assert await migrating.pending(somebody) == ["heavy"]
        assert await migrate(admin_url) == ["heavy"]
        assert await migrate(admin_url) == []


def next_version(folder: Path) -> Path:
    """This program with one more migration."""
    for room in ("config", "dashboard", "gateway", "services"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    number = len(migrations()) + 1
    (folder / "services/storage/migrations" / f"{number:04d}_heavy.sql").write_text(HEAVY)
    return folder


async def visits(machine: Machine) -> None:
    """Leave views with the agent, a handful several times a second, for ever."""
    number = 0
    while True:
        await machine.hand_in(range(number, number + VISITS))
        number += VISITS
        await asyncio.sleep(0.2)


async def prepared(postgres: EmbeddedPostgres) -> str:
    await migrate(postgres.dsn())
    url = postgres.dsn(user="bypunkt_app")
    async with Database.open(url) as database:
        await import_registry(database, registry())
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=now())
    async with looking_at(postgres.dsn()) as admin:
        await admin.execute("SELECT bypunkt.make_event_partitions(now() - interval '20 days', now())")
        await admin.execute(FILL, OLD_EVENTS)
    return url


@asynccontextmanager
async def looking_at(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False


async def stored(postgres: EmbeddedPostgres) -> Counter[str]:
    async with looking_at(postgres.dsn()) as connection:
        rows = await connection.fetch("SELECT id FROM bypunkt.event WHERE type = 'kiosk.view'")
    return Counter(row["id"] for row in rows)


async def stored_at_least(postgres: EmbeddedPostgres, count: int) -> bool:
    await asyncio.sleep(0.2)
    return sum((await stored(postgres)).values()) >= count


async def holds(postgres: EmbeddedPostgres, ids: set[str]) -> bool:
    await asyncio.sleep(0.2)
    return ids <= (await stored(postgres)).keys()
