"""What a database holds, looked at as its administrator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import asyncpg

from services.runtime.tasks import describe
from services.storage.backup.errors import BackupError
from services.storage.backup.manifest import Applied, Content
from services.storage.database import UNREACHABLE
from services.storage.sql import load_queries

queries = load_queries(__package__)

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# What a lost connection looks like in the middle of work; a plain OSError there is about files.
_LOST = (ConnectionError, *(error for error in UNREACHABLE if not issubclass(OSError, error)))
_CLOSE_WITHIN_S = 5
# Filled by migrations alone: a database that holds nothing else holds nothing of anybody's.
_OF_THE_SCHEMA = {"migration", "installation", "lane"}


@asynccontextmanager
async def administering(admin_url: str) -> AsyncIterator[Admin]:
    """Connect as administrator; raises `BackupError` when that cannot be, or the connection is lost."""
    try:
        connection = await asyncpg.connect(
            admin_url, timeout=10, server_settings={"timezone": "UTC", "application_name": "bypunkt-backup"}
        )
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
        raise BackupError(
            f"cannot reach PostgreSQL as administrator ({describe(error)}): is it running, and is "
            "BYPUNKT_DATABASE__ADMIN_URL right?"
        ) from None
    try:
        yield connection
    except asyncpg.InsufficientPrivilegeError as error:
        raise BackupError(f"the login of BYPUNKT_DATABASE__ADMIN_URL may not do this: {error}") from None
    except _LOST as error:
        raise BackupError(
            f"PostgreSQL went away meanwhile ({describe(error)}): start again when it is back"
        ) from None
    finally:
        with suppress(*UNREACHABLE):
            await connection.close(timeout=_CLOSE_WITHIN_S)


async def content_of(connection: Admin) -> Content:
    """Count everything, in the open transaction."""
    await connection.execute(queries.see_all)
    migrations = [Applied(**row) for row in await connection.fetch(queries.migrations)]
    lanes = {row["lane"]: row["head"] for row in await connection.fetch(queries.lanes)}
    tables = {
        row["name"]: await connection.fetchval(row["counting"])
        for row in await connection.fetch(queries.tables)
    }
    return Content(migrations=tuple(migrations), lanes=lanes, tables=tables)


async def clear_away(connection: Admin) -> None:
    """Take away a schema of ours in which nobody has put anything; raises `BackupError` for one that is not ours."""
    try:
        prepared = await is_prepared(connection)
        await connection.execute(queries.clear_away if prepared else queries.clear_nothing)
    except asyncpg.DependentObjectsStillExistError:
        raise BackupError(
            "the database has a schema bypunkt that is not ours: make another one with `createdb`, and name it in "
            "BYPUNKT_DATABASE__ADMIN_URL and BYPUNKT_DATABASE__URL"
        ) from None


async def is_prepared(connection: Admin) -> bool:
    """Whether the database holds a bypunkt at all."""
    return bool(await connection.fetchval(queries.is_prepared))


async def holdings(connection: Admin) -> dict[str, int]:
    """Rows by table of what somebody has put into the database; none: nobody has."""
    if not await is_prepared(connection):
        return {}
    async with connection.transaction(readonly=True):
        content = await content_of(connection)
    return {name: rows for name, rows in content.tables.items() if rows and name not in _OF_THE_SCHEMA}


def differences(backup: Content, database: Content) -> list[str]:
    """Say where a database is not what a backup promised."""
    found = [
        f"{name}: {backup.tables.get(name, 'no such table')} in the backup, "
        f"{database.tables.get(name, 'no such table')} in the database"
        for name in sorted(backup.tables.keys() | database.tables.keys())
        if backup.tables.get(name) != database.tables.get(name)
    ]
    if backup.lanes != database.lanes:
        found.append("the heads of the lanes")
    if backup.migrations != database.migrations:
        found.append("the migrations")
    return found
