"""Whether a database is safe to promise anything on (rule R11)."""

from services.storage.database import Connection, Database, Public, Role
from services.storage.migrate import pending

_SAFE = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_apply"},
}


class UnsafeDatabase(Exception):
    """The database cannot be used; each line says what is wrong and what to do."""


async def problems(database: Database) -> list[str]:
    """Return what makes the database unfit, each with what to do; none means fit. Raises `UNREACHABLE`'s errors."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        missing = await pending(connection)
        return [
            *await _unsafe_settings(connection),
            *await _unsafe_login(connection),
            *_not_migrated(missing),
        ]


async def refuse_unsafe(database: Database) -> None:
    """Raise `UnsafeDatabase` when the database would lose what it has confirmed, or is not at our version."""
    if found := await problems(database):
        raise UnsafeDatabase("\n".join(found))


async def _unsafe_settings(connection: Connection) -> list[str]:
    found = []
    for name, safe in _SAFE.items():
        value = await connection.fetchval("SELECT current_setting($1)", name)
        if value not in safe:
            found.append(
                f"PostgreSQL runs with {name} = {value}: confirmed events would be lost in a crash. "
                f"Set {name} = on in postgresql.conf (or ALTER DATABASE … SET) and reload"
            )
    return found


async def _unsafe_login(connection: Connection) -> list[str]:
    row = await connection.fetchrow(
        "SELECT rolname, rolsuper OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = session_user"
    )
    if row is None or not row["mighty"]:
        return []
    problem = (
        f"the login {row['rolname']} of BYPUNKT_DATABASE__URL is a superuser or bypasses row-level security: "
        "use the login that `bypunkt migrate` prepares (bypunkt_app)"
    )
    return [problem]


def _not_migrated(missing: list[str]) -> list[str]:
    return [f"the database lacks {', '.join(missing)}: run `bypunkt migrate`"] if missing else []
