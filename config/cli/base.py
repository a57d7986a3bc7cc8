"""What the commands share: the application, running on an event loop, output, and errors in one line."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from config import logs
from config.app import open_database
from config.settings import Settings, load
from services.log.lanes import registered_codes
from services.storage.database import Connection, Database, Installation, Role, Tenants

app = typer.Typer(
    name="bypunkt",
    help="The backend of a village's digital service points.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Result = TypeVar("Result")
_WIDE = 1_000
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def settings_for_command(*, quiet: bool = True) -> Settings:
    """Read the settings and set up the log as they say; a quiet command's log holds errors alone."""
    settings = load()
    logs.set_up(settings.log.model_copy(update={"level": "error"}) if quiet else settings.log)
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
        table.add_row(*(Text(_said(value)) for value in row.values()))
    # A file or a pipe has no width: what is read by a program or searched must not be folded.
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return "" if value is None else printable(str(value))


def printable(text: str) -> str:
    """Return text without control characters, which could move the cursor or hide what follows."""
    return "".join(character if character.isprintable() else "�" for character in text)
