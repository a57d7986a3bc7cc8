"""A password as PostgreSQL keeps it, so that the password itself goes into no statement and no log (RFC 5803)."""

import hashlib
import hmac
import secrets
from base64 import b64encode

_ITERATIONS = 4096
_SALT_BYTES = 16


def scram_sha_256(password: str) -> str:
    """Return what `ALTER ROLE … PASSWORD` takes instead of the password; raises ValueError outside ASCII.

    Other characters would have to be brought to one spelling first (SASLprep).
    """
    if not password.isascii() or not password.isprintable():
        raise ValueError("a password for PostgreSQL may have only printable ASCII characters here")
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _text(value: bytes) -> str:
    return b64encode(value).decode()
