"""Passwords as argon2id hashes; hashing takes a thread and about 30 ms, whether the login exists or not."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256

# argon2-cffi's defaults are the low-memory choice of RFC 9106 (64 MiB, 3 passes), above OWASP's setting.
_HASHER = PasswordHasher()


class WeakPassword(ValueError):
    """The password may not be used; the message says why."""


async def hash_password(password: str) -> str:
    """Hash a new password; raises `WeakPassword` when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    return await asyncio.to_thread(_HASHER.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; without a hash the same work is done in vain."""
    if len(password) > LONGEST:
        return False
    right = await asyncio.to_thread(_verify, password_hash or _nobodys(), password)
    return right and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
