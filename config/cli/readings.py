"""`bypunkt rebuild`: make a reading's tables again from the log, or compare them with it."""

from typing import Annotated

import typer

from config.app import READINGS, open_database
from config.cli.base import run, settings_for_command
from config.failures import CommandFailed
from services.log.follow import Reading, rebuild_lane, verify_lane
from services.log.lanes import lanes_in_use
from services.runtime.clock import now


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(rebuild)


def rebuild(
    reading: Annotated[
        str, typer.Argument(help=f"One of: {', '.join(reading.name for reading in READINGS)}.")
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Change nothing; compare the tables with the log.")
    ] = False,
) -> None:
    """Make a reading's tables again from the log, or compare them with it."""
    chosen = next((one for one in READINGS if one.name == reading), None)
    if chosen is None:
        raise CommandFailed(f"there is no reading {reading!r}: {', '.join(one.name for one in READINGS)}")
    if differences := run(_rebuild(chosen, verify=verify)):
        for line in differences:
            print(line)
        raise CommandFailed(f"{reading}: {len(differences)} differences between the tables and the log")
    print(f"{reading}: the tables equal the log" if verify else f"{reading}: made again from the log")


async def _rebuild(reading: Reading, *, verify: bool) -> list[str]:
    differences: list[str] = []
    # A year of a lane's events takes as long as it takes.
    async with open_database(settings_for_command(), statement_s=None) as database:
        for lane in await lanes_in_use(database):
            if verify:
                differences += await verify_lane(database, reading, lane)
            else:
                await rebuild_lane(database, reading, lane, now=now())
    return differences
