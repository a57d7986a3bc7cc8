"""`bypunkt user`: who may sign in; a password is read from standard input, and never shown."""

import json

import pytest

from services.storage.database import Database, Role, SignIn
from services.tenants import people
from services.tenants.passwords import verify_password
from tests.config.cli.calling import Said, bypunkt

PASSWORD = "correct horse battery"


async def _add(login: str, role: str, *more: str, password: str = PASSWORD) -> Said:
    return await bypunkt("user", "add", login, "--role", role, *more, stdin=f"{password}\n")


async def _can_sign_in(url: str, login: str, password: str) -> bool:
    async with Database.open(url) as database, database.transaction(Role.WEB, SignIn(login)) as connection:
        return await verify_password(await people.password_hash_of(connection, login), password)


async def test_a_person_is_added_and_can_sign_in_with_the_password_read(inhabited: str) -> None:
    said = await _add("Anna@Ljungby.example", "technician", "--municipality", "0781")
    assert (said.code, said.err) == (0, "")
    assert PASSWORD not in said.out
    assert await _can_sign_in(inhabited, "anna@ljungby.example", PASSWORD)
    assert not await _can_sign_in(inhabited, "anna@ljungby.example", PASSWORD + "\n")


async def test_a_new_password_takes_the_old_ones_place(inhabited: str) -> None:
    await _add("anna", "network")
    said = await bypunkt("user", "password", "anna", stdin="another password\n")
    assert (said.code, said.out) == (0, "anna has a new password\n")
    assert await _can_sign_in(inhabited, "anna", "another password")
    assert not await _can_sign_in(inhabited, "anna", PASSWORD)


async def test_a_disabled_person_is_listed_and_cannot_sign_in(inhabited: str) -> None:
    await _add("anna", "network")
    await _add("bo-eriksson", "viewer", "--municipality", "0583")
    assert (await bypunkt("user", "disable", "anna")).out == "anna can no longer sign in\n"
    rows = json.loads((await bypunkt("user", "list", "--json")).out)
    assert [(row["login"], row["role"], row["municipality"]) for row in rows] == [
        ("anna", "network", None),
        ("bo-eriksson", "viewer", "0583"),
    ]
    assert rows[0]["disabled_at"]
    assert rows[1]["disabled_at"] is None
    assert "argon2" not in json.dumps(rows)
    assert not await _can_sign_in(inhabited, "anna", PASSWORD)
    shown = (await bypunkt("user", "list")).out
    assert "bo-eriksson" in shown
    assert "None" not in shown


@pytest.mark.usefixtures("installed")
async def test_nobody_at_all_is_said_with_what_to_do() -> None:
    assert "bypunkt user add" in (await bypunkt("user", "list")).out


@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize(
    ("login", "arguments", "says"),
    [
        ("anna", ("technician",), "is held in one municipality"),
        ("anna", ("network", "--municipality", "0781"), "is held everywhere"),
        ("anna", ("viewer", "--municipality", "9999"), "there is no municipality 9999"),
        ("a", ("network",), "a login has 3 to 128 characters"),
        ("anna björk", ("network",), "a login has 3 to 128 characters"),
    ],
)
async def test_people_who_cannot_be_are_refused_with_a_sentence(
    login: str, arguments: tuple[str, ...], says: str
) -> None:
    assert says in (await _add(login, *arguments)).problem


@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257], ids=["none", "5", "11", "257"])
async def test_too_short_and_too_long_passwords_are_refused_with_a_sentence(password: str) -> None:
    assert "12" in (await _add("anna", "network", password=password)).problem
    await _add("bo-eriksson", "network")
    assert "12" in (await bypunkt("user", "password", "bo-eriksson", stdin=f"{password}\n")).problem
    assert [row["login"] for row in json.loads((await bypunkt("user", "list", "--json")).out)] == [
        "bo-eriksson"
    ]


@pytest.mark.usefixtures("inhabited")
async def test_a_login_is_taken_once_and_nobody_is_nobody() -> None:
    await _add("anna", "network")
    assert "already a person with the login anna" in (await _add("ANNA", "network")).problem
    assert (await bypunkt("user", "disable", "nobody")).problem == "there is no person with the login nobody"
    said = await bypunkt("user", "password", "nobody", stdin=f"{PASSWORD}\n")
    assert said.problem == "there is no person with the login nobody"
