"""Migrations: plain SQL files that only go forward, one transaction each, under a lock.

Started twice at the same moment, one run applies and the other finds nothing to do. A database that is newer
than the program, or a file that was changed after it had been applied, is refused.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.storage.scram import scram_sha_256

Reader: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_LOCK_KEY = 0x62_79_70_75
_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LEDGER = """
CREATE TABLE IF NOT EXISTS migration (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database cannot be brought to this program's version; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, kept so that a changed file is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the program's migrations in their order, which has no gap."""
    folder = files(__package__).joinpath("migrations")
    found = [
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if (match := _FILE_NAME.match(file.name))
    ]
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        message = "the migration files are not numbered 0001, 0002, … without a gap"
        raise MigrationError(message)
    return found


async def migrate(
    admin_url: str, *, app_login: str = "bypunkt_app", app_password: str | None = None, lanes: int = 16
) -> list[str]:
    """Bring the database to this program's version and return the names of what was applied.

    `admin_url` belongs to a login that may create roles (a superuser, or CREATEROLE and CREATE on the database);
    `app_login` is the run-time login, made when it is missing; it gets `app_password` if there is one. `lanes`
    counts only the first time. Raises `MigrationError`, or asyncpg's errors when the server cannot be reached.
    """
    connection = await asyncpg.connect(admin_url, timeout=10, server_settings={"timezone": "UTC"})
    try:
        async with only_one_at_a_time(connection):
            await connection.execute("SELECT set_config('bypunkt.app_login', $1, false)", app_login)
            await connection.execute(files(__package__).joinpath("roles.sql").read_text(encoding="utf-8"))
            if app_password is not None:
                await _give_password(connection, app_login, app_password)
            await connection.execute("SET ROLE bypunkt_owner")
            await connection.execute("SET search_path = bypunkt")
            # A migration that waits for a lock makes everybody behind it wait: rather fail and be started again.
            await connection.execute("SET lock_timeout = '10s'")
            applied = await _apply_new(connection)
            await connection.execute(
                "INSERT INTO lane (lane) SELECT generate_series(0, $1 - 1) WHERE NOT EXISTS (SELECT FROM lane)",
                lanes,
            )
            return applied
    finally:
        await connection.close()


async def pending(connection: Reader) -> list[str]:
    """Return the names of migrations that the database lacks; raises `MigrationError` when it is newer."""
    if await connection.fetchval("SELECT to_regclass('bypunkt.migration')") is None:
        return [migration.name for migration in migrations()]
    return [migration.name for migration in _missing(await _ledger(connection))]


@asynccontextmanager
async def only_one_at_a_time(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Hold the lock of migrations on this connection; others wait."""
    # Polled: waiting inside pg_advisory_lock() holds a snapshot and deadlocks with CREATE INDEX CONCURRENTLY.
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


async def _give_password(connection: "asyncpg.Connection[asyncpg.Record]", login: str, password: str) -> None:
    try:
        verifier = scram_sha_256(password)
    except ValueError as error:
        raise MigrationError(f"the password of {login}: {error}") from None
    # A name and a password cannot be parameters here, so the server itself quotes them.
    statement = await connection.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", login, verifier
    )
    await connection.execute(statement)


async def _apply_new(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    await connection.execute(_LEDGER)
    applied = []
    for migration in _missing(await _ledger(connection)):
        try:
            await _apply(connection, migration)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            raise MigrationError(
                f"migration {migration.version:04d}_{migration.name} did not get a table for itself and gave "
                "up; nothing of it was done: run `bypunkt migrate` again, when no backup or long query is at work"
            ) from None
        applied.append(migration.name)
    return applied


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migration (version, name, checksum) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.checksum,
        )


async def _ledger(connection: Reader) -> dict[int, str]:
    rows = await connection.fetch("SELECT version, checksum FROM bypunkt.migration")
    return {row["version"]: row["checksum"] for row in rows}


def _missing(ledger: dict[int, str]) -> list[Migration]:
    known = migrations()
    if newest := max(ledger, default=0):
        if newest > len(known):
            message = (
                f"the database is at version {newest}, this program knows {len(known)}: "
                "install the newer bypunkt, or restore a backup made by this one"
            )
            raise MigrationError(message)
        for migration in known[:newest]:
            if ledger.get(migration.version) != migration.checksum:
                message = f"migration {migration.version:04d}_{migration.name} was changed after it had been applied"
                raise MigrationError(message)
    return known[newest:]
