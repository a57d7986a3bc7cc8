"""Nothing that an agent has accepted is lost, and nothing counts twice, whatever is killed meanwhile."""

import asyncio
import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import asyncpg

from gateway.embedded import Mosquitto
from services.events import moment
from services.log.append import make_partitions
from services.runtime.clock import now
from services.storage.database import Database, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.importing import import_registry
from tests.gateway.agent.processes import Machine
from tests.support.gateways import at_work as gateway_at_work
from tests.support.installation import environment, kill, program
from tests.support.mqtt import publish
from tests.support.villages import registry
from tests.support.waiting import eventually

EVENTS = 5_000
AWAY_S = 30
COMMANDS = "bypunkt/v1/0781/hs-lidhult-1/down/command"
HOMES = {"hs-lidhult-1": "0781", "hs-lidhult-2": "0781", "hs-fornasa-1": "0583"}


async def test_all_is_stored_once_though_gateway_database_and_broker_fail(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    machines = [Machine(tmp_path, mosquitto, device=name, municipality=home) for name, home in HOMES.items()]
    async with EmbeddedPostgres() as postgres, AsyncExitStack() as stack:
        env = environment(await _prepared(postgres), mosquitto)
        log = tmp_path / "gateway.log"
        for machine in machines:
            await stack.enter_async_context(machine.running())
        share = EVENTS // len(machines) + 1
        async with asyncio.TaskGroup() as pages:
            for machine in machines:
                pages.create_task(_visit(machine, share))
            async with program("run", "--role", "gateway", env=env, log=log) as gateway:
                await eventually(lambda: _stored_at_least(postgres, 300), within=60)
                kill(gateway)
                await gateway.wait()
            async with program("run", "--role", "gateway", env=env, log=log):
                await eventually(lambda: _stored_at_least(postgres, 800), within=60)
                await postgres.kill()
                await asyncio.sleep(AWAY_S / 2)
                await mosquitto.kill()
                shutil.rmtree(mosquitto.store)
                await mosquitto.start()
                await asyncio.sleep(AWAY_S / 2)
                await postgres.start()
                accepted = {name for machine in machines for name in machine.accepted}
                await eventually(lambda: _holds(postgres, accepted), within=90)
                await eventually(
                    lambda: all(len(machine.accepted) >= share for machine in machines), within=60
                )
                accepted = {name for machine in machines for name in machine.accepted}
                await eventually(lambda: _holds(postgres, accepted), within=90)
                counted = await _stored(postgres)
        assert len(accepted) == share * len(machines) >= EVENTS
        assert {name: count for name, count in counted.items() if count > 1} == {}
        assert {name for name in counted if name[1] == "kiosk.view"} == {
            (name, "kiosk.view") for name in accepted
        }


async def test_an_agent_that_is_killed_at_any_moment_loses_nothing_that_it_accepted(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    rng = random.Random(seed := random.randrange(2**32))
    sys.stderr.write(f"seed {seed}\n")  # shown when it fails
    machine = Machine(tmp_path, mosquitto)
    async with (
        EmbeddedPostgres() as postgres,
        program("run", "--role", "gateway", env=environment(await _prepared(postgres), mosquitto)),
    ):
        async with asyncio.TaskGroup() as tasks:
            page = tasks.create_task(machine.hand_in(range(1_500)))
            for _ in range(8):
                async with machine.running() as agent:
                    await asyncio.sleep(rng.uniform(0, 0.6))
                    kill(agent)
                    await agent.wait()
            async with machine.running():
                await page
        async with machine.running():
            accepted = set(machine.accepted)
            await eventually(lambda: _holds(postgres, accepted), within=60)
        counted = await _stored(postgres)
    assert len(machine.accepted) == len(accepted) == 1_500
    assert {name: count for name, count in counted.items() if count > 1} == {}


async def test_no_command_is_carried_out_twice_and_each_gets_one_final_answer(
    mosquitto: Mosquitto, database_url: str, admin_url: str, tmp_path: Path
) -> None:
    """The agent is killed by its own commands, before and after they act, and at random moments too."""
    rng = random.Random(seed := random.randrange(2**32))
    sys.stderr.write(f"seed {seed}\n")
    done, script = tmp_path / "done", tmp_path / "act.sh"
    done.touch()
    script.write_text(ACT.format(done=done), encoding="utf-8")
    allowed = f"""
        [commands."kiosk.act"]
        program = ["/bin/sh", "{script}", "{{how}}"]
        args = {{ how = {{ pattern = "[a-z0-9-]+" }} }}
    """
    names = [f"{how}-{number}" for how in ("before", "after", "plain") for number in range(5)]
    rng.shuffle(names)
    machine = Machine(tmp_path, mosquitto, more=allowed)
    async with gateway_at_work(database_url, mosquitto), asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(_keep_alive(machine, rng))
        async with asyncio.timeout(100):
            while len(await _finals(admin_url)) < len(names):
                for name in names:
                    await publish(mosquitto, COMMANDS, _command(name))
                await asyncio.sleep(0.3)
        keeper.cancel()
        await asyncio.wait([keeper])
        async with machine.running(), asyncio.timeout(60):
            while "plain-last" not in await _finals(admin_url):
                for name in [*names, "plain-last"]:  # long answered, but for the last
                    await publish(mosquitto, COMMANDS, _command(name))
                await asyncio.sleep(0.3)
    finals = await _finals(admin_url)
    acted = Counter(done.read_text(encoding="utf-8").split())
    assert set(finals) == {*names, "plain-last"}
    assert {name: states for name, states in finals.items() if len(states) != 1} == {}
    for name in names:
        assert acted[name] <= 1, acted
        assert acted[name] == 1 or finals[name] == ["failed"]
        if name.startswith("before"):
            assert (acted[name], finals[name]) == (0, ["failed"])
        if name.startswith("after"):
            assert finals[name] == ["failed"]


ACT = """
case "$1" in
  before-*) kill -9 $PPID ; exit 1 ;;
  after-*) echo "$1" >> {done} ; kill -9 $PPID ;;
  *) echo "$1" >> {done} ;;
esac
"""


def _command(name: str) -> str:
    late = moment.write(now() + timedelta(minutes=10))
    return json.dumps({"id": name, "name": "kiosk.act", "args": {"how": name}, "expires_at": late})


async def _keep_alive(machine: Machine, rng: random.Random) -> None:
    """Start the agent again whenever it has been killed, and kill it now and then."""
    while True:
        async with machine.started() as agent:
            with suppress(TimeoutError):
                async with asyncio.timeout(rng.uniform(1.5, 4)):
                    await agent.wait()


async def _finals(url: str) -> dict[str, list[str]]:
    """Return the final answers to each command."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT data FROM bypunkt.event WHERE type = 'command.result'")
    finally:
        await connection.close()
    found: dict[str, list[str]] = {}
    for row in rows:
        said = json.loads(row["data"])
        if said["state"] != "accepted":
            found.setdefault(said["command"], []).append(said["state"])
    return found


async def _visit(machine: Machine, share: int) -> None:
    """Hand in events, some every second, so that all that happens meanwhile is felt."""
    for start in range(0, share, 50):
        await machine.hand_in(range(start, min(start + 50, share)))
        await asyncio.sleep(1)


async def _prepared(postgres: EmbeddedPostgres) -> str:
    await migrate(postgres.dsn())
    url = postgres.dsn(user="bypunkt_app")
    async with Database.open(url) as database:
        await import_registry(database, registry())
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=now())
    return url


@asynccontextmanager
async def _looking(postgres: EmbeddedPostgres) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def _stored(postgres: EmbeddedPostgres) -> Counter[tuple[str, str]]:
    """Count (id, type) of all that is stored."""
    async with _looking(postgres) as connection:
        rows = await connection.fetch("SELECT id, type FROM bypunkt.event")
    return Counter((row["id"], row["type"]) for row in rows)


async def _stored_at_least(postgres: EmbeddedPostgres, count: int) -> bool:
    await asyncio.sleep(0.1)
    with suppress(OSError, asyncpg.PostgresError):
        return sum((await _stored(postgres)).values()) >= count
    return False


async def _holds(postgres: EmbeddedPostgres, ids: set[str]) -> bool:
    await asyncio.sleep(0.1)
    with suppress(OSError, asyncpg.PostgresError):
        return ids <= {name for name, _ in await _stored(postgres)}
    return False
