"""`bypunkt user`: people who sign in."""

import sys
from getpass import getpass
from typing import Annotated

import typer

from config.cli.base import AsJson, run, show, whole_installation
from services.runtime.clock import now
from services.tenants import people
from services.tenants.access import PersonRole

Login = Annotated[str, typer.Argument(help="Sign-in name, for example an e-mail address.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    users = typer.Typer(help="People who sign in: add, list, disable, password.", no_args_is_help=True)
    app.add_typer(users, name="user")
    users.command("add")(add)
    users.command("list")(list_people)
    users.command("disable")(disable)
    users.command("password")(password)


def add(
    login: Login,
    role: Annotated[PersonRole, typer.Option(help="What the person may do (docs/roles.md).")],
    municipality: Annotated[
        str | None, typer.Option(help="Code of the municipality, for municipal roles.")
    ] = None,
) -> None:
    """Add a person; the password is asked for, or read from standard input."""
    secret = _ask_password()
    run(_add(login, role, municipality, secret))
    print(f"{login} can sign in as {role}")


async def _add(login: str, role: PersonRole, municipality: str | None, secret: str) -> None:
    async with whole_installation() as connection:
        await people.add(connection, login, role=role, municipality=municipality, password=secret)


def list_people(as_json: AsJson = False) -> None:
    """List everyone who may sign in, and who no longer may."""
    show(run(_everyone()), as_json=as_json, empty="nobody can sign in yet: bypunkt user add")


async def _everyone() -> list[dict[str, object]]:
    async with whole_installation() as connection:
        return [
            {
                "login": person.login,
                "role": person.role,
                "municipality": person.municipality,
                "disabled_at": person.disabled_at,
            }
            for person in await people.everyone(connection)
        ]


def disable(login: Login) -> None:
    """Let a person sign in no more; open sessions end."""
    run(_disable(login))
    print(f"{login} can no longer sign in")


async def _disable(login: str) -> None:
    async with whole_installation() as connection:
        await people.disable(connection, login, now=now())


def password(login: Login) -> None:
    """Give a person a new password; open sessions end."""
    secret = _ask_password()
    run(_set_password(login, secret))
    print(f"{login} has a new password")


async def _set_password(login: str, secret: str) -> None:
    async with whole_installation() as connection:
        await people.set_password(connection, login, secret)


def _ask_password() -> str:
    return getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
