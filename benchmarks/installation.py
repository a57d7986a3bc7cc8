"""A whole installation to be measured from outside: broker, PostgreSQL, and processes of the program.

Only what stays is used: topics, `bypunkt run`, settings by environment, tables. Everything is synthetic.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import asyncpg

from benchmarks import proc
from benchmarks.driver import MUNICIPALITIES, Load, Report
from gateway.embedded import Mosquitto, MosquittoOptions
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate

ROOT = Path(__file__).parents[1]
_PROGRAM = ("-c", "from config.cli import main; main()")
_STOP_WITHIN_S = 20.0
# docs/operations.md, PostgreSQL under load.
_AS_RECOMMENDED = {"shared_buffers": "4GB", "max_wal_size": "16GB", "checkpoint_timeout": "15min"}
# A minute of a whole country is more than the queue of a municipality's broker holds (docs/broker.md).
_LONG_QUEUE = ("max_queued_messages 0", "max_queued_bytes 0")
_REGISTER = """
INSERT INTO municipality (code, name, county, county_code, seat_lat, seat_lon, lane)
SELECT code, 'Synthetic ' || code, 'Synthetic', '01', 58, 14, lane_for(code) FROM unnest($1::text[]) AS code;
"""
_DEVICES = """
INSERT INTO device (municipality, id, kind, offline_after_s, expected_interval_s, synthetic)
SELECT m.code, 'hs-' || lpad(n::text, 4, '0'), 'hotspot', 180, 20, true
FROM municipality AS m, generate_series(0, $1::int - 1) AS n
"""
# A tenth of the devices keeps its events until the receipt.
_SPOOLS = """
INSERT INTO device_spool (municipality, device, declared_at, spool)
SELECT municipality, id, now() - interval '1 day', true FROM device WHERE right(id, 1) = '0'
"""
_SEEN = """
SELECT bool_and(EXISTS (
    SELECT FROM observation AS o WHERE o.lane = u.lane AND o.seen_until > now() - interval '20 s' AND NOT o.closed
)) FROM lane_in_use AS u
"""
_PROGRESS = """
SELECT (SELECT coalesce(sum(head), 0)::bigint FROM lane) AS stored,
    (SELECT count(*) FROM dead_letter) AS dead,
    (SELECT jsonb_object_agg(reading, behind) FROM (
        SELECT c.reading, sum(l.head - c.position) AS behind
        FROM reading_cursor AS c JOIN lane AS l USING (lane) GROUP BY 1
    ) AS r) AS behind
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the log and its readings are; `behind` in events, of the slowest reading."""

    stored: int
    dead: int
    behind: Mapping[str, int]

    @property
    def worst(self) -> int:
        """Events that the slowest reading has not read."""
        return max(self.behind.values(), default=0)


@dataclass(slots=True)
class Installation:
    """What stands. `processes` by name; more than one of a role have numbers: `gateway`, `gateway2`."""

    folder: Path
    broker: Mosquitto
    postgres: EmbeddedPostgres
    connection: asyncpg.Connection
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)

    async def start(self, name: str, *roles: str, **env: str) -> None:
        """Start a process of the program; with no roles named, its name is its role."""
        arguments = [part for role in roles or (name,) for part in ("--role", role)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, *_PROGRAM, "run", *arguments,
                cwd=ROOT, env=self._environment() | env, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip

    async def stop(self, name: str, *, ending: signal.Signals = signal.SIGTERM) -> None:
        """End a process and wait for it; one that does not listen is killed."""
        process = self.processes.pop(name)
        self.spent[name] = self.spent.get(name, 0.0) + proc.cpu_s(process.pid)
        if process.returncode is None:
            process.send_signal(ending)
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def until_seeing(self, *, within: float = 120.0) -> None:
        """Wait until a canary has come the whole way in every lane, so that nothing sent later is missed."""
        ends = time.monotonic() + within
        while not await self.connection.fetchval(_SEEN):
            self.assert_alive()
            if time.monotonic() > ends:
                raise TimeoutError(f"the gateway does not see all lanes within {within:g} s")
            await asyncio.sleep(0.2)

    async def progress(self) -> Progress:
        """Ask how far the log and its readings are."""
        row = await self.connection.fetchrow(_PROGRESS)
        assert row is not None
        return Progress(row["stored"], row["dead"], json.loads(row["behind"] or "{}"))

    def cpu(self) -> dict[str, float]:
        """CPU seconds by part, also of processes that have been stopped."""
        parts = dict(self.spent)
        for name, process in self.processes.items():
            parts[name] = parts.get(name, 0.0) + proc.cpu_s(process.pid)
        return {
            "broker": proc.cpu_s(self.broker.pid), "postgres": proc.family_cpu_s(self.postgres.pid), **parts
        }  # fmt: skip

    def memory(self) -> dict[str, int]:
        """Resident bytes of the program's processes."""
        return {name: proc.resident_bytes(process.pid) for name, process in self.processes.items()}

    async def drive(self, load: Load) -> Report:
        """Publish in a process of its own, until the broker has acknowledged everything."""
        driver = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.driver", "--port", str(self.broker.port), "--load",
            json.dumps(asdict(load)), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            said, _ = await driver.communicate()
        finally:
            if driver.returncode is None:
                driver.kill()
                await driver.wait()
        assert driver.returncode == 0, "the driver failed"
        return Report(**json.loads(said))

    def log_of(self, name: str) -> str:
        """Read what a process has written."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def assert_alive(self) -> None:
        """Fail when a process has ended by itself."""
        for name, process in self.processes.items():
            if process.returncode is not None:
                raise AssertionError(f"{name} ended with {process.returncode}: {self.log_of(name)[-2000:]}")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")}
        return kept | {
            "BYPUNKT_DATABASE__URL": self.postgres.dsn(user="bypunkt_app"),
            "BYPUNKT_MQTT__HOST": self.broker.host,
            "BYPUNKT_MQTT__PORT": str(self.broker.port),
            "BYPUNKT_LOG__LEVEL": "warning",
        }


@asynccontextmanager
async def installation(
    *, municipalities: int = 290, devices: int = 1_000, roles: Sequence[str] = ("gateway", "worker")
) -> AsyncIterator[Installation]:
    """Build one with registered devices, and start the given roles, each as a process of its own."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        broker = await stack.enter_async_context(
            Mosquitto(folder / "broker", options=MosquittoOptions(lines=_LONG_QUEUE))
        )
        postgres = await stack.enter_async_context(
            EmbeddedPostgres(settings=_AS_RECOMMENDED | {"track_commit_timestamp": "on"})
        )
        await migrate(postgres.dsn())
        connection = await stack.enter_async_context(looking(postgres))
        await register(connection, municipalities=municipalities, devices=devices)
        built = Installation(folder, broker, postgres, connection)
        stack.push_async_callback(_stop_all, built)
        for role in roles:
            await built.start(role)
        if "gateway" in roles:
            await built.until_seeing()
        yield built


@asynccontextmanager
async def looking(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection as superuser, to look at what is stored."""
    connection = await asyncpg.connect(postgres.dsn(), server_settings={"search_path": "bypunkt"})
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bypunkt-bench-") as name:
        Path(name).chmod(0o755)  # the servers run as somebody else
        yield Path(name)


def free_port() -> int:
    """Find a TCP port that nobody has at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def register(connection: asyncpg.Connection, *, municipalities: int, devices: int) -> None:
    """Register so many municipalities with so many synthetic devices each."""
    await connection.execute(_REGISTER, list(MUNICIPALITIES[:municipalities]))
    await connection.execute(_DEVICES, devices)
    await connection.execute(_SPOOLS)
    await connection.execute("ANALYZE")
    # What was just written is on its way to the disk otherwise while we measure.
    await connection.execute("CHECKPOINT")


async def _stop_all(built: Installation) -> None:
    for name in list(built.processes):
        await built.stop(name)
