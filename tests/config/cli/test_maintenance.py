"""`bypunkt maintenance`: planned, listed and cancelled from the command line."""

import json

import pytest

from services.storage.database import Database, Role, Tenants
from services.tenants.maintenance import every
from tests.config.cli.calling import Said, bypunkt


async def _add(*more: str, municipality: str = "0781", starts: str = "2036-12-02 08:00") -> Said:
    return await bypunkt(
        "maintenance", "add", "--municipality", municipality, "--from", starts, "--until", "2036-12-02T16:00",
        "--reason", "New antenna", *more,
    )  # fmt: skip


async def _listed() -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = json.loads((await bypunkt("maintenance", "list", "--json")).out)
    return rows


async def test_work_is_planned_listed_and_cancelled(inhabited: str) -> None:
    said = await _add("--point", "dp-lidhult", "--every", "FREQ=WEEKLY;BYDAY=TU")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("is planned on point dp-lidhult\n")
    await _add("--device", "hs-fornasa-1", municipality="0583")
    await _add()
    rows = {row["on"]: row for row in await _listed()}
    assert sorted(str(subject) for subject in rows) == [
        "all of municipality 0781", "device hs-fornasa-1", "point dp-lidhult",
    ]  # fmt: skip
    weekly = rows["point dp-lidhult"]
    assert (weekly["from"], weekly["until"]) == ("2036-12-02 08:00:00", "2036-12-02 16:00:00")
    assert (weekly["every"], weekly["reason"], weekly["cancelled_at"]) == (
        "FREQ=WEEKLY;BYDAY=TU", "New antenna", None,
    )  # fmt: skip
    assert "point dp-lidhult" in (await bypunkt("maintenance", "list")).out
    said = await bypunkt("maintenance", "cancel", str(weekly["id"]))
    assert said.out == f"maintenance {weekly['id']} on point dp-lidhult holds no longer\n"
    async with (
        Database.open(inhabited) as database,
        database.transaction(Role.WEB, Tenants(("0781", "0583"))) as connection,
    ):
        cancelled = [work.point for work in await every(connection) if work.cancelled_at]
    assert cancelled == ["dp-lidhult"]
    assert "cancelled already" in (await bypunkt("maintenance", "cancel", str(weekly["id"]))).problem


@pytest.mark.usefixtures("inhabited")
async def test_none_at_all_is_said_with_what_to_do() -> None:
    assert "bypunkt maintenance add" in (await bypunkt("maintenance", "list")).out


@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--every", "FREQ=MINUTELY"), "at most once a day"),
        (("--every", "FREQ=WEEKLY;BYDAY=WE"), "start on the first of them"),
        (("--point", "sp-fornasa"), "there is no service point sp-fornasa in municipality 0781"),
        (("--device", "hs-nowhere"), "there is no device hs-nowhere"),
        (("--point", "dp-lidhult", "--device", "hs-lidhult-1"), "not both"),
        (("--municipality", "9999"), "there is no municipality 9999"),
    ],
    ids=range(6),
)
async def test_work_that_cannot_be_is_refused_in_one_line(more: tuple[str, ...], says: str) -> None:
    assert says in (await _add(*more)).problem
    assert await _listed() == []


@pytest.mark.usefixtures("inhabited")
async def test_times_that_are_none_and_ids_that_are_none_are_wrong_calls() -> None:
    assert (await _add(starts="tomorrow")).code == 2
    assert (await bypunkt("maintenance", "cancel", "antenna")).code == 2
    said = await bypunkt("maintenance", "cancel", "00000000-0000-0000-0000-000000000000")
    assert "bypunkt maintenance list" in said.problem
