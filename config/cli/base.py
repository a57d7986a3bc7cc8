"""What the commands share: the application, running on an event loop, output, and errors in one line."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from config import logs
from config.app import NotConfigured, open_database
from config.demo import DemoRefused
from config.settings import Settings, SettingsRefused, load
from dashboard.app import PortTaken
from gateway.embedded import BrokerError
from services.log.lanes import registered_codes
from services.runtime.child import ChildError
from services.runtime.tasks import describe
from services.storage.database import UNREACHABLE, Connection, Database, Installation, Role, Tenants
from services.storage.embedded import EmbeddedPostgresError
from services.storage.migrate import MigrationError
from services.storage.safety import UnsafeDatabase
from services.tenants.devices import DeviceError
from services.tenants.importing import ImportRefused
from services.tenants.passwords import WeakPassword
from services.tenants.people import PersonError

app = typer.Typer(
    name="bypunkt",
    help="The backend of a village's digital service points.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Result = TypeVar("Result")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class CommandFailed(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


_OURS = (
    BrokerError, ChildError, CommandFailed, DemoRefused, DeviceError, EmbeddedPostgresError, ImportRefused,
    MigrationError, NotConfigured, PersonError, PortTaken, SettingsRefused, UnsafeDatabase, WeakPassword,
)  # fmt: skip
FAILURES = (*_OURS, *UNREACHABLE, asyncpg.PostgresError, ExceptionGroup)


def explain(error: BaseException) -> list[str]:
    """Return an error as lines for the person at the terminal."""
    if isinstance(error, ExceptionGroup):
        return [line for inner in error.exceptions for line in explain(inner)]
    if isinstance(error, _OURS):
        return str(error).splitlines()
    if isinstance(error, (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        return [
            f"PostgreSQL refuses the sign-in: {error}. Check the user and password in BYPUNKT_DATABASE__URL"
        ]
    if isinstance(error, (asyncpg.InvalidParameterValueError, asyncpg.UndefinedTableError)):
        return ["the database was never prepared for bypunkt: run `bypunkt migrate`"]
    if isinstance(error, UNREACHABLE):
        return [
            f"cannot reach PostgreSQL ({describe(error)}). Is it running, and is BYPUNKT_DATABASE__URL right?"
        ]
    return [describe(error)]


def settings_for_command(**given: Any) -> Settings:  # noqa: ANN401 - sections as pydantic takes them
    """Read the settings and set up the log as they say."""
    settings = load(**given)
    logs.set_up(settings.log)
    return settings


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine, on uvloop where it exists."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        with asyncio.Runner() as runner:
            return runner.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends by itself, or until SIGINT or SIGTERM, which is a clean end too."""
    run(_until_stopped(work))


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await work


@asynccontextmanager
async def whole_installation() -> AsyncIterator[Connection]:
    """Open a transaction for the operator's work on people and dead letters."""
    async with (
        open_database(settings_for_command()) as database,
        database.transaction(Role.WEB, Installation()) as connection,
    ):
        yield connection


@asynccontextmanager
async def every_municipality() -> AsyncIterator[Connection]:
    """Open a transaction that sees the rows of all municipalities."""
    async with open_database(settings_for_command()) as database:
        codes = await municipality_codes(database)
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            yield connection


async def municipality_codes(database: Database) -> tuple[str, ...]:
    """Return the codes of all municipalities."""
    return tuple(sorted(await registered_codes(database)))


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; `empty` is said when there are none."""
    if as_json:
        json.dump([dict(row) for row in rows], sys.stdout, indent=1, default=str)
        print()
        return
    if not rows:
        print(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        # Text, not markup: a device's words are shown as they are, and colour nothing.
        table.add_row(*(Text("" if value is None else printable(str(value))) for value in row.values()))
    Console().print(table)


def printable(text: str) -> str:
    """Return text without control characters, which could move the cursor or hide what follows."""
    return "".join(character if character.isprintable() else "�" for character in text)
