"""Take a backup in: everything in one transaction, compared with what the backup promised, and the door opened last.

The right to enter the schema is given only when all the rest is there and equal. Until then no run-time role sees
anything of it, so a program that is started too early cannot begin to work on half of it.
"""

import asyncio
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from services.storage.backup import programs
from services.storage.backup.archive import Archive
from services.storage.backup.content import (
    Admin,
    administering,
    clear_away,
    content_of,
    differences,
    holdings,
    queries,
)
from services.storage.backup.errors import BackupError
from services.storage.database import UNREACHABLE
from services.storage.migrate import migrate, migrations, only_one_at_a_time

_SCHEMA = re.compile(r"\d+; \d+ \d+ SCHEMA - bypunkt ")
_DOOR = re.compile(r"\d+; \d+ \d+ ACL - SCHEMA bypunkt ")
_TABLE = re.compile(r"\d+; \d+ \d+ TABLE bypunkt (\S+) ")
_CREATE = "createdb --template=template0 --encoding=UTF8"
_AS_OWNER = ("--no-owner", "--no-tablespaces", "--role=bypunkt_owner", "--no-password")


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it."""

    migrated: tuple[str, ...]


async def restore(
    admin_url: str,
    archive: Archive,
    *,
    app_login: str,
    app_password: str | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Restored:
    """Restore into a database in which nobody has put anything, then bring it to this program's version.

    Raises `BackupError` or `MigrationError`; the database is then as empty as before.
    """
    _refuse_other_versions(archive)
    await asyncio.to_thread(archive.check)
    async with administering(admin_url) as connection:
        async with only_one_at_a_time(connection):
            await _refuse_what_is_in_use(connection, app_login)
            async with connection.transaction():
                await clear_away(connection)
                await _prepare(connection, app_login)
            await _load(connection, admin_url, archive, on_progress=on_progress)
        async with _taken_away_if_it_fails(connection):
            async with connection.transaction():
                await connection.execute(queries.see_all)
                await connection.execute(queries.end_sessions)
            migrated = await migrate(admin_url, app_login=app_login, app_password=app_password)
            # Loaded rows have no statistics, and the first hours would be slow.
            await connection.execute("ANALYZE")
            await _pass_on(archive, admin_url, only=_DOOR)
    return Restored(tuple(migrated))


async def try_out(
    admin_url: str,
    archive: Archive,
    *,
    app_login: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Restore into a scratch database of the same server, compare, and remove it; raises `BackupError`."""
    name = f"bypunkt_trial_{secrets.token_hex(4)}"
    async with administering(admin_url) as connection:
        await connection.execute(await connection.fetchval(queries.create_scratch, name))
        try:
            parts = urlsplit(admin_url)
            url = urlunsplit(parts._replace(path=f"/{quote(name)}"))
            async with administering(url) as scratch:
                await _prepare(scratch, app_login)
                await _load(scratch, url, archive, on_progress=on_progress)
        finally:
            await connection.execute(await connection.fetchval(queries.drop_scratch, name))


async def check_contents(archive: Archive) -> None:
    """Let pg_restore read the table of contents, and look for every table in it; raises `BackupError`."""
    lines = await _contents(archive)
    there = {match[1] for line in lines if (match := _TABLE.match(line))}
    if missing := sorted(archive.manifest.content.tables.keys() - there):
        raise BackupError(f"{archive.path} lacks {', '.join(missing)}: the dump is not whole")


def _refuse_other_versions(archive: Archive) -> None:
    content, known = archive.manifest.content, migrations()
    if content.version > len(known):
        raise BackupError(
            f"{archive.path} was made by bypunkt {archive.manifest.program} (database version {content.version}), "
            f"this program knows {len(known)}: install that version or a newer one, then restore"
        )
    for applied in content.migrations:
        if applied.checksum != known[applied.version - 1].checksum:
            raise BackupError(
                f"{archive.path} was made by another bypunkt: its migration {applied.version:04d}_{applied.name} "
                "is not the one of this program"
            )


async def _refuse_what_is_in_use(connection: Admin, app_login: str) -> None:
    name = await connection.fetchval("SELECT current_database()")
    if held := await holdings(connection):
        fullest = sorted(held.items(), key=lambda one: -one[1])[:3]
        rows = ", ".join(f"{count} in {table}" for table, count in fullest)
        raise BackupError(
            f"the database {name} is not empty (rows: {rows}): put it aside with `ALTER DATABASE {name} RENAME TO "
            f"{name}_old`, make a new one with `{_CREATE} {name}`, try again"
        )
    if (encoding := connection.get_settings().server_encoding) != "UTF8":
        raise BackupError(
            f"the database {name} is in {encoding}: make one with `{_CREATE} NAME`, and name that"
        )
    if await connection.fetchval(queries.at_work, app_login):
        raise BackupError("bypunkt is running on this database: stop it, then restore")


async def _prepare(connection: Admin, app_login: str) -> None:
    await connection.execute("SELECT set_config('bypunkt.app_login', $1, false)", app_login)
    roles = files("services.storage").joinpath("roles.sql")
    await connection.execute(roles.read_text(encoding="utf-8"))


async def _load(connection: Admin, url: str, archive: Archive, *, on_progress: Callable[[int], None]) -> None:
    """Load everything but the door in one transaction, and compare; what is not equal is taken away again."""
    if connection.get_server_version().major < archive.manifest.server_major:
        raise BackupError(
            f"{archive.path} comes from PostgreSQL {archive.manifest.server_major}, this server is "
            f"{connection.get_server_version().major}: restore into {archive.manifest.server_major} or newer"
        )
    await _pass_on(archive, url, without=(_SCHEMA, _DOOR), on_progress=on_progress)
    async with _taken_away_if_it_fails(connection):
        async with connection.transaction(isolation="repeatable_read"):
            found = differences(archive.manifest.content, await content_of(connection))
        if found:
            raise BackupError(
                f"{archive.path} did not come out as it went in ({'; '.join(found[:3])}); nothing was kept"
            )


@asynccontextmanager
async def _taken_away_if_it_fails(connection: Admin) -> AsyncIterator[None]:
    """Leave nothing of what was loaded when it cannot be brought to its end, or is told to stop."""
    try:
        yield
    except BaseException:
        with suppress(BackupError, asyncpg.PostgresError, *UNREACHABLE):
            await clear_away(connection)
        raise


async def _contents(archive: Archive) -> list[str]:
    text = bytearray()
    await programs.run(_pg_restore(archive), ["--list"], feed=archive.pieces(), take=text.extend)
    return text.decode().splitlines()


async def _pass_on(
    archive: Archive,
    url: str,
    *,
    only: re.Pattern[str] | None = None,
    without: tuple[re.Pattern[str], ...] = (),
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    lines = [
        line
        for line in await _contents(archive)
        if (only is None or only.match(line)) and not any(pattern.match(line) for pattern in without)
    ]
    with tempfile.NamedTemporaryFile("w", prefix="bypunkt-restore-", suffix=".list") as wanted:
        wanted.write("\n".join(lines) + "\n")
        wanted.flush()
        arguments = [*_AS_OWNER, "--single-transaction", "--exit-on-error", f"--use-list={wanted.name}"]
        await programs.run(_pg_restore(archive), arguments, url=url, feed=archive.pieces(on_progress))


def _pg_restore(archive: Archive) -> programs.Program:
    return programs.find("pg_restore", at_least=archive.manifest.dumped_by_major)
