"""Debian's Caddy with the production Caddyfile, on loopback, and visitors who trust its internal authority."""

import asyncio
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from typing_extensions import override

from services.runtime.accounts import unprivileged_account
from services.runtime.child import Child, Command
from tests.support.processes import ROOT

CADDYFILE = ROOT / "config/production/caddy/Caddyfile"
HOST = "punkt.test"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Proxy:
    """A running Caddy."""

    plain_port: int
    port: int
    root: Path
    log: Path

    @asynccontextmanager
    async def visitor(self, *, scheme: str = "https") -> AsyncIterator[ClientSession]:
        """Somebody whose name server knows the host, and who trusts the proxy's authority alone."""
        port = self.port if scheme == "https" else self.plain_port
        connector = TCPConnector(resolver=_Here(), ssl=ssl.create_default_context(cafile=str(self.root)))
        async with ClientSession(
            f"{scheme}://{HOST}:{port}",
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=30),
        ) as http:
            yield http


class _Here(AbstractResolver):
    """Every name is this machine."""

    @override
    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[Any]:
        found = {"hostname": host, "host": _LOOPBACK, "port": port, "family": socket.AF_INET, "proto": 0}
        return [found | {"flags": socket.AI_NUMERICHOST}]

    @override
    async def close(self) -> None:
        """Nothing to close."""


@asynccontextmanager
async def caddy(directory: Path, upstream: str, *, caddyfile: Path = CADDYFILE) -> AsyncIterator[Proxy]:
    """Run Caddy as a user without rights, in a directory that other users can reach."""
    home = directory / "caddy"
    home.mkdir()
    account = unprivileged_account("caddy", "nobody")
    if account is not None:
        os.chown(home, account.uid, account.gid)
    shutil.copy(caddyfile, directory / "Caddyfile")
    (directory / "Caddyfile").chmod(0o644)
    with ExitStack() as held:
        plain_port, port = (held.enter_context(_reserved()).getsockname()[1] for _ in range(2))
        options = f"default_bind {_LOOPBACK}\nhttp_port {plain_port}\nhttps_port {port}"
        command = Command(
            name="caddy",
            arguments=("caddy", "run", "--config", str(directory / "Caddyfile"), "--adapter", "caddyfile"),
            log=directory / "caddy.log",
            account=account,
            directory=home,
            environment={
                "HOME": str(home),
                "XDG_DATA_HOME": str(home),
                "XDG_CONFIG_HOME": str(home),
                "BYPUNKT_HOST": HOST,
                "BYPUNKT_HTTPS": "internal",
                "BYPUNKT_UPSTREAM": upstream,
                "BYPUNKT_CADDY_OPTIONS": options,
            },
        )
        root = home / "caddy/pki/authorities/local/root.crt"

        async with AsyncExitStack() as running:
            await _started(running, command, port, root)
            yield Proxy(plain_port, port, root, command.log)


class _Stumbled(Exception):
    """Caddy 2.6 tidies its storage up at a start, and may take away the certificate that it is just writing.

    It tries again after a minute. We do not wait for that.
    """


async def _started(running: AsyncExitStack, command: Command, port: int, root: Path) -> None:
    async def ready() -> bool:
        if "saving assets" in command.log.read_text():
            raise _Stumbled
        return await asyncio.to_thread(_greets, port, root)

    for _ in range(5):
        command.log.unlink(missing_ok=True)
        try:
            await running.enter_async_context(Child(command, ready=ready, ready_within=60))
        except _Stumbled:
            continue
        return
    raise AssertionError("Caddy stumbled five times")


def _reserved() -> socket.socket:
    """Hold a port without listening, so that nobody else is given it (see gateway/embedded/broker.py)."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((_LOOPBACK, 0))
    return held


def _greets(port: int, root: Path) -> bool:
    """Whether it answers for the host with a certificate of its own authority."""
    try:
        context = ssl.create_default_context(cafile=str(root))
        with (
            socket.create_connection((_LOOPBACK, port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=HOST),
        ):
            return True
    except OSError:
        return False
