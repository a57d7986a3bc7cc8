"""The first run: secrets, a private certificate authority and the broker's certificate, made once and kept.

What is there stays as it is, but for the broker's certificate, which is renewed before it ends. Each folder has
one reader, so that no part of an installation can read the secrets of another.
"""

import os
import pwd
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from config.issuing import AUTHORITY, keep_certificate
from config.shelf import Made, Reader, SetupRefused, Shelf, opened
from gateway.rights import LANE_USERNAME, RIGHTS_USERNAME, broker_store
from services.runtime.accounts import Account

STORE_FILE = "dynamic-security.json"
# By these the program itself reaches the broker: in containers, and on one machine.
_OWN_NAMES = ("mosquitto", "localhost", "127.0.0.1", "::1")
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_SECRET_BYTES = 32


class Place(StrEnum):
    """Where the installation runs: in containers, or on a machine of its own."""

    CONTAINERS = "containers"
    MACHINE = "machine"


class Https(StrEnum):
    """Who vouches for the web face: a public authority, or for a private name the proxy's own."""

    PUBLIC = "public"
    INTERNAL = "internal"


# The numbers of the images of PostgreSQL and Mosquitto, and of our Dockerfile.
_IN_CONTAINERS = {
    Reader.DATABASE: Account("postgres", 999, 999),
    Reader.BROKER: Account("mosquitto", 1883, 1883),
    Reader.PROGRAM: Account("bypunkt", 10_001, 10_001),
}
_ON_A_MACHINE = (Reader.BROKER, Reader.PROGRAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the operator decides: where the files stand, and by which names people and devices come."""

    directory: Path
    store: Path
    """Where the broker keeps what it writes."""
    host: str
    also: tuple[str, ...] = ()
    place: Place = Place.MACHINE
    https: Https = Https.PUBLIC
    lanes: int = 16

    @property
    def names(self) -> tuple[str, ...]:
        """Every name and address that the broker's certificate must hold."""
        return tuple(dict.fromkeys((self.host, *self.also, *_OWN_NAMES)))


def set_up(installation: Installation, *, now: datetime) -> list[Made]:
    """Make what is missing and return every file, in the order of the work; raises `SetupRefused`."""
    _refuse_odd(installation)
    # Containers are given single folders of it, so on their host nobody but root has to come in.
    mode = 0o700 if installation.place is Place.CONTAINERS else 0o755
    with opened(installation.directory, _readers(installation.place), mode=mode) as shelf:
        _broker(shelf, installation)
        keep_certificate(shelf, installation.names, now=now)
        if installation.place is Place.CONTAINERS:
            _database(shelf)
        else:
            _settings(shelf, installation)
        return shelf.made


def _broker(shelf: Shelf, installation: Installation) -> None:
    lanes = _secret(shelf, "run/mqtt_password", says="bypunkt's accounts at the broker")
    rights = _secret(shelf, "run/mqtt_rights_password", says="the account that writes the rights of devices")

    def first() -> bytes:
        return broker_store(rights_password=rights, lanes_password=lanes, lanes=installation.lanes).encode()

    store = installation.store / STORE_FILE
    shelf.hand_over(
        store, first, reader=Reader.BROKER, says="accounts and rights; the broker's own from now on"
    )


def _database(shelf: Shelf) -> None:
    """The server's superuser and the run-time login; `bypunkt migrate` gives the login the password in its address."""
    superuser = _secret(
        shelf, "postgres/password", reader=Reader.DATABASE, says="the superuser of PostgreSQL"
    )
    shelf.keep(
        "admin/database_url",
        f"postgresql://postgres:{quote(superuser, safe='')}@postgres:5432/bypunkt\n".encode,
        reader=Reader.PROGRAM,
        says="for migrations and backups",
    )
    shelf.keep(
        "run/database_url",
        f"postgresql://bypunkt_app:{_random()}@postgres:5432/bypunkt\n".encode,
        reader=Reader.PROGRAM,
        says="for the running program",
    )


def _settings(shelf: Shelf, installation: Installation) -> None:
    """No secret: on one machine PostgreSQL knows the program by its user."""
    host, https = installation.host, installation.https
    text = f"""\
# Written by `bypunkt setup`, and yours from now on. docs/settings.md has all settings.
[database]
url = "postgresql://bypunkt@/bypunkt?host=/var/run/postgresql"
admin_url = "postgresql://postgres@/bypunkt?host=/var/run/postgresql"
app_login = "bypunkt"

[mqtt]
host = "127.0.0.1"
port = 8883
tls_ca = "{shelf.directory / AUTHORITY}"
username = "{LANE_USERNAME}"
password_file = "{shelf.directory / "run/mqtt_password"}"
rights_username = "{RIGHTS_USERNAME}"
rights_password_file = "{shelf.directory / "run/mqtt_rights_password"}"

[web]
public_url = "https://{host}"
"""
    shelf.keep("bypunkt.toml", text.encode, reader=Reader.EVERYBODY, says="settings; no secret")
    proxy = f"BYPUNKT_HOST={host}\nBYPUNKT_HTTPS={https}\n"
    shelf.keep("caddy.env", proxy.encode, reader=Reader.EVERYBODY, says="for Caddy; no secret")


def _secret(shelf: Shelf, name: str, *, reader: Reader = Reader.PROGRAM, says: str) -> str:
    content = shelf.keep(name, f"{_random()}\n".encode, reader=reader, says=says)
    return content.decode(errors="replace").strip()


def _random() -> str:
    """Random text that needs no quoting in an address."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def _refuse_odd(installation: Installation) -> None:
    for name in (installation.host, *installation.also):
        if not _NAME.fullmatch(name) and not _is_address(name):
            raise SetupRefused(f"{name!r} is no host name: give it as in punkt.example.se, without https://")
    if ":" in installation.host:
        raise SetupRefused("the host cannot be an IPv6 address: give it a name, and the address with --also")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return "%" not in name  # nor can a certificate say through which door of a machine it is reached


def _readers(place: Place) -> Mapping[Reader, Account]:
    if os.geteuid() != 0:
        return {}  # files cannot be given away: they stay ours
    if place is Place.CONTAINERS:
        return _IN_CONTAINERS
    return {reader: _account(reader) for reader in _ON_A_MACHINE}


def _account(reader: Reader) -> Account:
    try:
        entry = pwd.getpwnam(reader)
    except KeyError:
        raise SetupRefused(
            f"there is no user {reader} here: install Mosquitto and run systemd-sysusers first (docs/install.md)"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
