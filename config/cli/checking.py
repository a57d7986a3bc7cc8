"""`bypunkt check`: what is wrong with this installation, and what to do."""

from typing import Annotated

import typer

from config.checks import Finding, Grade, examine
from config.cli.base import AsJson, run, settings_for_command, show
from config.failures import CommandFailed
from config.settings import Settings, effective, settings_file


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(check)


def check(
    as_json: AsJson = False,
    settings: Annotated[
        bool, typer.Option("--settings/--no-settings", help="Print the effective settings first.")
    ] = True,
) -> None:
    """Check settings, database, broker, clock and disk; say what is wrong and what to do."""
    loaded = settings_for_command()
    if settings and not as_json:
        print(f"settings (file {settings_file()}, {'read' if settings_file().is_file() else 'not there'}):")
        for name, value in effective(loaded).items():
            print(f"  {name} = {value}")
    findings = run(_examine(loaded))
    rows = [{"what": found.what, "grade": str(found.grade), "says": found.says} for found in findings]
    show(rows, as_json=as_json, empty="")
    if failed := sum(found.grade is Grade.FAILED for found in findings):
        raise CommandFailed(f"{failed} of {len(findings)} checks failed")


async def _examine(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine(settings)]
