"""Databases that live as long as a test."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


async def create(server_url: str, name: str, *, template: str = "template0") -> None:
    """Create a database as a copy of the template."""
    # An identifier cannot be a parameter, so the server itself quotes it.
    await _execute(
        server_url, "SELECT format('CREATE DATABASE %I TEMPLATE %I', $1::text, $2::text)", name, template
    )


@asynccontextmanager
async def fresh(server_url: str, *, template: str = "template0") -> AsyncIterator[str]:
    """A database under a name of its own, dropped at the end whoever is still connected."""
    name = f"test_{secrets.token_hex(6)}"
    await create(server_url, name, template=template)
    try:
        yield name
    finally:
        await _execute(server_url, "SELECT format('DROP DATABASE %I WITH (FORCE)', $1::text)", name)


def name_in(url: str) -> str:
    """The database that a connection string names."""
    return urlsplit(url).path.removeprefix("/")


async def _execute(server_url: str, writes_statement: str, *values: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(await connection.fetchval(writes_statement, *values))
    finally:
        await connection.close()
