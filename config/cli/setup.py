"""`bypunkt setup`: the secrets and certificates of an installation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from config.cli.base import AsJson, settings_for_command, show
from services.runtime.clock import now

if TYPE_CHECKING:
    from config.shelf import Made

_NEXT = """\
Next: bypunkt migrate, bypunkt check, bypunkt import, bypunkt user add (docs/install.md).
Keep a copy of {directory} where nobody else can read it: a backup of the database does not hold it."""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(setup)


def setup(
    host: Annotated[str, typer.Option(help="The name that people and devices use, without https://")],
    directory: Annotated[Path, typer.Option(help="Where secrets and certificates stand.")] = Path(
        "/etc/bypunkt"
    ),
    store: Annotated[Path, typer.Option(help="Where the broker keeps what it writes.")] = Path(
        "/var/lib/mosquitto/data"
    ),
    also: Annotated[
        list[str] | None,
        typer.Option(help="Another name or address by which devices reach the broker; may be repeated."),
    ] = None,
    place: Annotated[
        Literal["machine", "containers"], typer.Option(help="Decides who has to be able to read the files.")
    ] = "machine",
    https: Annotated[
        Literal["public", "internal"],
        typer.Option(help="`public` for a name that the internet knows, `internal` for any other."),
    ] = "public",
    as_json: AsJson = False,
) -> None:
    """Make secrets and certificates; what is there stays, but for a certificate that is about to end."""
    from config.setup import Https, Installation, Place, set_up

    installation = Installation(
        directory=directory.absolute(),
        store=store.absolute(),
        host=host.lower(),
        also=tuple(name.lower() for name in also or ()),
        place=Place(place),
        https=Https(https),
        lanes=settings_for_command().database.lanes,
    )
    made = set_up(installation, now=now())
    show([_row(file) for file in made], as_json=as_json, empty="")
    if not as_json:
        print(_NEXT.format(directory=installation.directory))


def _row(file: "Made") -> dict[str, str]:
    return {"file": str(file.path), "is": str(file.state), "for": str(file.reader), "what": file.says}
