"""What a device signs in to the broker with: a password of its own, of which only a salted hash is kept.

Functions take an open transaction: of role web to give and take passwords, of role ingest to read the hashes of a
lane's devices.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.models import Lifecycle

queries = load_queries(__package__, "credentials.sql")

# 190 bits at random, without characters that a shell, a web form or a device's settings could take for their own.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH = 32
# Mosquitto takes exactly so many bytes of salt. Iterations make guessing slow, which 190 random bits do not need;
# they also make every sign-in slow, and a fleet signs in at once.
_SALT_BYTES = 12
_ITERATIONS = 101

_MAY_SIGN_IN: frozenset[Lifecycle] = frozenset({"registered", "active"})


@dataclass(frozen=True, slots=True)
class DeviceAccount:
    """A device as the broker should know it; `generation` and `password_hash` are those of its password, if any."""

    municipality: str
    device: str
    lifecycle: Lifecycle
    synthetic: bool = False
    generation: int | None = None
    password_hash: str | None = None

    @property
    def may_sign_in(self) -> bool:
        """Whether the broker should let it in."""
        return self.generation is not None and self.lifecycle in _MAY_SIGN_IN


@dataclass(frozen=True, slots=True)
class Live:
    """A password that a device has now."""

    generation: int
    created_at: datetime


def new_password() -> str:
    """Make a password: 32 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def broker_hash(password: str) -> str:
    """Hash a password as Mosquitto 2 keeps it: `$7$`, iterations, salt and PBKDF2 of SHA-512 in base64."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


async def live_password(connection: Connection, municipality: str, device: str) -> Live | None:
    """Return what is known of the password that a device has now; its hash stays where it is."""
    row = await connection.fetchrow(queries.live_credential, municipality, device)
    return Live(**row) if row else None


async def give_password(connection: Connection, municipality: str, device: str, *, password: str) -> int:
    """Put a password in the place of the one that a device had, and return its generation."""
    await connection.execute(queries.revoke_credential, municipality, device)
    generation: int = await connection.fetchval(
        queries.give_credential, municipality, device, broker_hash(password)
    )
    return generation


async def revoke_password(connection: Connection, municipality: str, device: str) -> bool:
    """Take a device's password away; False when it had none."""
    done: str = await connection.execute(queries.revoke_credential, municipality, device)
    return done != "UPDATE 0"


async def device_accounts(connection: Connection) -> Sequence[DeviceAccount]:
    """Return every device of the municipalities in scope with what it signs in with; for role ingest."""
    return [DeviceAccount(**row) for row in await connection.fetch(queries.devices_to_sign_in)]


async def take_turn(connection: Connection) -> bool:
    """Be the only one who tells the broker about accounts, until the transaction ends; False when another is.

    There is one account for it, and two clients with one account evict each other. Asked again, never waited for in
    the database: a waiting statement would hold a snapshot.
    """
    mine: bool = await connection.fetchval(queries.take_turn)
    return mine
