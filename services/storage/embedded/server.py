"""A PostgreSQL of our own for the demo and the tests: a foreground child on a private Unix socket."""

import asyncio
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

from services.runtime.accounts import Account, unprivileged_account
from services.runtime.child import Child, ChildError, Command
from services.storage.embedded.binaries import Binaries, find_binaries, usable_by_others
from services.storage.embedded.errors import EmbeddedPostgresError
from services.storage.embedded.home import SOCKET_PORT, Home, make_private, open_home

SUPERUSER = "postgres"

_INITDB_WITHIN = 120.0
_READY_WITHIN = 120.0  # recovery after a crash is part of it
_STOP_WITHIN = 20.0
_LEFTOVERS_WITHIN = 20.0
_POLL_SECONDS = 0.02

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "port": str(SOCKET_PORT),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The log must not hold what the rows hold: neither statements nor the values in error details.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)
_FAST_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)


class EmbeddedPostgres:
    """`async with EmbeddedPostgres() as server:` runs a server until the end of the block.

    Without `data_dir` everything is temporary; with it the cluster is made once and used again. No TCP: who
    may enter the socket's directory (mode 0700) may do everything. `fast` trades safety in a crash for speed
    and is for tests only. `settings` are PostgreSQL's own; `binaries` is a directory with `postgres` and
    `initdb`. As root the server runs as the user `postgres`, else `nobody`. When we die, even by -9, it
    shuts down fast.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        fast: bool = False,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._fast = fast
        self._settings = {**_SETTINGS, **(_FAST_SETTINGS if fast else {}), **(settings or {})}
        self._search = None if binaries is None else [binaries]
        self._account: Account | None = None
        self._home: Home | None = None
        self._programs: Binaries | None = None
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        self._account = unprivileged_account("postgres", "nobody")
        self._home = open_home(self._data_dir, self._account)
        try:
            programs = find_binaries(self._search, major=self._home.major)
            self._programs = programs if self._account is None else usable_by_others(programs)
            await self.start()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
            await _until_alone(self._opened()[0])
        finally:
            self._close()

    @property
    def pid(self) -> int:
        """The process id of the server's main process (the postmaster)."""
        if self._child is None:
            raise EmbeddedPostgresError("the server has not been started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the main process is alive."""
        return self._child is not None and self._child.running

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._opened()[0].log

    @property
    def binaries(self) -> Binaries:
        """The programs in use."""
        return self._opened()[1]

    def dsn(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """The connection string for asyncpg, psql and pg_dump; stays the same over restarts."""
        where = f"host={quote(str(self._opened()[0].sockets), safe='/')}&port={SOCKET_PORT}"
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"

    async def start(self) -> None:
        """Start the server and return when it accepts connections; harmless when it runs."""
        if self.running:
            return
        home, programs = self._opened()
        try:
            if home.major is None:
                await self._initialise(home, programs)
            await _until_alone(home)
            # PostgreSQL refuses to start when the process id that a crash left here is alive, even if it is
            # something else by now, as after a container's restart. We hold our own lock and have looked.
            (home.cluster / "postmaster.pid").unlink(missing_ok=True)
            child = Child(
                self._server_command(home, programs), ready=self._is_ready, ready_within=_READY_WITHIN
            )
            self._child = child
            await child.start()
        except ChildError as error:
            raise EmbeddedPostgresError(str(error)) from error

    async def stop(self) -> None:
        """Shut down fast: open transactions are rolled back, the data is left clean."""
        if self._child is not None:
            await self._child.stop()

    async def restart(self) -> None:
        """Stop and start with the same data and the same connection string."""
        await self.stop()
        await self.start()

    async def kill(self) -> None:
        """End the main process as `kill -9` would; its children follow by themselves, `start` recovers."""
        if self._child is not None:
            self._child.kill()

    async def wait(self) -> int:
        """Wait until the main process ends, and return its exit status."""
        if self._child is None:
            raise EmbeddedPostgresError("the server has not been started")
        return await self._child.wait()

    def _opened(self) -> tuple[Home, Binaries]:
        if self._home is None or self._programs is None:
            raise EmbeddedPostgresError("the server has not been entered: use `async with`")
        return self._home, self._programs

    def _close(self) -> None:
        if self._home is not None:
            self._home.close()
            self._home = None

    def _server_command(self, home: Home, programs: Binaries) -> Command:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        return Command(
            name="postgres",
            arguments=(
                str(programs.directory / "postgres"),
                "-D",
                str(home.cluster),
                f'--unix_socket_directories="{home.sockets}"',
                *options,
            ),
            log=home.log,
            account=self._account,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown; SIGTERM waits for every client to leave
            stop_within=_STOP_WITHIN,
        )

    async def _initialise(self, home: Home, programs: Binaries) -> None:
        await asyncio.to_thread(shutil.rmtree, home.draft, ignore_errors=True)
        make_private(home.draft, self._account)
        command = Command(
            name="initdb",
            arguments=(
                str(programs.directory / "initdb"),
                f"--pgdata={home.draft}",
                f"--username={SUPERUSER}",
                "--auth-local=trust",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                # Texts in the order of their bytes, which is that of C.UTF-8 too, but compared at once.
                "--lc-collate=C",
                "--lc-messages=C",
                *(["--no-sync"] if self._fast else []),
            ),
            log=home.log,
            account=self._account,
        )
        async with Child(command) as child, asyncio.timeout(_INITDB_WITHIN):
            status = await child.wait()
        if status != 0:
            raise EmbeddedPostgresError(f"initdb ended with status {status}:\n{child.log_tail()}")
        home.draft.rename(home.cluster)

    async def _is_ready(self) -> bool:
        # The server's own word in its lock file, as pg_ctl reads it: line 1 says whose, line 8 how far.
        try:
            lines = (self._opened()[0].cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


async def _until_alone(home: Home) -> None:
    """Wait until nothing of an earlier server works in the cluster: children follow a killed one soon."""
    try:
        async with asyncio.timeout(_LEFTOVERS_WITHIN):
            while home.processes():  # noqa: ASYNC110 - the kernel tells only parents, and we are not theirs
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise EmbeddedPostgresError(
            f"another server still works in {home.cluster}: processes {home.processes()}"
        ) from error
