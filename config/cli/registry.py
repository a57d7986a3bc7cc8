"""`bypunkt import`: take registry files in, and archived events."""

from pathlib import Path
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import run, settings_for_command
from config.failures import CommandFailed
from services.log.archive.files import SUFFIX
from services.log.archive.taking import take_in
from services.tenants.importing import Imported, import_registry, read_registry
from services.tenants.models import RegistryFile


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help=f"Registry files, JSON or TOML (docs/registry.md), or archived events, {SUFFIX} (docs/retention.md)."
        ),
    ],
    only: Annotated[
        str, typer.Option(help="Municipalities to take, by code, with commas between; all if not given.")
    ] = "",
) -> None:
    """Register municipalities, service points, devices and goals; or take archived events into the log again."""
    archives = [path for path in files if path.name.endswith(SUFFIX)]
    registries = [(path, read_registry(path)) for path in files if path not in archives]
    codes = {code.strip() for code in only.split(",") if code.strip()} or None
    if archives and codes:
        raise CommandFailed(
            "--only is for registry files: an archive holds one municipality, name the files you want"
        )
    for path, imported in run(_import(registries, codes)) if registries else ():
        print(
            f"{path}: {imported.municipalities} municipalities, {imported.localities} localities, "
            f"{imported.points} service points, {imported.devices} devices"
            + (f", {imported.goals} goals" if imported.goals else "")
        )
    if archives:
        run(_take_in(archives))


async def _import(
    registries: list[tuple[Path, RegistryFile]], codes: set[str] | None
) -> list[tuple[Path, Imported]]:
    async with open_database(settings_for_command()) as database:
        return [
            (path, await import_registry(database, registry, only=codes)) for path, registry in registries
        ]


async def _take_in(archives: list[Path]) -> None:
    new = 0
    # A year of events takes as long as it takes.
    async with open_database(settings_for_command(), statement_s=None) as database:
        for path in archives:
            taken = await take_in(database, path)
            print(f"{path}: {taken.events} events, {taken.new} of them new")
            new += taken.new
    if new:
        print("readings do not follow the past; to count it: bypunkt rebuild usage, bypunkt rebuild status")
