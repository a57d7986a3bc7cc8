"""Exceptions of opening hours come from registry files; the file's list for a point is the whole list."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.storage.database import Database, Role, Tenants
from services.tenants.calendar import calendars
from services.tenants.exceptions import keep_exceptions
from services.tenants.hours import Opening, opening_at
from services.tenants.importing import ImportRefused, import_registry, read_registry
from services.tenants.models import RegistryFile
from services.tenants.wallclock import SWEDEN

SHOP = "Mo-Fr 09:00-18:00; Sa 10:00-14:00; Su,PH off"
MIDSUMMER_EVE = {
    "date": "2024-06-21",
    "opening_hours": "off",
    "reason": {"sv": "Midsommarafton", "en": "Midsummer"},
}
LONG_MONDAY = {"date": "2024-06-17", "opening_hours": "09:00-20:00"}
SCOPE = Tenants(("0583",))


def registry(*exceptions: dict[str, Any], other: tuple[dict[str, Any], ...] = ()) -> RegistryFile:
    """A municipality with a shop, and another point."""
    return RegistryFile.model_validate(
        {
            "municipalities": [
                {"code": "0583", "name": "Motala", "county": "Östergötland", "county_code": "05",
                 "seat": {"lat": 58.54, "lon": 15.04}},
            ],
            "service_points": [
                {"id": name, "kind": "fixed", "municipality": "0583", "name": {"sv": "Servicepunkt (demo)"},
                 "opening_hours": SHOP, "hours_exceptions": list(listed)}
                for name, listed in (("sp-fornasa", exceptions), ("sp-tjallmo", other))
            ],
        }
    )  # fmt: skip


async def stored(database: Database) -> list[tuple[str, str, str]]:
    async with database.transaction(Role.WEB, SCOPE) as connection:
        rows = await connection.fetch("SELECT point, day, opening_hours FROM hours_exception ORDER BY 1, 2")
    return [(row["point"], row["day"].isoformat(), row["opening_hours"]) for row in rows]


async def test_the_shop_of_the_acceptance_test(database_url: str) -> None:
    """Closed on the national day by its hours, and on midsummer's eve by exception; 49 hours in a regular week."""
    async with Database.open(database_url) as database:
        await import_registry(database, registry(MIDSUMMER_EVE))
        async with database.transaction(Role.WEB, SCOPE) as connection:
            june = await calendars(connection, date(2024, 6, 1), date(2024, 6, 30))

    def hours(day: date) -> float:
        spans = june.on(day).of_point("0583", "sp-fornasa").open
        assert spans is not None
        return sum(span.end - span.start for span in spans) / 3_600_000

    regular = [hours(date(2024, 6, 10) + timedelta(days=number)) for number in range(7)]
    assert regular == [9, 9, 9, 9, 9, 4, 0]
    assert sum(regular) == 49.0
    assert hours(date(2024, 6, 6)) == hours(date(2024, 6, 21)) == 0
    exceptions = {date(2024, 6, 21): "off"}
    for now, is_open, changes_at in (
        ("2024-06-03T08:59", False, "2024-06-03T09:00"),
        ("2024-06-03T09:00", True, "2024-06-03T18:00"),
        ("2024-06-06T12:00", False, "2024-06-07T09:00"),
        ("2024-06-21T12:00", False, "2024-06-24T09:00"),
    ):
        at = datetime.fromisoformat(now).replace(tzinfo=SWEDEN)
        assert opening_at(SHOP, at, exceptions=exceptions) == Opening(
            is_open=is_open, changes_at=datetime.fromisoformat(changes_at).replace(tzinfo=SWEDEN)
        )


async def test_the_list_of_the_file_is_the_whole_list_of_each_point_in_it(database_url: str) -> None:
    async with Database.open(database_url) as database:
        await import_registry(database, registry(MIDSUMMER_EVE, LONG_MONDAY, other=(MIDSUMMER_EVE,)))
        both = [
            ("sp-fornasa", "2024-06-17", "09:00-20:00"),
            ("sp-fornasa", "2024-06-21", "off"),
            ("sp-tjallmo", "2024-06-21", "off"),
        ]
        assert await stored(database) == both
        await import_registry(
            database, registry(LONG_MONDAY | {"opening_hours": "off"}, other=(MIDSUMMER_EVE,))
        )
        assert await stored(database) == [("sp-fornasa", "2024-06-17", "off"), both[2]]
        # A file that does not speak of a point says nothing of its exceptions.
        alone = registry()
        await import_registry(database, alone.model_copy(update={"service_points": alone.service_points[:1]}))
        assert await stored(database) == [both[2]]


async def test_points_that_are_not_named_keep_their_exceptions(database_url: str) -> None:
    given = registry(MIDSUMMER_EVE, other=(LONG_MONDAY,))
    async with Database.open(database_url) as database:
        await import_registry(database, given)
        async with database.transaction(Role.WEB, SCOPE) as connection:
            await keep_exceptions(connection, registry().service_points[:1])
            await keep_exceptions(connection, [])
        assert await stored(database) == [("sp-tjallmo", "2024-06-17", "09:00-20:00")]


async def test_the_same_file_again_touches_no_day_that_was_counted(database_url: str, admin_url: str) -> None:
    async def touched() -> int:
        connection = await asyncpg.connect(admin_url)
        try:
            number: int = await connection.fetchval("SELECT count(*) FROM bypunkt.availability_touched")
            return number
        finally:
            await connection.close()

    async with Database.open(database_url) as database:
        await import_registry(database, registry(MIDSUMMER_EVE, LONG_MONDAY))
        first = await touched()
        assert first >= 2
        await import_registry(database, registry(MIDSUMMER_EVE, LONG_MONDAY))
        assert await touched() == first


async def test_toml_and_json_name_days(tmp_path: Path) -> None:
    point = {"id": "sp-x", "kind": "fixed", "municipality": "0583", "name": {"sv": "X"}}
    as_json = tmp_path / "village.json"
    as_json.write_text(
        json.dumps({"service_points": [point | {"hours_exceptions": [MIDSUMMER_EVE]}]}), encoding="utf-8"
    )
    as_toml = tmp_path / "village.toml"
    as_toml.write_text(
        '[[service_points]]\nid = "sp-x"\nkind = "fixed"\nmunicipality = "0583"\nname = { sv = "X" }\n'
        '[[service_points.hours_exceptions]]\ndate = 2024-06-21\nopening_hours = "off"\n'
        'reason = { sv = "Midsommarafton", en = "Midsummer" }\n',
        encoding="utf-8",
    )
    assert read_registry(as_json) == read_registry(as_toml)


@pytest.mark.parametrize(
    ("exception", "says"),
    [
        ({"opening_hours": "off"}, "date: Field required"),
        ({"date": "2024-06-21"}, "opening_hours: Field required"),
        ({"date": "midsummer", "opening_hours": "off"}, "is not a date as in 2026-12-24"),
        ({"date": 19895, "opening_hours": "off"}, "date: "),
        ({"date": "2024-06-21", "opening_hours": "closed"}, "neither off nor times of a day"),
        ({"date": "2024-06-21", "opening_hours": "Mo-Fr 09:00-18:00"}, "neither off nor times of a day"),
        ({"date": "2024-06-21", "opening_hours": "off", "reason": {"svenska": "x"}}, "reason"),
        ({"date": "2024-06-21", "opening_hours": "off", "why": "x"}, "why: Extra inputs"),
    ],
    ids=range(8),
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, exception: dict[str, object], says: str) -> None:
    point = {
        "id": "sp-x",
        "kind": "fixed",
        "municipality": "0583",
        "name": {"sv": "X"},
        "hours_exceptions": [exception],
    }
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"service_points": [point]}), encoding="utf-8")
    with pytest.raises(ImportRefused, match=says) as refused:
        read_registry(path)
    assert "service_points.0.hours_exceptions.0" in str(refused.value)


def test_a_day_stands_once() -> None:
    with pytest.raises(ValueError, match="hours_exceptions name 2024-06-21 twice"):
        registry(MIDSUMMER_EVE, MIDSUMMER_EVE)
