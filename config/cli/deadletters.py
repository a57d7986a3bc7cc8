"""`bypunkt deadletter`: list, show, replay and drop what could not be stored."""

from typing import Annotated

import asyncpg
import typer

from config.app import open_database
from config.cli.base import AsJson, run, settings_for_command, show, whole_installation
from config.failures import CommandFailed
from config.replay import replay as replay_letter
from services.log import deadletters
from services.storage.database import Installation, Role

Numbers = Annotated[list[int], typer.Argument(help="Ids of dead letters, as `list` shows them.")]
_LISTED = ("id", "received_at", "municipality", "device", "reason", "detail", "size", "replayable")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    letters = typer.Typer(help="What could not be stored: list, show, replay, drop.", no_args_is_help=True)
    app.add_typer(letters, name="deadletter")
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command()(replay)
    letters.command()(drop)


def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    before: Annotated[int | None, typer.Option(help="Only those with a lower id: the next page.")] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first."""
    rows = run(_list(reason, before))
    show([{name: row[name] for name in _LISTED} for row in rows], as_json=as_json, empty="no dead letters")


async def _list(reason: str | None, before: int | None) -> list[asyncpg.Record]:
    async with whole_installation() as connection:
        return list(await deadletters.newest(connection, reason=reason, before=before))


def show_letter(number: Annotated[int, typer.Argument(help="Its id.")], as_json: AsJson = False) -> None:
    """Show one dead letter, with what may be kept of its payload."""
    letter = dict(run(_show(number)))
    letter["payload"] = letter["payload"] or "(not kept: it could not be read)"
    rows = [letter] if as_json else [{"what": name, "value": value} for name, value in letter.items()]
    show(rows, as_json=as_json, empty="")


async def _show(number: int) -> asyncpg.Record:
    async with whole_installation() as connection:
        letter = await deadletters.find(connection, number)
    if letter is None:
        raise CommandFailed(f"there is no dead letter {number}")
    return letter


def replay(numbers: Numbers) -> None:
    """Judge dead letters again, after the cause was mended, and store those that are accepted now."""
    failed = run(_replay(numbers))
    for number in numbers:
        print(f"{number}: {failed.get(number, 'stored')}")
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(numbers)} could not be replayed")


async def _replay(numbers: list[int]) -> dict[int, str]:
    failed: dict[int, str] = {}
    async with open_database(settings_for_command()) as database:
        for number in numbers:
            async with database.transaction(Role.WEB, Installation()) as connection:
                letter = await deadletters.find(connection, number)
            if letter is None:
                failed[number] = "there is no such dead letter"
            elif not letter["replayable"] or letter["payload"] is None:
                failed[number] = "cannot be replayed: its payload could not be read and was not kept"
            elif refused := await replay_letter(database, letter):
                failed[number] = f"refused again: {refused[0].reason} ({refused[0].detail})"
    return failed


def drop(numbers: Numbers) -> None:
    """Throw dead letters away."""
    dropped = run(_drop(numbers))
    print(f"dropped {len(dropped)}")
    if missing := [number for number in numbers if number not in dropped]:
        raise CommandFailed(f"there is no dead letter {', '.join(map(str, missing))}")


async def _drop(numbers: list[int]) -> list[int]:
    async with whole_installation() as connection:
        return await deadletters.drop(connection, numbers)
