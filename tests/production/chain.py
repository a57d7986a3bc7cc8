"""An installation on this machine, put together from the production files as docs/install.md says.

What stands for the service manager or the container engine: this file. What is real: PostgreSQL, Mosquitto, Caddy,
bypunkt, each with the production configuration and the files that `bypunkt setup` made.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from config.setup import Place
from gateway.embedded import EmbeddedBroker
from services.runtime.accounts import Account, unprivileged_account
from services.runtime.child import Command
from services.storage.embedded import EmbeddedPostgres
from tests.production.compose import compose
from tests.production.proxy import HOST
from tests.support.processes import ROOT

# As the unit says: no memory that can be both written and run, no new privileges (prctl(2), PR_SET_MDWE = 65).
CONFINED = """
import ctypes
prctl = ctypes.CDLL(None).prctl
prctl(65, 1, 0, 0, 0)
assert prctl(38, 1, 0, 0, 0) == 0
from config.cli import main
main()
"""
_LISTENER = "listener 8883\n"


@dataclass
class Installation:
    """Where it stands, and what the program is told."""

    place: Place
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        """What `bypunkt setup --directory` made."""
        return self.home / "secrets"

    def told(self, **more: str) -> dict[str, str]:
        """The environment of the program: nothing of this machine's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")}
        return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "250", **self.environment, **more}


class Broker(EmbeddedBroker):
    """Mosquitto in the folder that a container or the unit gives it, as the user that it has there."""

    name = "mosquitto"

    def __init__(self, installation: Installation) -> None:
        super().__init__(installation.home / "broker", port=0, command=self._prepare)
        self._installation = installation

    def _prepare(self) -> Command:
        text = (ROOT / "config/production/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
        assert text.count(_LISTENER) == 1
        home = self.directory / "home"
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        (home / "mosquitto.conf").write_text(text.replace(_LISTENER, f"listener {self.port} {self.host}\n"))
        if not (home / "data").is_symlink():
            (home / "certificates").symlink_to(self._installation.secrets / "broker")
            (home / "data").symlink_to(self._installation.home / "store")
        account = unprivileged_account("mosquitto", "nobody")
        if account is not None and self._installation.place is Place.CONTAINERS:
            account = Account("mosquitto", 1883, 1883)
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program is not None
        return Command(
            name=self.name,
            arguments=(program, "-c", "mosquitto.conf"),
            log=self.log,
            account=account,
            directory=home,
        )


@asynccontextmanager
async def database(installation: Installation) -> AsyncIterator[None]:
    """PostgreSQL as the image makes it (a password for everybody who comes by TCP), or as Debian does (the socket)."""
    if installation.place is Place.MACHINE:
        async with EmbeddedPostgres(settings=_log_settings()) as server:
            await _execute(server.dsn(), "CREATE DATABASE bypunkt TEMPLATE template0 ENCODING 'UTF8'")
            _point_to_socket(installation.secrets / "bypunkt.toml", server.dsn("bypunkt"))
            yield
        return
    hba = installation.home / "pg_hba.conf"
    hba.write_text("local all all trust\nhost all all all scram-sha-256\n")
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = str(held.getsockname()[1])
        settings = {"listen_addresses": "127.0.0.1", "port": port, "hba_file": str(hba), **_log_settings()}
        async with EmbeddedPostgres(settings=settings) as server:
            socket_url = server.dsn().replace("port=5432", f"port={port}")
            await _execute(socket_url, "CREATE DATABASE bypunkt")
            password = (installation.secrets / "postgres/password").read_text().strip()
            await _execute(socket_url, f"ALTER ROLE postgres PASSWORD '{password}'")
            for name in ("run/database_url", "admin/database_url"):
                _replace(installation.secrets / name, "@postgres:5432/", f"@127.0.0.1:{port}/")
            yield


def tell(installation: Installation, broker: Broker, *, web_port: int) -> None:
    """Give the program the settings of its place, with the ports of this test."""
    ports = {"BYPUNKT_MQTT__PORT": str(broker.port), "BYPUNKT_WEB__PORT": str(web_port)}
    if installation.place is Place.MACHINE:
        installation.environment = {"BYPUNKT_CONFIG": str(installation.secrets / "bypunkt.toml"), **ports}
        return
    services = compose({"BYPUNKT_HOST": HOST}).services
    said = services["migrate"].environment | services["bypunkt"].environment
    placed = {name: re.sub("^/run/secrets", str(installation.secrets), value) for name, value in said.items()}
    # The certificate that `setup` made is for the name `mosquitto` too, and for this machine.
    installation.environment = {**placed, "BYPUNKT_MQTT__HOST": "127.0.0.1", **ports}


def program(*arguments: str) -> list[str]:
    """How bypunkt is called, as confined as its unit confines it."""
    return [sys.executable, "-c", CONFINED, *arguments]


def _log_settings() -> dict[str, str]:
    lines = (ROOT / "config/production/postgresql/bypunkt.conf").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" = ") for line in lines if not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _point_to_socket(file: Path, dsn: str) -> None:
    sockets = re.search("host=([^&]+)", dsn)
    assert sockets is not None
    _replace(file, "host=/var/run/postgresql", f"host={sockets[1]}")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
