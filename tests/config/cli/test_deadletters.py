"""`bypunkt deadletter`: what could not be stored is listed, shown harmlessly, sent again, and dropped."""

import json
from typing import Any

import pytest

from gateway import codecs
from services.ingest.models import Accepted, Refused
from services.ingest.registry import load_registry
from services.log.append import make_partitions
from services.log.store import Batch, store
from services.runtime.clock import now
from services.storage.database import Database, Public, Role, Tenants
from services.tenants.importing import import_registry
from tests.config.cli.calling import bypunkt
from tests.support.gateways import short_form, topic
from tests.support.villages import lane_of, registry

HEARTBEAT = {"uptime_s": 60}
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m[red]a[/red]\u202e[link=file:///etc/passwd]x[/link]"


async def _receive(url: str, payload: bytes, *, name: str = "hs-new-1") -> None:
    """Judge a message as the gateway does and store what becomes of it."""
    async with Database.open(url) as database:
        lane = await lane_of(database, "0781")
        known = await load_registry(database, lane)
        where = topic("device.heartbeat", name)
        await known.look_up(database, lane, [("0781", name)])
        verdicts = codecs.judge(where, payload, now(), retain=False, registry=known)
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=now())
        accepted = [verdict for verdict in verdicts if isinstance(verdict, Accepted)]
        refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        await store(database, lane, Batch(accepted, refused))


async def _add_the_device(url: str) -> None:
    async with Database.open(url) as database:
        await import_registry(database, registry({"hs-new-1": "0781"}))


async def _stored(url: str) -> list[str]:
    async with (
        Database.open(url) as database,
        database.transaction(Role.WEB, Tenants(("0781",))) as connection,
    ):
        return [row["id"] for row in await connection.fetch("SELECT id FROM event ORDER BY id")]


async def _listed(*more: str) -> list[dict[str, Any]]:
    said = await bypunkt("deadletter", "list", "--json", *more)
    assert said.code == 0
    rows: list[dict[str, Any]] = json.loads(said.out)
    return rows


@pytest.mark.usefixtures("inhabited")
async def test_without_letters_the_list_says_so() -> None:
    assert (await bypunkt("deadletter", "list")).out == "no dead letters\n"
    assert await _listed() == []


async def test_letters_are_listed_by_reason_and_page(inhabited: str) -> None:
    for number in range(3):
        await _receive(inhabited, short_form(id=f"u{number}", data=HEARTBEAT))
    await _receive(inhabited, b"hello", name="hs-lidhult-1")
    letters = await _listed()
    assert [letter["reason"] for letter in letters] == ["not_json", *["unknown_device"] * 3]
    assert [letter["id"] for letter in await _listed("--reason", "not_json")] == [letters[0]["id"]]
    assert await _listed("--before", str(letters[1]["id"])) == letters[2:]
    shown = (await bypunkt("deadletter", "list")).out
    assert shown.count("unknown_device") == 3


async def test_a_letter_is_shown_with_what_may_be_kept_of_it(inhabited: str) -> None:
    await _receive(inhabited, short_form(id="u1", data=HEARTBEAT))
    await _receive(inhabited, b"aa:bb:cc:dd:ee:ff says hello")
    unreadable, readable = await _listed()
    (letter,) = json.loads((await bypunkt("deadletter", "show", str(readable["id"]), "--json")).out)
    assert json.loads(letter["payload"]) == {"id": "u1", "data": HEARTBEAT}
    shown = (await bypunkt("deadletter", "show", str(unreadable["id"]))).out
    assert "not kept" in shown
    assert "aa:bb" not in shown
    assert (await bypunkt("deadletter", "show", "999999")).problem == "there is no dead letter 999999"


async def test_a_strangers_words_are_shown_and_do_nothing(inhabited: str) -> None:
    await _receive(inhabited, short_form(id="u1", boot=HOSTILE, data={HOSTILE: HOSTILE}))
    await _receive(
        inhabited, short_form(id="u2", data={"[red]a[/red]": "[bold]b[/bold]"}), name="hs-lidhult-1"
    )
    markup, hostile = await _listed()
    for said in (
        await bypunkt("deadletter", "list"),
        await bypunkt("deadletter", "show", str(hostile["id"])),
        await bypunkt("deadletter", "show", str(markup["id"])),
        await bypunkt("deadletter", "list", "--json"),
        await bypunkt("deadletter", "show", str(hostile["id"]), "--json"),
    ):
        assert said.code == 0
        assert [character for character in said.out.replace("\n", "") if not character.isprintable()] == []
    assert "[red]a[/red]" in (await bypunkt("deadletter", "show", str(markup["id"]))).out


async def test_a_letter_of_an_unknown_device_is_stored_once_after_the_device_was_added(
    inhabited: str,
) -> None:
    payload = short_form(id="u1", time=now().isoformat(), data=HEARTBEAT)
    await _receive(inhabited, payload)
    (letter,) = await _listed()
    number = str(letter["id"])
    said = await bypunkt("deadletter", "replay", number)
    assert (said.code, said.out) == (
        1,
        f"{number}: refused again: unknown_device (no such device is registered)\n",
    )
    assert (await _listed(), await _stored(inhabited)) == ([letter], [])
    await _add_the_device(inhabited)
    said = await bypunkt("deadletter", "replay", number)
    assert (said.code, said.out, said.err) == (0, f"{number}: stored\n", "")
    assert (await _listed(), await _stored(inhabited)) == ([], ["u1"])
    await _receive(inhabited, payload)  # the device sends it again
    assert (await bypunkt("deadletter", "replay", number)).code == 1
    assert await _stored(inhabited) == ["u1"]


async def test_one_that_cannot_be_replayed_holds_up_no_other(inhabited: str) -> None:
    for payload in (
        b"hello",
        short_form(id="u1", data=HEARTBEAT),
        short_form(id="u2", data={"uptime_s": "long"}),
    ):
        await _receive(inhabited, payload)
    numbers = sorted(letter["id"] for letter in await _listed())
    await _add_the_device(inhabited)
    said = await bypunkt("deadletter", "replay", "999999", *map(str, numbers))
    assert [line.partition(": ")[2].partition(" (")[0] for line in said.out.splitlines()] == [
        "there is no such dead letter",
        "cannot be replayed: its payload could not be read and was not kept",
        "stored",
        "refused again: invalid_data",
    ]
    assert said.problem == "3 of 4 could not be replayed"
    assert await _stored(inhabited) == ["u1"]
    assert sorted(letter["id"] for letter in await _listed()) == [numbers[0], numbers[2]]


async def test_letters_are_dropped_and_what_was_not_there_is_said(inhabited: str) -> None:
    for number in range(3):
        await _receive(inhabited, short_form(id=f"u{number}", data=HEARTBEAT))
    first, second, third = sorted(letter["id"] for letter in await _listed())
    assert (await bypunkt("deadletter", "drop", str(first))).out == "dropped 1\n"
    said = await bypunkt("deadletter", "drop", str(first), str(second))
    assert (said.out, said.problem) == ("dropped 1\n", f"there is no dead letter {first}")
    assert [letter["id"] for letter in await _listed()] == [third]
