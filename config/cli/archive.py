"""`bypunkt archive` and `bypunkt log`: events into files, and what the log holds."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import AsJson, run, settings_for_command, show
from config.failures import CommandFailed
from services.log.archive.files import ArchiveSet
from services.log.archive.keeping import keep, turn
from services.log.models import Partition
from services.log.options import LEAST_DAYS
from services.log.retention import log_size, next_drop
from services.runtime.clock import now
from services.storage.database import Database, Public, Role

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(archive)
    app.command("log")(list_partitions)


def archive(
    to: Annotated[Path, typer.Option(help="The directory that the archive grows in; it must exist.")],
    before: Annotated[
        str | None,
        typer.Option(
            help="A month, 2026-01: what ended before it. Otherwise all that cannot change any longer."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write events to compressed files in an open form; the log keeps them as long as it would."""
    settled = now() - timedelta(days=LEAST_DAYS)
    until = min(settled, _month(before)) if before else settled
    if not to.is_dir():
        raise CommandFailed(f"{to} is no directory: make it first")
    rows = [
        {"set": archived.path.name, "events": archived.events, "bytes": archived.bytes}
        for archived in run(_archive(to, until))
    ]
    empty = (
        f"the log has nothing that ended before {until:%Y-%m-%d}; what is younger may still get late events"
    )
    show(rows, as_json=as_json, empty=empty)


def list_partitions(as_json: AsJson = False) -> None:
    """Show the parts of the log: time, size, events (an estimate), and when each is let go of."""
    options = settings_for_command().retention
    rows = [
        {
            "part": part.name,
            "class": part.retention,
            "from": part.starts_at,
            "to": part.ends_at,
            "events": part.rows,
            "mb": round(part.bytes / 1e6, 1),
            "goes": next_drop(part, options),
        }
        for part in run(_partitions())
    ]
    show(rows, as_json=as_json, empty="the log has no partitions yet: start the gateway once")


async def _partitions() -> list[Partition]:
    async with open_database(settings_for_command()) as database:
        return await _parts(database)


async def _archive(to: Path, until: datetime) -> list[ArchiveSet]:
    async with open_database(settings_for_command()) as database, turn(database) as ours:
        if not ours:
            raise CommandFailed(
                "the log is being archived, imported or cleaned up at this moment: try again later"
            )
        parts = [part for part in await _parts(database) if part.ends_at <= until]
        sets = [await keep(database, part, to, now=now()) for part in parts]
        return [kept for kept in sets if kept.events]


async def _parts(database: Database) -> list[Partition]:
    async with database.transaction(Role.WORKER, Public()) as connection:
        return await log_size(connection)


def _month(text: str) -> datetime:
    try:
        if _MONTH.fullmatch(text):
            return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise CommandFailed(f"--before {text}: a month is written 2026-01")
