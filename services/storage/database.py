"""The one way to the database: a transaction with a role and a scope (rules R23, R24).

The login itself has no rights. Each transaction takes one of four roles and says whose rows it works on;
row-level security does the rest. Both end with the transaction, so a pooled connection carries nothing over.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from services.runtime.tasks import backoff_s, describe

log = structlog.get_logger()

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

# What a lost, frozen or restarting PostgreSQL looks like from here; everything else is about the data or a bug.
# InternalClientError has been seen when the server died in the middle of a statement.
UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # it was we who stood still: the server let go of us
)

STATEMENT_S = 20.0
_CLOSE_WITHIN_S = 5.0
_STEADY_S = 30.0  # a connection that held so long starts the pauses from the beginning
_ASK_AGAIN_S = 20.0
_SCOPE = """
SELECT set_config('role', $1, true), set_config('bypunkt.lane', $2, true),
       set_config('bypunkt.municipalities', $3, true), set_config('bypunkt.login', $4, true),
       set_config('bypunkt.person', $5, true), set_config('bypunkt.installation', $6, true)
"""
_SETTINGS = ("lane", "municipalities", "login", "person", "installation")
# What may stand in a statement's text as it is; everything else is a parameter, at the price of a round trip.
_PLAIN = re.compile(r"[a-z0-9,-]*", re.ASCII)


class Role(StrEnum):
    """Who works: each is a database role with no more rights than its part of the program needs."""

    INGEST = "bypunkt_ingest"
    WORKER = "bypunkt_worker"
    WEB = "bypunkt_web"
    READ = "bypunkt_read"


@dataclass(frozen=True, slots=True)
class Lane:
    """The municipalities of one lane of the log."""

    number: int


@dataclass(frozen=True, slots=True)
class Tenants:
    """The municipalities that a person, or an import, works for."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Public:
    """No tenant: what everyone may see."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The one person who is named, by login or by id, before any tenant is known."""

    login: str = ""
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """The people of the whole installation, for the operator's command line."""


Scope: TypeAlias = Lane | Tenants | Public | SignIn | Installation


def _settings(scope: Scope) -> tuple[str, str, str, str, str]:
    match scope:
        case Lane(number):
            return str(number), "", "", "", ""
        case Tenants(codes):
            return "", ",".join(codes), "", "", ""
        case Public():
            return "", "", "", "", ""
        case SignIn(login, person):
            return "", "", login, str(person or ""), ""
        case Installation():
            return "", "", "", "", "yes"


def _opening(role: Role, values: Sequence[str]) -> str:
    """Return a transaction's beginning as one text: what is not set is empty, as it is before each transaction."""
    scope = (
        f"SET LOCAL bypunkt.{name} = '{value}'"
        for name, value in zip(_SETTINGS, values, strict=True)
        if value
    )
    return "; ".join(("BEGIN", f"SET LOCAL ROLE {role}", *scope))


class Database:
    """A pool of connections that can only be used through `transaction`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", url: str) -> None:
        self._pool = pool
        self._url = url

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, connections: int = 8, statement_s: float | None = STATEMENT_S
    ) -> AsyncIterator["Database"]:
        """Open a pool on `url`; connections are made when they are first needed.

        `statement_s` bounds each statement: a frozen server is an error to be retried, not a hang. None is for
        commands that may take as long as they take.
        """
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            timeout=5,
            command_timeout=statement_s,
            init=_prepare,
            reset=_leave_as_is,
            server_settings={
                "search_path": "bypunkt",
                "timezone": "UTC",
                "application_name": "bypunkt",
                "idle_in_transaction_session_timeout": "60s",
                # Compiling costs seconds on the short statements of this program, and gains nothing.
                "jit": "off",
            },
        )
        try:
            yield cls(pool, url)
        finally:
            try:
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await pool.close()
            except TimeoutError:
                pool.terminate()  # a server that died with a connection in use never lets go of it

    @asynccontextmanager
    async def transaction(
        self, role: Role, scope: Scope, *, first: str | None = None
    ) -> AsyncIterator[Connection]:
        """Open a transaction in which `role` sees the rows of `scope` and nothing else.

        `first` is a statement (or several) without values that travels with the opening. `savepoint` opens an inner
        one. Raises one of `UNREACHABLE` when the server is away; nothing of the transaction is stored then, unless
        the connection was lost at the very commit, which a retry with the same keys makes harmless.
        """
        with _cancelled_all_the_same():
            async with self._pool.acquire(timeout=10) as connection:
                try:
                    await _begin(connection, role, scope, first)
                    yield connection
                except BaseException:
                    await _roll_back(connection)
                    raise
                if await connection.execute("COMMIT") != "COMMIT":
                    # An error was caught inside, and the server had ended the transaction at it.
                    raise asyncpg.InFailedSQLTransactionError(
                        "the transaction had failed: nothing of it is stored"
                    )

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator["Notices"]:
        """Follow NOTIFY channels on a connection of their own, reconnecting for as long as this is open."""
        notices = Notices()
        task = asyncio.create_task(
            self._keep_listening(channels, notices), name=f"listen {','.join(channels)}"
        )
        try:
            yield notices
        finally:
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=1)

    async def _keep_listening(self, channels: Sequence[str], notices: "Notices") -> None:
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._listen_once(channels, notices)
            except (*UNREACHABLE, asyncpg.PostgresError) as error:
                log.warning("listen_failed", error=describe(error))
            steady = asyncio.get_running_loop().time() - began > _STEADY_S
            attempt = 1 if steady else attempt + 1
            await asyncio.sleep(backoff_s(attempt))

    async def _listen_once(self, channels: Sequence[str], notices: "Notices") -> None:
        connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=10, server_settings={"application_name": "bypunkt"}
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            for channel in channels:
                await connection.add_listener(channel, notices.take)
            notices.put("", "")
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_ASK_AGAIN_S):
                        await lost.wait()
                # A connection whose other end has gone without a word says so only when it is used.
                if not lost.is_set():
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """Take back what is done inside, and only that, when it ends with an error."""
    await connection.execute("SAVEPOINT here")
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK TO here; RELEASE here")
        raise
    await connection.execute("RELEASE here")


@contextmanager
def _cancelled_all_the_same() -> Iterator[None]:
    """Let a cancellation win over a server's failure at the same moment: who retries would never hear of it."""
    try:
        yield
    except UNREACHABLE as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise


async def _begin(connection: Connection, role: Role, scope: Scope, first: str | None) -> None:
    values = _settings(scope)
    plain = all(_PLAIN.fullmatch(value) for value in values)
    if plain and first is None:
        await connection.execute(_opening(role, values))
    elif plain:
        await connection.execute(f"{_opening(role, values)}; {first}")
    else:
        await connection.execute("BEGIN")
        await connection.execute(_SCOPE, role, *values)
        if first is not None:
            await connection.execute(first)


async def _roll_back(connection: Connection) -> None:
    """Undo what was begun; what went wrong is raised by whoever calls, and not what goes wrong here."""
    if connection.is_closed():
        return
    try:
        async with asyncio.timeout(_CLOSE_WITHIN_S):
            # Harmless where there is no transaction (any longer): the server only warns.
            await connection.execute("ROLLBACK")
    except (*UNREACHABLE, asyncpg.PostgresError):
        connection.terminate()  # the server rolls back what nobody can commit any longer


async def _leave_as_is(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Do nothing before a connection goes back: role and scope ended with the transaction, and nothing else is set.

    asyncpg itself would ask the server to forget locks, cursors and settings of the session: a round trip each time.
    """


class Notices:
    """Notifications as an async iterator of (channel, payload).

    Equal ones that wait are merged, so it is bounded by the number of different notices. ("", "") comes after
    each (re)connect: something may have been missed, read again.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], None] = {}
        self._arrived = asyncio.Event()

    def take(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        """Take a notification from asyncpg."""
        self.put(channel, str(payload))

    def put(self, channel: str, payload: str) -> None:
        """Leave a notice for the reader."""
        self._waiting[channel, payload] = None
        self._arrived.set()

    def __aiter__(self) -> AsyncIterator[tuple[str, str]]:
        return self

    async def __anext__(self) -> tuple[str, str]:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        notice = next(iter(self._waiting))
        del self._waiting[notice]
        return notice


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_to_json, decoder=json.loads)


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
