"""`bypunkt run` and `bypunkt migrate`."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from config.app import Part
from gateway.embedded import Mosquitto
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate, migrations
from tests.config.cli.calling import bypunkt
from tests.support import processes
from tests.support.installation import environment, outcome, program
from tests.support.waiting import eventually


async def test_migrate_does_its_work_once(blank_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", blank_database_url)
    monkeypatch.setenv("BYPUNKT_DATABASE__LANES", "4")
    said = await bypunkt("migrate")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"applied: {', '.join(migration.name for migration in migrations())}\n"
    assert (await bypunkt("migrate")).out == "nothing to do: the database is up to date\n"
    connection = await asyncpg.connect(blank_database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM bypunkt.lane") == 4
        await connection.execute("INSERT INTO bypunkt.migration VALUES (9999, 'from_the_future', 'x')")
    finally:
        await connection.close()
    assert "install the newer bypunkt" in (await bypunkt("migrate")).problem


async def test_migrate_gives_the_login_the_password_of_the_run_time_address(
    blank_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("postgresql://bypunkt_other:word@db/bypunkt\n")
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", blank_database_url)
    monkeypatch.setenv("BYPUNKT_DATABASE__URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("BYPUNKT_DATABASE__APP_LOGIN", "bypunkt_other")
    assert (await bypunkt("migrate")).code == 0
    connection = await asyncpg.connect(blank_database_url)
    try:
        kept = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'bypunkt_other'")
        assert kept.startswith("SCRAM-SHA-256$")
    finally:
        await connection.execute("DROP OWNED BY bypunkt_other")
        await connection.execute("DROP ROLE bypunkt_other")
        await connection.close()
    monkeypatch.setenv("BYPUNKT_DATABASE__URL_FILE", str(tmp_path / "nowhere"))
    assert "BYPUNKT_DATABASE__URL_FILE" in (await bypunkt("migrate")).problem


async def test_run_refuses_what_it_must_not_use_with_a_line_each(
    database_url: str, mosquitto: Mosquitto
) -> None:
    """An unsafe database, a missing setting, a port that is taken: said once, and no traceback."""
    env = environment(database_url, mosquitto)
    nothing = {name: value for name, value in env.items() if name != "BYPUNKT_DATABASE__URL"}
    unsafe, unset = await asyncio.gather(
        outcome("run", env=env), outcome("run", "--role", "web", env=nothing)
    )
    assert unsafe[0] == unset[0] == 1
    assert [line.partition(" = ")[0] for line in unsafe[2].splitlines()] == [
        f"bypunkt: PostgreSQL runs with {name}"
        for name in ("fsync", "full_page_writes", "synchronous_commit")
    ]
    assert unset[2].startswith("bypunkt: BYPUNKT_DATABASE__URL is not set")


async def test_run_serves_until_it_is_told_to_end_and_says_when_its_port_is_taken(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        env = environment(postgres.dsn(user="bypunkt_app"), mosquitto)
        log = tmp_path / "run.log"
        async with program("run", env=env, log=log) as running:
            await eventually(lambda: '"started"' in log.read_text(encoding="utf-8"), within=30)
            taken = await outcome(
                "run", "--role", "web", env={**env, "BYPUNKT_WEB__PORT": str(mosquitto.port)}
            )
            family = processes.family(running.pid)
            running.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(running.wait(), 20) == 0
            assert not any(processes.alive(pid) for pid in family)
    assert taken[0] == 1
    complaint = taken[2].splitlines()[-1]
    assert complaint.startswith("bypunkt: ")
    assert str(mosquitto.port) in complaint
    assert "PostgreSQL" not in complaint


def test_each_part_is_a_role_that_can_be_asked_for() -> None:
    assert [str(part) for part in Part] == ["gateway", "worker", "web"]
