"""A backup is the whole database at one instant, and a restored one is the same database again."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from config.app import READINGS
from services.log.follow import Follower, LaneSignals, verify_lane
from services.log.store import Sight, record_sight
from services.storage.backup import Archive, programs, restore, try_out
from services.storage.backup.making import back_up
from services.storage.database import Database, Lane, Public, Role, Tenants
from services.storage.embedded import EmbeddedPostgres
from services.storage.embedded.binaries import system_directories, wheel_directories
from services.storage.migrate import migrate
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

APP = "bypunkt_app"
OURS = Tenants(("0781", "0583"))
USAGE = {"iface": "wlan0", "clients": 3, "down_bytes": 1_000}


@asynccontextmanager
async def admin(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def live_a_while(database: Database, events: int = 20) -> None:
    """Let both municipalities have some history that the readings have read."""
    for code, device in (("0781", "hs-lidhult-1"), ("0583", "hs-fornasa-1")):
        lane = await lane_of(database, code)
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            await record_sight(connection, lane, Sight(NOON, NOON + timedelta(hours=1)))
        await add(
            database,
            *(
                heartbeat(number, municipality=code, device=device, type="wifi.usage", data=USAGE)
                for number in range(events)
            ),
        )
        await read_all(database, lane)


async def read_all(database: Database, lane: int) -> None:
    for reading in READINGS:
        follower = Follower(
            database, reading, lane, clock=lambda: NOON + timedelta(hours=1), signals=LaneSignals()
        )
        while (await follower.step()).events:
            pass


async def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table but the sessions, as text."""
    async with admin(url) as connection:
        tables = await connection.fetch(
            "SELECT relname AS name, format('SELECT t::text AS row FROM bypunkt.%I AS t ORDER BY 1', relname) AS reads"
            " FROM pg_class WHERE relnamespace = 'bypunkt'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname <> 'web_session'"
        )
        return {
            table["name"]: [row["row"] for row in await connection.fetch(table["reads"])] for table in tables
        }


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def schema(url: str, *, major: int) -> list[str]:
    """The schema with all its rights, as PostgreSQL tells it; the order of objects is by name."""
    dump = programs.find("pg_dump", at_least=major)
    done = subprocess.run(
        [dump.path, f"--dbname={url}", "--schema-only"], capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("\\")]
    # Of a trigger's condition PostgreSQL itself writes the parentheses otherwise once it has read them.
    return [re.sub(r"[()]", "", line) if line.startswith("CREATE TRIGGER") else line for line in lines]


async def test_a_restored_database_is_the_same_with_all_its_rights(
    database_url: str, admin_url: str, blank_database_url: str, tmp_path: Path
) -> None:
    async with villages(database_url) as database:
        await live_a_while(database)
    made = await back_up(admin_url, tmp_path / "b.tar", app_login=APP)
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["b.tar"]
    assert made.manifest.content.tables["event"] == 40
    assert made.manifest.content.tables["municipality"] == 2  # row-level security hides nobody
    restored = await restore(blank_database_url, Archive.open(tmp_path / "b.tar"), app_login=APP)
    assert restored.migrated == ()
    assert await everything(blank_database_url) == await everything(admin_url)
    major = made.manifest.server_major
    assert schema(blank_database_url, major=major) == schema(admin_url, major=major)


async def test_the_running_program_s_login_works_in_it_and_the_readings_equal_its_log(
    database_url: str, admin_url: str, blank_database_url: str, tmp_path: Path
) -> None:
    async with villages(database_url) as database:
        await live_a_while(database)
    await back_up(admin_url, tmp_path / "b.tar", app_login=APP)
    await restore(blank_database_url, Archive.open(tmp_path / "b.tar"), app_login=APP)
    async with Database.open(blank_database_url.replace("postgres@", f"{APP}@")) as database:
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            rows = await connection.fetch("SELECT DISTINCT municipality FROM event")
        assert [row["municipality"] for row in rows] == ["0583"]
        for code in ("0781", "0583"):
            lane = await lane_of(database, code)
            assert [await verify_lane(database, reading, lane) for reading in READINGS] == [[], []]
        # And life goes on where it was: the same event again is none, a new one has the next position.
        assert (await add(database, heartbeat(1, type="wifi.usage", data=USAGE))).new == 0
        assert (await add(database, heartbeat(100))).new == 1


async def test_nobody_is_signed_in_after_a_restore(
    database_url: str, admin_url: str, blank_database_url: str, tmp_path: Path
) -> None:
    async with villages(database_url):
        pass
    async with admin(admin_url) as connection:
        await connection.execute(
            "INSERT INTO bypunkt.person (login, role, password_hash) VALUES ('anna@example.se', 'network', 'x');"
            "INSERT INTO bypunkt.web_session SELECT '\\x00', id, now(), now() + interval '1 day' FROM bypunkt.person"
        )
    made = await back_up(admin_url, tmp_path / "b.tar", app_login=APP)
    assert made.manifest.content.tables["web_session"] == 1
    await restore(blank_database_url, made, app_login=APP)
    async with admin(blank_database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM bypunkt.web_session") == 0
        assert await connection.fetchval("SELECT count(*) FROM bypunkt.person") == 1


async def test_a_backup_taken_while_events_flow_is_one_instant(
    database_url: str, admin_url: str, blank_database_url: str, tmp_path: Path
) -> None:
    async with villages(database_url) as database:
        await live_a_while(database)
        stopped = asyncio.Event()

        async def flow() -> int:
            number = 1_000
            while not stopped.is_set():
                number += 1
                await add(database, heartbeat(number, at=NOON + timedelta(seconds=number)))
            return number - 1_000

        async with asyncio.TaskGroup() as tasks:
            flowing = tasks.create_task(flow())
            made = await back_up(admin_url, tmp_path / "b.tar", app_login=APP)
            stopped.set()
        assert flowing.result() > 0
        content = made.manifest.content
        assert content.tables["event"] < 40 + flowing.result()
        assert sum(content.lanes.values()) == content.tables["event"]  # heads and events of the same instant
    await restore(blank_database_url, made, app_login=APP)
    async with Database.open(blank_database_url.replace("postgres@", f"{APP}@")) as restored:
        lane = await lane_of(restored, "0781")
        await read_all(restored, lane)
        for reading in READINGS:
            assert await verify_lane(restored, reading, lane) == []


async def test_a_trial_leaves_nothing_behind(
    database_url: str, admin_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with villages(database_url) as database:
        await live_a_while(database)
    async with admin(postgres.dsn()) as connection:
        before = await connection.fetch("SELECT datname FROM pg_database ORDER BY 1")
        made = await back_up(admin_url, tmp_path / "b.tar", app_login=APP, trial=True)
        gone: list[int] = []
        await try_out(admin_url, made, app_login=APP, on_progress=gone.append)
        assert sum(gone) == made.manifest.dump_bytes
        assert await connection.fetch("SELECT datname FROM pg_database ORDER BY 1") == before


async def test_tar_and_pg_restore_alone_can_read_it(
    database_url: str, admin_url: str, tmp_path: Path
) -> None:
    async with villages(database_url) as database:
        await live_a_while(database)
    made = await back_up(admin_url, tmp_path / "b.tar", app_login=APP)
    by_hand("tar", "-xf", "b.tar", at=tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["content"]["tables"]["event"] == 40
    assert by_hand("sha256sum", "database.dump", at=tmp_path).split()[0] == manifest["dump_sha256"]
    pg_restore = programs.find("pg_restore", at_least=made.manifest.dumped_by_major).path
    assert "TABLE DATA bypunkt municipality" in by_hand(pg_restore, "--list", "database.dump", at=tmp_path)


def by_hand(*command: str | Path, at: Path) -> str:
    return subprocess.run(command, cwd=at, check=True, capture_output=True, text=True).stdout


OTHER_SERVERS = [next(system_directories()), next(wheel_directories())]  # the system's, and the newest


@pytest.mark.parametrize("binaries", OTHER_SERVERS, ids=lambda path: path.parent.name)
async def test_it_comes_back_on_another_server_under_an_administrator_who_is_no_superuser(
    binaries: Path, tmp_path: Path, open_directory: Path
) -> None:
    """As in production: the administrator may create roles and owns the database, and that is all."""
    first, second = open_directory / "first", open_directory / "second"
    async with EmbeddedPostgres(first, fast=True, binaries=binaries) as server:
        url = await _prepared(server)
        await migrate(url)
        async with villages(server.dsn("village", user=APP)) as database:
            await live_a_while(database)
        made = await back_up(url, tmp_path / "b.tar", app_login=APP, trial=True)
        before = await everything(server.dsn("village"))
    async with EmbeddedPostgres(second, fast=True, binaries=OTHER_SERVERS[-1]) as server:
        await restore(await _prepared(server), made, app_login=APP)
        assert await everything(server.dsn("village")) == before
        async with (
            Database.open(server.dsn("village", user=APP)) as database,
            database.transaction(Role.READ, Public()) as connection,
        ):
            assert len(await connection.fetch("SELECT * FROM public_point")) == 2


async def _prepared(server: EmbeddedPostgres) -> str:
    """Make an empty database as an operator does who keeps the superuser to herself."""
    async with admin(server.dsn()) as connection:
        await connection.execute("CREATE ROLE boss LOGIN CREATEROLE CREATEDB")
        await connection.execute("CREATE DATABASE village OWNER boss")
    return server.dsn("village", user="boss")
