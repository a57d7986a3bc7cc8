"""The broker of production, with its own configuration file, on a port of its own."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.embedded import EmbeddedBroker
from gateway.options import MqttOptions
from gateway.rights import LANE_USERNAME, RIGHTS_USERNAME, broker_store
from services.runtime.accounts import Account, unprivileged_account
from services.runtime.child import Command
from tests.support.authorities import authority, localhost
from tests.support.processes import ROOT

CONFIGURATION = ROOT / "config/production/mosquitto/mosquitto.conf"
LANES, RIGHTS, READER, SPY = "lanes-password", "rights-password", "reader-password", "spy-password"
_LISTENER = "listener 8883\n"

# Somebody else's account, which is none of our business: it hears everything, and the rights job leaves it alone.
_SPY_ROLE = {
    "rolename": "spy",
    "acls": [
        {"acltype": kind, "topic": name, "priority": 0, "allow": True}
        for kind in ("publishClientReceive", "subscribePattern")
        for name in ("#", "$SYS/#", "$CONTROL/#")
    ],
}


class ProductionBroker(EmbeddedBroker):
    """Mosquitto with the production configuration: all of the file but the port, and certificates of a test."""

    name = "mosquitto"

    def __init__(self, directory: Path, *, store: str | None = None) -> None:
        super().__init__(directory, port=0, command=self._prepare)
        self.home = directory / "home"
        self.ca = directory / "ca.crt"
        self._store = store
        self._authority = authority()

    @property
    def store(self) -> Path:
        """The file with accounts and rights."""
        return self.home / "data/dynamic-security.json"

    def options(self, **changed: object) -> MqttOptions:
        """What bypunkt is told to reach it."""
        told: dict[str, object] = {
            "host": "localhost",
            "port": self.port,
            "tls_ca": self.ca,
            "username": LANE_USERNAME,
            "password": LANES,
            "rights_username": RIGHTS_USERNAME,
            "rights_password": RIGHTS,
            "canary_s": 0.5,
        }
        return MqttOptions.model_validate(told | changed)

    def arguments(self, username: str, password: str) -> list[str]:
        """What Mosquitto's own clients are told to reach it."""
        return [
            *("-h", "localhost", "-p", str(self.port), "--cafile", str(self.ca)),
            *("-u", username, "-P", password),
        ]

    def certificate(self) -> str:
        """The broker's certificate as it is on disk, without its first and last line."""
        lines = (self.home / "certificates/server.crt").read_text().splitlines()
        return "\n".join(lines[1:-1])

    def renew(self) -> None:
        """Put another certificate in its place, and tell the broker."""
        self._certify()
        self._own()
        os.kill(self.pid, signal.SIGHUP)

    def _prepare(self) -> Command:
        text = CONFIGURATION.read_text(encoding="utf-8")
        assert text.count(_LISTENER) == 1
        if not self.home.exists():
            self._furnish()
        (self.home / "mosquitto.conf").write_text(
            text.replace(_LISTENER, f"listener {self.port} {self.host}\n")
        )
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program is not None
        account = self._own()
        return Command(
            name=self.name,
            arguments=(program, "-c", "mosquitto.conf"),
            log=self.log,
            account=account,
            directory=self.home,
        )

    def _furnish(self) -> None:
        (self.home / "data").mkdir(parents=True)
        (self.home / "certificates").mkdir()
        self._authority.write(self.ca)
        self._certify()
        self.store.touch(mode=0o600)
        self.store.write_text(self._store or first_store())

    def _certify(self) -> None:
        folder = self.home / "certificates"
        localhost(self._authority).write(folder / "server.crt", folder / "server.key")

    def _own(self) -> Account | None:
        account = unprivileged_account("mosquitto", "nobody")
        if account is not None:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, account.uid, account.gid)
        return account


def first_store() -> str:
    """The store of a first run, with somebody else's account beside ours."""
    text = broker_store(rights_password=RIGHTS, lanes_password=LANES, lanes=16, reader_password=READER)
    document = json.loads(text)
    (reader,) = (client for client in document["clients"] if client["username"] == "bypunkt.reader")
    spied = json.loads(broker_store(rights_password=SPY, lanes_password=SPY, lanes=0))["clients"][0]
    document["clients"].append({**reader, **spied, "username": "spy", "roles": [{"rolename": "spy"}]})
    document["roles"].append(_SPY_ROLE)
    return json.dumps(document)


async def client(*command: str) -> tuple[int, str]:
    """Run one of Mosquitto's own clients to its end; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def listening(
    broker: ProductionBroker, account: tuple[str, str], filters: Sequence[str], *more: str
) -> AsyncIterator["Heard"]:
    """Subscribe with Mosquitto's own client, and hear what is delivered; ready once it is subscribed."""
    wanted = [word for name in filters for word in ("-t", name)]
    process = await asyncio.create_subprocess_exec(
        "stdbuf", "-oL", "mosquitto_sub", *broker.arguments(*account), *wanted, "-q", "1", "-F", "%t %p", "-d", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    heard = Heard(process)
    try:
        await heard.until("Subscribed")
        yield heard
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Heard:
    """What a listening client has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    @property
    def messages(self) -> list[tuple[str, str]]:
        """(topic, payload) of every message that was delivered."""
        pairs = (line.partition(" ") for line in self.lines if not line.startswith(("Client ", "Subscribed")))
        return [(topic, payload) for topic, _, payload in pairs]

    async def until(self, text: str, *, within: float = 20.0) -> None:
        """Read on until a line holds the text."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, self.lines
                self.lines.append(line.rstrip("\n"))
                if text in line:
                    return
