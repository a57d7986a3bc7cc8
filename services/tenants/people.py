"""People and their signed-in sessions.

Functions take an open transaction of role web: with scope `Installation` for the operator's command line, with
scope `SignIn` before a tenant is known. Of a session only the hash of its token is kept.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

import asyncpg

from services.storage.database import Connection, savepoint
from services.storage.sql import load_queries
from services.tenants.access import EVERYWHERE, PersonRole
from services.tenants.passwords import hash_password

queries = load_queries(__package__, "people.sql")

TokenHash = NewType("TokenHash", bytes)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,127}")
_TOKEN_BYTES = 32


class PersonError(ValueError):
    """What was asked for a person cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may sign in."""

    id: UUID
    login: str
    role: PersonRole
    municipality: str | None
    disabled_at: datetime | None


def login_of(text: str) -> str:
    """Bring a login into its one form; raises `PersonError` when it cannot be one."""
    login = text.strip().lower()
    if not is_login(login):
        raise PersonError("a login has 3 to 128 characters: a–z, 0–9 and . _ @ + -, a letter or digit first")
    return login


def is_login(text: str) -> bool:
    """Whether somebody could have this login."""
    return _LOGIN.fullmatch(text) is not None


async def add(
    connection: Connection, login: str, *, role: PersonRole, municipality: str | None, password: str
) -> Person:
    """Register a person; raises `PersonError` when login, role and municipality do not fit, or the login is taken."""
    if (municipality is None) != (role in EVERYWHERE):
        needs = (
            "is held everywhere, name no municipality"
            if municipality
            else "is held in one municipality: name it"
        )
        raise PersonError(f"the role {role} {needs}")
    password_hash = await hash_password(password)
    try:
        async with savepoint(connection):
            (row,) = await connection.fetch(
                queries.add_person, login_of(login), municipality, role, password_hash
            )
    except asyncpg.UniqueViolationError:
        raise PersonError(f"there is already a person with the login {login_of(login)}") from None
    except asyncpg.ForeignKeyViolationError:
        raise PersonError(f"there is no municipality {municipality}") from None
    return _person(row)


async def find(connection: Connection, login: str) -> Person | None:
    """The person with this login, within the scope of the transaction."""
    row = await connection.fetchrow(queries.person_by_login, login.strip().lower())
    return _person(row) if row else None


async def everyone(connection: Connection) -> list[Person]:
    """All people within the scope of the transaction, by login."""
    return [_person(row) for row in await connection.fetch(queries.people)]


async def password_hash_of(connection: Connection, login: str) -> str | None:
    """The hash to check a password against; none when nobody who may sign in has this login."""
    found: str | None = await connection.fetchval(queries.password_hash, login)
    return found


async def disable(connection: Connection, login: str, *, now: datetime) -> Person:
    """Let a person sign in no more, and end their sessions; raises `PersonError` when there is none."""
    return await _change(connection, queries.disable_person, login, now)


async def set_password(connection: Connection, login: str, password: str) -> Person:
    """Give a person a new password, and end their sessions; raises `PersonError` when there is none."""
    return await _change(connection, queries.set_password, login, await hash_password(password))


async def start_session(connection: Connection, person: UUID, *, now: datetime, until: datetime) -> str:
    """Sign a person in and return the token for their cookie; sessions that have expired are swept away."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await connection.execute(queries.sweep_sessions, now)
    await connection.execute(queries.start_session, token_hash(token), person, now, until)
    return token


async def session_person(connection: Connection, token: TokenHash, *, now: datetime) -> UUID | None:
    """Whose live session this is."""
    found: UUID | None = await connection.fetchval(queries.session_person, token, now)
    return found


async def person_by_id(connection: Connection, person: UUID) -> Person | None:
    """The person with this id who may sign in, within the scope of the transaction."""
    row = await connection.fetchrow(queries.person_by_id, person)
    return _person(row) if row else None


async def end_session(connection: Connection, token: TokenHash) -> None:
    """Sign out."""
    await connection.execute(queries.end_session, token)


def token_hash(token: str) -> TokenHash:
    """What is kept of a session's token."""
    return TokenHash(hashlib.sha256(token.encode()).digest())


async def _change(connection: Connection, statement: str, login: str, value: object) -> Person:
    row = await connection.fetchrow(statement, login_of(login), value)
    if row is None:
        raise PersonError(f"there is no person with the login {login_of(login)}")
    await connection.execute(queries.end_sessions_of, row["id"])
    return _person(row)


def _person(row: asyncpg.Record) -> Person:
    return Person(row["id"], row["login"], PersonRole(row["role"]), row["municipality"], row["disabled_at"])
