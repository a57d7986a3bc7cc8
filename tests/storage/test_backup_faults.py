"""What goes wrong with a backup is said in one line, and leaves nothing that looks like one."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.embedded import Mosquitto
from services.storage.backup import (
    BackupError,
    back_up,
    making,
    remove_old,
    try_out,
)
from services.storage.backup.archive import Archive
from services.storage.embedded import EmbeddedPostgres
from tests.storage.test_backup import APP, admin, names_in
from tests.support.installation import environment, program
from tests.support.processes import ROOT
from tests.support.waiting import eventually


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process become larger, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_full_disk_leaves_nothing(filled: str, tmp_path: Path, size: int) -> None:
    with room_for(size), pytest.raises(BackupError, match=r"cannot write .*b\.tar: File too large"):
        await back_up(filled, tmp_path / "b.tar", app_login=APP)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("before", ["the end mark", "the manifest"])
async def test_a_disk_that_is_full_just_before_the_end_leaves_nothing(
    filled: str, tmp_path: Path, before: str
) -> None:
    made = await back_up(filled, tmp_path / "b.tar", app_login=APP)
    size = made.path.stat().st_size
    room = size - 100 if before == "the end mark" else made.manifest.dump_bytes + 700
    with room_for(room), pytest.raises(BackupError, match="cannot write"):
        await back_up(filled, tmp_path / "c.tar", app_login=APP)
    assert names_in(tmp_path) == ["b.tar"]


async def test_a_database_that_is_away_or_goes_away_is_said_and_leaves_nothing(
    killable: EmbeddedPostgres, tmp_path: Path
) -> None:
    pull = pulling_the_plug(killable)
    with pytest.raises(BackupError, match=r"pg_dump failed|PostgreSQL went away"):
        await back_up(killable.dsn(), tmp_path / "b.tar", app_login=APP, on_progress=pull)
    await eventually(lambda: not killable.running)
    with pytest.raises(BackupError, match="cannot reach PostgreSQL as administrator"):
        await back_up(killable.dsn(), tmp_path / "b.tar", app_login=APP)
    assert names_in(tmp_path) == []


def pulling_the_plug(server: EmbeddedPostgres) -> Callable[[int], None]:
    """Kill the server as soon as something has been read or written."""

    def pull(_: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGKILL)

    return pull


async def test_a_killed_backup_leaves_nothing_that_looks_like_one(filled: str, tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys, pathlib\n"
        "from services.storage.backup import back_up\n"
        "die = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(back_up(sys.argv[1], pathlib.Path(sys.argv[2]), app_login='bypunkt_app', on_progress=die))\n"
    )
    target = tmp_path / "bypunkt-20260101T000000Z.tar"
    status = killed_process(code, filled, str(target))
    assert status == -signal.SIGKILL
    (left,) = names_in(tmp_path)
    assert left.startswith(".")
    assert left.endswith(".part")
    for at in (tmp_path / name for name in ("bypunkt-20260102T000000Z.tar", "bypunkt-20260103T000000Z.tar")):
        shutil.copy(tmp_path / left, at)
    remove_old(at, keep=1)
    assert left in names_in(tmp_path)  # it might be another run's that is still writing
    os.utime(tmp_path / left, (time.time() - 90_000,) * 2)
    remove_old(at, keep=1)
    assert names_in(tmp_path) == ["bypunkt-20260103T000000Z.tar"]


def killed_process(code: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, check=False).returncode


async def test_a_file_that_is_there_is_not_written_over(made: Archive, admin_url: str) -> None:
    with pytest.raises(BackupError, match="exists already"):
        await back_up(admin_url, made.path, app_login=APP)
    with pytest.raises(BackupError, match=r"cannot write in .*nowhere: No such file"):
        await back_up(admin_url, made.path.parent / "nowhere" / "b.tar", app_login=APP)
    with pytest.raises(BackupError, match=r"cannot write in .*: File name too long"):
        await back_up(admin_url, made.path.with_name("b" * 300), app_login=APP)


async def test_a_database_without_bypunkt_is_no_backup(blank_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no bypunkt in this database"):
        await back_up(blank_database_url, tmp_path / "b.tar", app_login=APP)
    assert names_in(tmp_path) == []


async def test_a_login_that_may_not_is_told_so(database_url: str, made: Archive) -> None:
    for work in (
        back_up(database_url, made.path.with_name("c.tar"), app_login=APP),
        try_out(database_url, made, app_login=APP),
    ):
        with pytest.raises(BackupError, match="the login of BYPUNKT_DATABASE__ADMIN_URL may not do this"):
            await work


async def test_a_table_that_somebody_holds_is_waited_for_a_while(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_LOCK_WAIT", "1s")
    async with admin(filled) as somebody, somebody.transaction():
        await somebody.execute("LOCK TABLE bypunkt.event")
        with pytest.raises(BackupError, match=r"timeout; .*a migration: try again later"):
            await back_up(filled, tmp_path / "b.tar", app_login=APP)
    assert names_in(tmp_path) == []


async def test_a_backup_that_is_told_to_stop_leaves_nothing(
    filled: str, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    env = environment("", mosquitto) | {"BYPUNKT_DATABASE__ADMIN_URL": filled}
    (tmp_path / "backups").mkdir()
    said = tmp_path / "said"
    async with admin(filled) as somebody, somebody.transaction():
        await somebody.execute("LOCK TABLE bypunkt.event")
        async with program("backup", str(tmp_path / "backups/b.tar"), env=env, log=said) as backup:
            await eventually(lambda: names_in(tmp_path / "backups"), within=30)
            await eventually(lambda: waiting(filled), within=30)
            backup.send_signal(signal.SIGTERM)
            assert await backup.wait() == 1
    assert said.read_text() == "bypunkt: stopped before the end; nothing was kept\n"
    assert names_in(tmp_path / "backups") == []


async def waiting(url: str) -> bool:
    async with admin(url) as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
