"""A registry file is taken in whole or not at all, and says what is wrong with it."""

import json
from pathlib import Path

import asyncpg
import pytest

from services.storage.database import Database, Public, Role, Tenants
from services.tenants.importing import ImportRefused, import_registry, read_registry
from tests.support.villages import registry

DEMO = Path("config/villages/demo.json")


async def _points(database: Database) -> list[asyncpg.Record]:
    async with database.transaction(Role.READ, Public()) as connection:
        return await connection.fetch("SELECT * FROM public_point ORDER BY id")


async def test_the_demo_villages_come_in_and_are_marked_synthetic(database_url: str) -> None:
    async with Database.open(database_url) as database:
        for _ in range(2):  # again without harm
            imported = await import_registry(database, read_registry(DEMO))
            assert (imported.municipalities, imported.points, imported.devices) == (11, 20, 34)
        points = await _points(database)
    assert len(points) == 20
    assert all(point["synthetic"] for point in points)


async def test_a_part_of_a_file_can_be_chosen(database_url: str) -> None:
    async with Database.open(database_url) as database:
        imported = await import_registry(database, read_registry(DEMO), only={"0781"})
        assert (imported.municipalities, imported.points, imported.devices) == (1, 7, 11)
        with pytest.raises(ImportRefused, match="municipality 9999 is not in the file"):
            await import_registry(database, read_registry(DEMO), only={"9999"})


async def test_toml_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "village.toml"
    path.write_text(
        '[[municipalities]]\ncode = "0781"\nname = "Ljungby"\ncounty = "Kronoberg"\ncounty_code = "07"\n'
        "seat = {lat = 56.83, lon = 13.94}\n"
        '[[service_points]]\nid = "dp-x"\nkind = "digital"\nmunicipality = "0781"\nname = {sv = "X"}\n',
        encoding="utf-8",
    )
    assert read_registry(path).service_points[0].id == "dp-x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not valid JSON"),
        ('{"devices": [{"id": "aa-bb-cc-dd-ee-ff", "kind": "hotspot"}]}', "devices.0.id: .*hardware address"),
        ('{"devices": [{"id": "hs-x", "kind": "toaster"}]}', "devices.0.kind"),
        ('{"devices": [{"id": "hs-x", "kind": "kiosk"}, {"id": "hs-x", "kind": "kiosk"}]}', "device hs-x stands twice"),
        ('{"villages": []}', "villages: Extra inputs"),
        (('{"service_points": [{"id": "dp-x", "kind": "digital", "municipality": "0781", "name": {"sv": "X"},'
         ' "opening_hours": "whenever"}]}'), "opening_hours: .*is not an OpenStreetMap"),
        (('{"service_points": [{"id": "dp-x", "kind": "digital", "municipality": "0781", "name": {"sv": "X"},'
         ' "lat": 56.8}]}'), "both lat and lon"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportRefused, match=says):
        read_registry(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="No such file"):
        read_registry(tmp_path / "nowhere.json")


async def test_a_name_is_never_given_to_a_second_municipality(database_url: str) -> None:
    async with Database.open(database_url) as database:
        await import_registry(database, registry())
        with pytest.raises(ImportRefused, match="device hs-lidhult-1 belongs to municipality 0781"):
            await import_registry(database, registry({"hs-lidhult-1": "0583"}))
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            assert [row["id"] for row in await connection.fetch("SELECT id FROM device")] == ["hs-fornasa-1"]


async def test_a_device_without_a_home_is_refused(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "lost.json"
    path.write_text(
        json.dumps({"devices": [{"id": "hs-lost", "kind": "hotspot", "point": "dp-gone"}]}), encoding="utf-8"
    )
    async with Database.open(database_url) as database:
        with pytest.raises(ImportRefused, match="device hs-lost: point 'dp-gone' is not in the file"):
            await import_registry(database, read_registry(path))
