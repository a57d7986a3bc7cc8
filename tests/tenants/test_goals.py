"""Goals of registry files: what cannot be promised is refused, and what has been judged stays as it is."""

import json
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.storage.database import Database, Role, Tenants
from services.tenants.goals import keep_goals
from services.tenants.importing import ImportRefused, import_registry, read_registry
from services.tenants.models import RegistryFile
from tests.support.villages import registry, villages

GOAL: dict[str, Any] = {
    "id": "g-wifi-lidhult", "municipality": "0781", "metric": "wifi_availability", "point": "dp-lidhult",
    "target": 99.9, "period": "month", "owner": "Ljungby kommun, IT-enheten", "valid_from": "2026-01-01",
}  # fmt: skip
JUDGED = """
INSERT INTO bypunkt.goal_result (municipality, goal, first_day, last_day, is_over, status, why, coverage_part,
    coverage_whole, parts, evaluated_at)
VALUES ('0781', 'g-wifi-lidhult', '2026-01-01', '2026-01-31', true, 'insufficient_data', 'nothing_known', 0, 1, '[]',
    now())
"""


def promising(**changed: object) -> RegistryFile:
    return RegistryFile.model_validate({"goals": [{**GOAL, **changed}]})


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with villages(database_url) as opened:
        yield opened


async def goals(database: Database) -> list[asyncpg.Record]:
    async with database.transaction(Role.WEB, Tenants(("0781", "0583"))) as connection:
        return await connection.fetch("SELECT * FROM goal ORDER BY municipality, id")


async def test_goals_come_in_exactly_and_again_without_harm(database: Database) -> None:
    for _ in range(2):
        assert (await import_registry(database, promising())).goals == 1
    (goal,) = await goals(database)
    assert goal["target"] == Decimal("99.9")
    assert (goal["comparator"], goal["visibility"], goal["valid_from"]) == (
        "at_least",
        "staff",
        date(2026, 1, 1),
    )


async def test_only_chosen_municipalities_get_their_goals(database: Database) -> None:
    whole = registry().model_copy(update={"goals": promising().goals})
    assert (await import_registry(database, whole, only={"0583"})).goals == 0
    assert (await import_registry(database, whole, only={"0781"})).goals == 1
    (goal,) = await goals(database)
    assert goal["synthetic"]


async def test_a_goal_for_a_point_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(ImportRefused, match="no service point sp-fornasa in municipality 0781"):
        await import_registry(database, promising(point="sp-fornasa"))
    assert await goals(database) == []


async def test_a_promise_may_be_corrected_until_a_period_has_been_judged_by_it(
    database: Database, admin_url: str
) -> None:
    await import_registry(database, promising(target=98))
    await import_registry(database, promising())
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(JUDGED)
    finally:
        await connection.close()
    with pytest.raises(ImportRefused, match="has been judged already: end it with valid_until"):
        await import_registry(database, promising(target=95))
    await import_registry(database, promising(owner="Ljungby kommun", valid_until="2026-12-31"))
    (goal,) = await goals(database)
    assert (goal["target"], goal["owner"], goal["valid_until"]) == (
        Decimal("99.9"),
        "Ljungby kommun",
        date(2026, 12, 31),
    )


async def test_one_wrong_goal_and_none_is_registered(database: Database) -> None:
    good, lost = (*promising().goals, *promising(id="g-lost", point="dp-gone").goals)
    async with database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        problems = await keep_goals(connection, [good, lost], synthetic=True)
    assert problems == ["goal g-lost: there is no service point dp-gone in municipality 0781"]
    assert await goals(database) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"valid_from": "2026-01-02"}, "first day of a month, as 2026-01-01"),
        ({"period": "week"}, "first day of a week, as 2025-12-29"),
        ({"valid_until": "2026-02-27"}, "last day of a month, as 2026-02-28"),
        ({"valid_until": "2025-12-31"}, "last day of a month, as 2026-01-31"),
        ({"valid_from": "new year"}, "is not a date as in"),
        ({"target": 101}, "at most 100"),
        ({"target": float("nan")}, "finite"),
        ({"comparator": "at_most"}, "at_least, not at_most"),
        ({"point_kind": "digital"}, "give point or point_kind"),
        ({"owner": "name@example.org"}, "a role or an organisation"),
        ({"metric": "happiness"}, "metric"),
        ({"metric": "basic_services", "target": 6}, "at most 5"),
    ],
)  # fmt: skip
def test_what_cannot_be_promised_is_named_with_its_place(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    path = tmp_path / "goals.json"
    path.write_text(json.dumps({"goals": [{**GOAL, **changed}]}), encoding="utf-8")
    with pytest.raises(ImportRefused, match=rf"goals\.0.*{says}"):
        read_registry(path)


def test_a_name_stands_once_in_each_municipality() -> None:
    both = [GOAL, {**GOAL, "municipality": "0583", "point": None}]
    assert len(RegistryFile.model_validate({"goals": both}).goals) == 2
    with pytest.raises(ValueError, match="goal 0781 g-wifi-lidhult stands twice"):
        RegistryFile.model_validate({"goals": [GOAL, GOAL]})
