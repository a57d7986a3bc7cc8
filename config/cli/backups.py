"""`bypunkt backup` and `bypunkt restore`."""

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from config.app import READINGS, NotConfigured, open_database, secret_named
from config.cli.base import AsJson, run, settings_for_command
from config.failures import FAILURES, CommandFailed, explain
from config.settings import Settings
from services.log.follow import verify_lane
from services.log.lanes import lanes_in_use
from services.runtime.clock import now
from services.storage.backup import Archive, back_up, name_at, remove_old, restore, try_out
from services.storage.database import Database

# The database is not all that an installation is (docs/operations.md).
ALSO_KEEP = (
    "not in it, keep them too: the settings and secrets (BYPUNKT_…, /etc/bypunkt), the certificate authority, "
    "the broker's accounts and store"
)
Progress = Callable[[int], None]
Result = TypeVar("Result")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(backup)
    app.command("restore")(restore_backup)


def backup(
    file: Annotated[Path | None, typer.Argument(help="The file to write; it must not be there yet.")] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Write into this directory, under a name with the time.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(help="Afterwards remove all but so many of the newest there.", min=1)
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Try it out as well, in a scratch database of the same server.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write everything that the database holds to one file, while the program runs."""
    if (file is None) == (directory is None):
        raise typer.BadParameter("name a FILE or a --directory, not both")
    if keep is not None and directory is None:
        raise typer.BadParameter("--keep needs a --directory")
    settings = settings_for_command()
    url, login = _admin_address(settings), settings.database.app_login
    target = file if file is not None else Path(directory or "") / name_at(now())
    with _progress("writing") as on_progress:
        made = run(_stoppable(back_up(url, target, app_login=login, trial=verify, on_progress=on_progress)))
    removed = remove_old(made.path, keep=keep) if keep is not None else []
    if as_json:
        print(json.dumps({**_facts(made), "tried_out": verify, "removed": [str(path) for path in removed]}))
        return
    print(
        f"{made.path}: {_summary(made)}; read back{' and tried out' if verify else ''}, all as it should be"
    )
    for path in removed:
        print(f"removed {path}")
    print(ALSO_KEEP)


def restore_backup(
    file: Annotated[Path, typer.Argument(help="A file that `bypunkt backup` wrote.")],
    trial: Annotated[
        bool, typer.Option("--trial", help="Only try it out, in a scratch database of the same server.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty database, and bring it to this program's version."""
    settings = settings_for_command()
    url, options = _admin_address(settings), settings.database
    archive = Archive.open(file)
    if trial:
        with _progress("trying out", archive.manifest.dump_bytes) as on_progress:
            run(_stoppable(try_out(url, archive, app_login=options.app_login, on_progress=on_progress)))
        _say_restored(
            archive, [f"tried out {file}: {_summary(archive)}; all as it should be"], as_json=as_json
        )
        return
    password = secret_named("BYPUNKT_DATABASE__URL_FILE", options.app_password)
    with _progress("restoring", archive.manifest.dump_bytes) as on_progress:
        work = restore(
            url, archive, app_login=options.app_login, app_password=password, on_progress=on_progress
        )
        restored = run(_stoppable(work))
    lines = [f"restored {file}: {_summary(archive)}; every table has the rows that it had"]
    if restored.migrated:
        lines.append(f"applied: {', '.join(restored.migrated)}")
    _say_restored(archive, [*lines, run(_readings_verified(settings, url))], as_json=as_json)


async def _stoppable(work: Coroutine[Any, Any, Result]) -> Result:
    """Do it, and clear up behind it when it is told to stop: by a service manager, or by Ctrl-C."""
    task = asyncio.current_task()
    if task is not None and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise CommandFailed("stopped before the end; nothing was kept") from None


def _say_restored(archive: Archive, lines: list[str], *, as_json: bool) -> None:
    print(json.dumps({**_facts(archive), "says": lines}) if as_json else "\n".join(lines))


async def _readings_verified(settings: Settings, admin_url: str) -> str:
    """Compare the readings with the log, through the run-time login if possible: that shows that it works too."""
    readings = ", ".join(reading.name for reading in READINGS)
    try:
        async with open_database(settings, statement_s=None) as database:
            await _compare(database)
    except FAILURES as error:
        if isinstance(error, CommandFailed):
            raise
        why = explain(error)[0]
    else:
        return f"the readings {readings} equal the log"
    try:
        async with Database.open(admin_url, statement_s=None) as database:
            await _compare(database)
    except asyncpg.InsufficientPrivilegeError:
        return f"the readings were not compared with the log; the run-time login could not be tried: {why}"
    return f"the readings {readings} equal the log; the run-time login could not be tried: {why}"


async def _compare(database: Database) -> None:
    differences = [
        line
        for reading in READINGS
        for lane in await lanes_in_use(database)
        for line in await verify_lane(database, reading, lane)
    ]
    if differences:
        raise CommandFailed(
            f"everything is restored, but {len(differences)} figures are not those of the log: "
            "`bypunkt rebuild READING --verify` shows them, `bypunkt rebuild READING` makes them again"
        )


def _admin_address(settings: Settings) -> str:
    url = secret_named("BYPUNKT_DATABASE__ADMIN_URL_FILE", settings.database.admin_address)
    if url is None:
        raise NotConfigured(
            "BYPUNKT_DATABASE__ADMIN_URL is not set: name the login that `bypunkt migrate` works with, postgresql://…"
        )
    return url


def _facts(archive: Archive) -> dict[str, object]:
    manifest = archive.manifest
    return {
        "file": str(archive.path),
        "bytes": manifest.dump_bytes,
        "sha256": manifest.dump_sha256,
        "made_at": manifest.made_at.isoformat(),
        "program": manifest.program,
        "database_version": manifest.content.version,
        "tables": manifest.content.tables,
    }


def _summary(archive: Archive) -> str:
    manifest = archive.manifest
    tables = manifest.content.tables
    return (
        f"{tables.get('event', 0):,} events, {tables.get('device', 0):,} devices, {sum(tables.values()):,} rows in "
        f"{len(tables)} tables, {manifest.dump_bytes / 1e6:,.1f} MB, of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
    )


@contextmanager
def _progress(what: str, total: int | None = None) -> Iterator[Progress]:
    """Show how many bytes have gone, where there is somebody to look at it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn(what),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.advance(task, count)
