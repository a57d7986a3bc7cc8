"""Passwords of devices: kept as hashes, one at a time, and out of reach of those who need not know."""

import hashlib
from base64 import b64decode
from collections.abc import Sequence

import asyncpg
import pytest

from services.storage.database import Database, Lane, Public, Role, Tenants
from services.tenants.credentials import (
    DeviceAccount,
    broker_hash,
    device_accounts,
    give_password,
    live_password,
    new_password,
    revoke_password,
    take_turn,
)
from tests.support.villages import lane_of, villages

LJUNGBY, MOTALA = Tenants(("0781",)), Tenants(("0583",))


def test_a_password_is_long_random_and_plain_to_every_shell() -> None:
    passwords = {new_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(len(password) == 32 and password.isascii() and password.isalnum() for password in passwords)


def test_a_hash_is_what_mosquitto_computes_and_never_the_same_twice() -> None:
    _, kind, iterations, salt, digest = broker_hash("secret").split("$")
    again = hashlib.pbkdf2_hmac("sha512", b"secret", b64decode(salt), int(iterations))
    assert (kind, len(b64decode(salt)), b64decode(digest)) == ("7", 12, again)
    assert broker_hash("secret") != broker_hash("secret")


async def test_a_device_has_one_password_and_a_revoked_hash_is_forgotten(
    database_url: str, admin_url: str
) -> None:
    async with villages(database_url) as database, database.transaction(Role.WEB, LJUNGBY) as connection:
        assert await live_password(connection, "0781", "hs-lidhult-1") is None
        assert await give_password(connection, "0781", "hs-lidhult-1", password="a") == 1
        assert await give_password(connection, "0781", "hs-lidhult-1", password="b") == 2
        live = await live_password(connection, "0781", "hs-lidhult-1")
        assert live is not None
        assert live.generation == 2
        assert await revoke_password(connection, "0781", "hs-lidhult-1")
        assert not await revoke_password(connection, "0781", "hs-lidhult-1")
        # A number is never used again: an old account at the broker must not look like a new one.
        assert await give_password(connection, "0781", "hs-lidhult-1", password="c") == 3
    admin = await asyncpg.connect(admin_url)
    try:
        rows = await admin.fetch("SELECT * FROM bypunkt.device_credential ORDER BY generation")
    finally:
        await admin.close()
    assert [(row["password_hash"] is None, row["revoked_at"] is None) for row in rows] == [
        (True, False), (True, False), (False, True),
    ]  # fmt: skip


async def test_pages_cannot_read_hashes_and_no_municipality_sees_anothers(database_url: str) -> None:
    async with villages(database_url) as database:
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            await give_password(connection, "0781", "hs-lidhult-1", password="a")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.WEB, LJUNGBY) as connection:
                await connection.fetch("SELECT password_hash FROM device_credential")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.WORKER, Lane(await lane_of(database, "0781"))) as connection:
                await connection.fetch("SELECT generation FROM device_credential")
        async with database.transaction(Role.WEB, MOTALA) as connection:
            assert await live_password(connection, "0781", "hs-lidhult-1") is None
            assert not await revoke_password(connection, "0781", "hs-lidhult-1")
        with pytest.raises(asyncpg.PostgresError):
            async with database.transaction(Role.WEB, MOTALA) as connection:
                await give_password(connection, "0781", "hs-lidhult-2", password="a")


async def test_a_lane_reads_what_its_devices_sign_in_with(database_url: str) -> None:
    async with villages(database_url) as database:
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            await give_password(connection, "0781", "hs-lidhult-1", password="a")
        accounts = await read(database, "0781")
        assert [(account.device, account.generation, account.may_sign_in) for account in accounts] == [
            ("hs-lidhult-1", 1, True),
            ("hs-lidhult-2", None, False),
        ]
        assert (accounts[0].password_hash or "").startswith("$7$")
        assert [account.device for account in await read(database, "0583")] == ["hs-fornasa-1"]


async def read(database: Database, municipality: str) -> Sequence[DeviceAccount]:
    async with database.transaction(Role.INGEST, Lane(await lane_of(database, municipality))) as connection:
        return await device_accounts(connection)


async def test_the_turn_is_one_transactions_and_ends_with_it(database_url: str) -> None:
    async with villages(database_url) as database:
        async with database.transaction(Role.INGEST, Public()) as first:
            assert await take_turn(first)
            async with database.transaction(Role.WEB, LJUNGBY) as second:
                assert not await take_turn(second)
        async with database.transaction(Role.WEB, LJUNGBY) as third:
            assert await take_turn(third)
