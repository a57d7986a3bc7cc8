"""What goes wrong with a restore is said in one line, and leaves the database as it was."""

import asyncio
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from gateway.embedded import Mosquitto
from services.storage import migrate as migrating
from services.storage.backup import (
    BackupError,
    back_up,
    restore,
    restoring,
    try_out,
)
from services.storage.backup.archive import Archive
from services.storage.database import Database, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import MigrationError, migrate, migrations
from tests.storage.test_backup import APP, admin, everything
from tests.storage.test_backup_faults import pulling_the_plug
from tests.support.installation import environment, program
from tests.support.waiting import eventually


def damaged(archive: Archive, damage: Callable[[bytearray], None]) -> Path:
    raw = bytearray(archive.path.read_bytes())
    damage(raw)
    path = archive.path.with_name("damaged.tar")
    path.write_bytes(raw)
    return path


def flip(raw: bytearray) -> None:
    raw[len(raw) // 3] ^= 0x10


def flip_in_manifest(raw: bytearray) -> None:
    raw[raw.rindex(b'"municipality": 2') + 16] = ord("3")


def cut_half(raw: bytearray) -> None:
    del raw[len(raw) // 2 :]


def cut_manifest(raw: bytearray) -> None:
    del raw[raw.rindex(b"dump_sha256") :]


def unreadable_manifest(raw: bytearray) -> None:
    at = raw.rindex(b"bypunkt-backup-1")
    raw[at : at + 16] = b"bypunkt-backup-9"


def cut_end_mark(raw: bytearray) -> None:
    del raw[-1024:]


DAMAGES: dict[Callable[[bytearray], None], str] = {
    flip: "damaged",
    cut_half: "incomplete",
    cut_manifest: "incomplete",
    unreadable_manifest: "later bypunkt",
    flip_in_manifest: "municipality: 3 in the backup, 2 in the database",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
async def test_a_damaged_backup_is_refused_and_nothing_is_kept_of_it(
    made: Archive, blank_database_url: str, damage: Callable[[bytearray], None]
) -> None:
    with pytest.raises(BackupError, match=DAMAGES[damage]) as error:
        await restore(blank_database_url, Archive.open(damaged(made, damage)), app_login=APP)
    assert len(str(error.value).splitlines()) == 1
    assert await is_empty(blank_database_url)
    await restore(blank_database_url, made, app_login=APP)  # the same database takes the sound one


async def test_a_tar_without_its_end_mark_has_lost_nothing(made: Archive, blank_database_url: str) -> None:
    await restore(blank_database_url, Archive.open(damaged(made, cut_end_mark)), app_login=APP)


@pytest.mark.parametrize("kind", ["text", "empty", "tar", "folder", "missing", "dump"])
def test_a_foreign_file_is_refused(made: Archive, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "foreign"
    if kind == "text":
        path.write_text("hello " * 1_000)
    elif kind == "empty":
        path.touch()
    elif kind == "tar":
        with tarfile.open(path, "w") as tar:
            tar.add(__file__, arcname="letter.txt")
    elif kind == "folder":
        path.mkdir()
    elif kind == "dump":
        path.write_bytes(b"".join(made.pieces()))
    with pytest.raises(BackupError, match=r"not a backup|No such file|Is a directory") as error:
        Archive.open(path)
    assert len(str(error.value).splitlines()) == 1


async def test_a_database_that_is_not_empty_is_refused_and_left_alone(
    made: Archive, admin_url: str, blank_database_url: str
) -> None:
    before = await everything(admin_url)
    with pytest.raises(
        BackupError,
        match=r"the database test_\w+ is not empty .*RENAME TO .*createdb --template=template0 --encoding=UTF8 test_",
    ):
        await restore(admin_url, made, app_login=APP)
    assert await everything(admin_url) == before
    async with admin(blank_database_url) as connection:
        await connection.execute("CREATE SCHEMA bypunkt; CREATE TABLE bypunkt.theirs AS SELECT 1 AS one")
    with pytest.raises(BackupError, match="a schema bypunkt that is not ours"):
        await restore(blank_database_url, made, app_login=APP)
    async with admin(blank_database_url) as connection:
        assert await connection.fetchval("SELECT one FROM bypunkt.theirs") == 1


async def test_a_database_that_was_only_migrated_is_empty_enough(
    made: Archive, admin_url: str, blank_database_url: str
) -> None:
    await migrate(blank_database_url, lanes=4)  # as a service does that prepares the database at each start
    await restore(blank_database_url, made, app_login=APP)
    assert await everything(blank_database_url) == await everything(admin_url)


async def test_a_database_that_the_program_runs_on_is_refused(made: Archive, blank_database_url: str) -> None:
    await migrate(blank_database_url)
    async with (
        Database.open(blank_database_url.replace("postgres@", f"{APP}@")) as database,
        database.transaction(Role.READ, Public()),
    ):
        with pytest.raises(BackupError, match="bypunkt is running on this database: stop it"):
            await restore(blank_database_url, made, app_login=APP)
    await restore(blank_database_url, made, app_login=APP)


async def test_a_backup_of_a_later_program_is_refused(
    made: Archive, blank_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "migrations", lambda: migrations()[:-1])
    with pytest.raises(BackupError, match="install that version or a newer one"):
        await restore(blank_database_url, made, app_login=APP)
    assert await is_empty(blank_database_url)


async def test_a_backup_of_another_program_with_the_same_numbers_is_refused(
    made: Archive, blank_database_url: str
) -> None:
    first, *others = made.manifest.content.migrations
    told = made.manifest.content.model_copy(
        update={"migrations": (first.model_copy(update={"checksum": "x"}), *others)}
    )
    other = Archive(made.path, made.manifest.model_copy(update={"content": told}), made.starts_at)
    with pytest.raises(BackupError, match="0001_foundation is not the one of this program"):
        await restore(blank_database_url, other, app_login=APP)


async def test_an_older_backup_is_restored_and_brought_up_to_date(
    blank_database_url: str, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as older:
        older.setattr(migrating, "migrations", lambda: migrations()[:4])
        async with EmbeddedPostgres(fast=True) as server:
            await migrate(server.dsn())
            made = await back_up(server.dsn(), tmp_path / "old.tar", app_login=APP)
    assert made.manifest.content.version == 4
    restored = await restore(blank_database_url, made, app_login=APP)
    assert list(restored.migrated) == [migration.name for migration in migrations()[4:]]
    async with admin(blank_database_url) as connection:
        assert await connection.fetchval("SELECT max(version) FROM bypunkt.migration") == len(migrations())


@pytest.mark.parametrize(
    "failure", [MigrationError("0099 cannot be applied"), asyncio.CancelledError()], ids=str
)
async def test_what_fails_after_the_restore_finds_the_door_closed_and_leaves_nothing(
    made: Archive, blank_database_url: str, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    async def fails(*_: object, **__: object) -> list[str]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with (
                Database.open(blank_database_url.replace("postgres@", f"{APP}@")) as database,
                database.transaction(Role.READ, Public()) as connection,
            ):
                await connection.fetch("SELECT * FROM bypunkt.public_point")
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(restoring, "migrate", fails)
        with pytest.raises(type(failure)):
            await restore(blank_database_url, made, app_login=APP)
    assert await is_empty(blank_database_url)
    await restore(blank_database_url, made, app_login=APP)


async def test_what_somebody_registers_while_a_restore_waits_for_its_turn_is_left_alone(
    made: Archive, blank_database_url: str
) -> None:
    async with admin(blank_database_url) as somebody:
        await migrate(blank_database_url)
        async with migrating.only_one_at_a_time(somebody):
            waits = asyncio.create_task(restore(blank_database_url, made, app_login=APP))
            await eventually(lambda: asks_for_its_turn(blank_database_url), within=30)
            await somebody.execute(
                "INSERT INTO bypunkt.person (login, role, password_hash) VALUES ('anna@example.se', 'network', 'x')"
            )
        with pytest.raises(BackupError, match="is not empty"):
            await waits
        assert await somebody.fetchval("SELECT login FROM bypunkt.person") == "anna@example.se"


async def asks_for_its_turn(url: str) -> bool:
    async with admin(url) as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'bypunkt-backup' AND query LIKE '%pg_try_advisory_lock%'"
        )
        return bool(found)


async def test_a_database_in_another_encoding_is_refused(made: Archive, postgres: EmbeddedPostgres) -> None:
    async with admin(postgres.dsn()) as connection:
        await connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        try:
            with pytest.raises(BackupError, match=r"latin is in LATIN1.*createdb .*--encoding=UTF8"):
                await restore(postgres.dsn("latin"), made, app_login=APP)
            assert await is_empty(postgres.dsn("latin"))
        finally:
            await connection.execute("DROP DATABASE latin WITH (FORCE)")


async def test_a_trial_is_in_a_database_of_the_same_kind(
    made: Archive, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's own template may be in another encoding, in which the very same rows cannot be."""
    kind = (
        "SELECT pg_encoding_to_char(encoding) || ' ' || datcollate || ' ' || datctype FROM pg_database"
        " WHERE datname = current_database()"
    )
    seen: list[str] = []

    class Prepared(Exception):
        pass

    async def prepare(connection: "asyncpg.Connection[asyncpg.Record]", _login: str) -> None:
        seen.append(await connection.fetchval(kind))
        raise Prepared

    monkeypatch.setattr(restoring, "_prepare", prepare)
    async with admin(postgres.dsn()) as connection:
        await connection.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        try:
            for name in ("postgres", "ascii"):
                with pytest.raises(Prepared):
                    await try_out(postgres.dsn(name), made, app_login=APP)
        finally:
            await connection.execute("DROP DATABASE ascii WITH (FORCE)")
    assert seen == ["UTF8 C C.UTF-8", "SQL_ASCII C C"]


async def test_an_older_server_is_refused(made: Archive, blank_database_url: str) -> None:
    later = Archive(made.path, made.manifest.model_copy(update={"server_major": 99}), made.starts_at)
    with pytest.raises(BackupError, match="restore into 99 or newer"):
        await restore(blank_database_url, later, app_login=APP)
    assert await is_empty(blank_database_url)


async def test_a_restore_whose_server_dies_has_not_happened(
    killable: EmbeddedPostgres, tmp_path: Path
) -> None:
    made = await back_up(killable.dsn(), tmp_path / "b.tar", app_login=APP)
    async with EmbeddedPostgres(fast=True) as other:
        pull = pulling_the_plug(other)
        with pytest.raises(BackupError, match=r"pg_restore failed|PostgreSQL went away"):
            await restore(other.dsn(), made, app_login=APP, on_progress=pull)
        await eventually(lambda: not other.running, within=30)
        await other.start()
        assert await is_empty(other.dsn())
        await restore(other.dsn(), made, app_login=APP)
        assert await everything(other.dsn()) == await everything(killable.dsn())


async def is_empty(url: str) -> bool:
    async with admin(url) as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'bypunkt'"
        )
        return bool(found == 0)


async def test_a_restore_that_is_told_to_stop_leaves_nothing(
    made: Archive, blank_database_url: str, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    env = environment("", mosquitto) | {"BYPUNKT_DATABASE__ADMIN_URL": blank_database_url}
    said = tmp_path / "said"
    async with (
        admin(blank_database_url) as somebody,
        migrating.only_one_at_a_time(somebody),
        program("restore", str(made.path), env=env, log=said) as restoring_it,
    ):
        await eventually(lambda: asks_for_its_turn(blank_database_url), within=30)
        restoring_it.send_signal(signal.SIGTERM)
        assert await restoring_it.wait() == 1
    assert said.read_text() == "bypunkt: stopped before the end; nothing was kept\n"
    assert await is_empty(blank_database_url)
