"""`bypunkt rebuild`: make a reading's tables again from the log, or compare them with it; the same for counted days."""

from typing import Annotated

import typer

from config.app import READINGS, open_database
from config.cli.base import run, settings_for_command
from config.failures import CommandFailed
from services.availability.rolling import DayCounter
from services.log.follow import Reading, rebuild_lane, verify_lane
from services.log.lanes import lanes_in_use
from services.runtime.clock import now

AVAILABILITY = "availability"
_NAMES = (*(reading.name for reading in READINGS), AVAILABILITY)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(rebuild)


def rebuild(
    reading: Annotated[str, typer.Argument(help=f"One of: {', '.join(_NAMES)}.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Change nothing; compare the tables with the log.")
    ] = False,
) -> None:
    """Make a reading's tables again from the log, or compare them with it; `availability`: from the intervals."""
    if reading not in _NAMES:
        raise CommandFailed(f"there is no reading {reading!r}: {', '.join(_NAMES)}")
    chosen = next((one for one in READINGS if one.name == reading), None)
    made_of = "log" if chosen else "intervals"
    if differences := run(_rebuild(chosen, verify=verify) if chosen else _count(verify=verify)):
        for line in differences:
            print(line)
        raise CommandFailed(f"{reading}: {len(differences)} differences between the tables and the {made_of}")
    print(
        f"{reading}: the tables equal the {made_of}"
        if verify
        else f"{reading}: made again from the {made_of}"
    )


async def _count(*, verify: bool) -> list[str]:
    differences: list[str] = []
    async with open_database(settings_for_command(), statement_s=None) as database:
        counter = DayCounter(database, clock=now)
        for lane in await lanes_in_use(database):
            differences += await (counter.verify(lane) if verify else counter.rebuild(lane))
    return differences


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
