"""`bypunkt import`: take registry files in."""

from pathlib import Path
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import run, settings_for_command
from services.tenants.importing import Imported, import_registry, read_registry
from services.tenants.models import RegistryFile


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Registry files, JSON or TOML (docs/registry.md).")],
    only: Annotated[
        str, typer.Option(help="Municipalities to take, by code, with commas between; all if not given.")
    ] = "",
) -> None:
    """Register municipalities, service points and devices, or correct what is known of them."""
    registries = [(path, read_registry(path)) for path in files]
    codes = {code.strip() for code in only.split(",") if code.strip()} or None
    for path, imported in run(_import(registries, codes)):
        print(
            f"{path}: {imported.municipalities} municipalities, {imported.localities} localities, "
            f"{imported.points} service points, {imported.devices} devices"
        )


async def _import(
    registries: list[tuple[Path, RegistryFile]], codes: set[str] | None
) -> list[tuple[Path, Imported]]:
    async with open_database(settings_for_command()) as database:
        return [
            (path, await import_registry(database, registry, only=codes)) for path, registry in registries
        ]
