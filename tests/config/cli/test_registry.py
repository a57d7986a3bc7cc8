"""`bypunkt import` takes files in whole, and says in a line a mistake what is wrong."""

from pathlib import Path

import pytest

from services.log.lanes import registered_codes
from services.storage.database import Database
from tests.config.cli.calling import bypunkt
from tests.support.villages import registry

DEMO = Path(__file__).parents[3] / "config" / "villages" / "demo.json"
VILLAGE = """
[[municipalities]]
code = "0781"
name = "Ljungby"
county = "Kronoberg"
county_code = "07"
seat = {lat = 56.83, lon = 13.94}

[[service_points]]
id = "dp-x"
kind = "digital"
municipality = "0781"
name = {sv = "X"}
"""


async def test_the_demo_villages_come_in_twice_without_harm(installed: str) -> None:
    for _ in range(2):
        said = await bypunkt("import", str(DEMO))
        assert (said.code, said.err) == (0, "")
        assert "11 municipalities, 19 localities, 20 service points, 34 devices" in said.out
    async with Database.open(installed) as database:
        assert len(await registered_codes(database)) == 11


@pytest.mark.usefixtures("installed")
async def test_several_files_and_a_choice_of_municipalities(tmp_path: Path) -> None:
    toml = tmp_path / "village.toml"
    toml.write_text(VILLAGE, encoding="utf-8")
    said = await bypunkt("import", str(DEMO), str(toml), "--only", "0781, ")
    assert said.code == 0
    assert [line.partition(": ")[2].partition(",")[0] for line in said.out.splitlines()] == [
        "1 municipalities"
    ] * 2
    problem = (await bypunkt("import", str(toml), "--only", "9999")).problem
    assert problem == "municipality 9999 is not in the file"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("nowhere.json", None, "No such file or directory"),
        ("half.json", b'{"devices": [', "is not valid JSON"),
        ("half.toml", b"[[devices]", "is not valid TOML"),
        ("deep.json", b"[" * 100_000, "is not valid JSON"),
        ("list.json", b"[]", "the file"),
        ("latin.json", b'{"note": "\xe5"}', "is not UTF-8 text"),
        ("typo.json", b'{"devices": [{"id": "hs-x", "kind": "toaster"}]}', "devices.0.kind"),
    ],
)
async def test_what_is_wrong_with_a_file_is_a_line_that_names_it(
    tmp_path: Path, name: str, text: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text)
    problem = (await bypunkt("import", str(path))).problem
    assert problem.startswith(f"{path}: ")
    assert says in problem


@pytest.mark.usefixtures("installed")
async def test_each_mistake_has_its_line_and_nothing_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text('{"devices": [{"id": "x", "kind": "toaster"}]}', encoding="utf-8")
    said = await bypunkt("import", str(DEMO), str(path))
    assert said.code == 1
    assert [line.split(": ")[:2] for line in said.err.splitlines()] == [["bypunkt", str(path)]] * 2
    assert (await bypunkt("device", "list")).out == "no device is registered\n"


@pytest.mark.usefixtures("inhabited")
async def test_a_file_that_does_not_speak_of_it_leaves_the_life_cycle_alone(tmp_path: Path) -> None:
    """A stolen device that was suspended, or one that was retired, does not come back with the next import."""
    path = tmp_path / "again.json"
    path.write_text(registry().model_dump_json(exclude_defaults=True), encoding="utf-8")
    for verb, lifecycle in (("suspend", "suspended"), ("retire", "retired")):
        assert (await bypunkt("device", verb, "hs-lidhult-1")).code == 0
        assert (await bypunkt("import", str(path))).code == 0
        assert lifecycle in (await bypunkt("device", "show", "hs-lidhult-1")).out


@pytest.mark.usefixtures("inhabited")
async def test_devices_of_a_registered_municipality_can_come_without_it(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    path.write_text(
        '{"devices": [{"id": "hs-new-1", "kind": "hotspot", "municipality": "0781"}]}', encoding="utf-8"
    )
    said = await bypunkt("import", str(path))
    assert (said.code, said.err) == (0, "")
    assert "hs-new-1" in (await bypunkt("device", "list")).out
