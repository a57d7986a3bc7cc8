"""`bypunkt setup`: says what it made, and never what stands in it."""

import json
from pathlib import Path

import pytest

from config import setup
from tests.config.cli.calling import Said, bypunkt


@pytest.fixture(autouse=True)
def nobody_to_give_files_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_readers", lambda _place: {})


async def call(directory: Path, *more: str) -> Said:
    return await bypunkt(
        "setup",
        "--host",
        "Punkt.Test",
        "--directory",
        str(directory / "etc"),
        "--store",
        str(directory / "store"),
        *more,
    )


async def test_setup_says_what_it_made_and_what_comes_next(tmp_path: Path) -> None:
    said = await call(tmp_path)
    assert (said.code, said.err) == (0, "")
    assert "etc/ca/ca.key" in said.out
    assert "bypunkt migrate" in said.out
    for name in ("run/mqtt_password", "run/mqtt_rights_password", "ca/ca.key", "broker/server.key"):
        assert (tmp_path / "etc" / name).read_text().strip() not in said.out


async def test_setup_speaks_json_too(tmp_path: Path) -> None:
    made = json.loads((await call(tmp_path, "--json")).out)
    assert {file["is"] for file in made} == {"made"}
    kept = json.loads((await call(tmp_path, "--json")).out)
    assert {file["is"] for file in kept} == {"kept"}
    renewed = json.loads((await call(tmp_path, "--also", "10.0.0.1", "--json")).out)
    assert [Path(file["file"]).name for file in renewed if file["is"] == "renewed"] == ["server.crt"]
    assert {"file", "is", "for", "what"} == set(renewed[0])


async def test_files_of_containers_are_asked_for(tmp_path: Path) -> None:
    await call(tmp_path, "--place", "containers")
    assert (tmp_path / "etc/postgres/password").is_file()
    assert not (tmp_path / "etc/bypunkt.toml").exists()


async def test_number_of_lanes_is_the_installation_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE__LANES", "2")
    await call(tmp_path)
    clients = json.loads((tmp_path / "store/dynamic-security.json").read_text())["clients"]
    assert "bypunkt.lane.1" in {client["username"] for client in clients}
    assert "bypunkt.lane.2" not in {client["username"] for client in clients}


async def test_mistakes_are_one_line(tmp_path: Path) -> None:
    assert (
        "is no host name" in (await bypunkt("setup", "--host", "a b", "--directory", str(tmp_path))).problem
    )
    (tmp_path / "etc").touch()
    assert "root" in (await call(tmp_path)).problem
    assert (await call(tmp_path, "--place", "moon")).code == 2
    assert (await bypunkt("setup")).code == 2
