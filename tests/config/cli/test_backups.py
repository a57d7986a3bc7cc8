"""`bypunkt backup` and `bypunkt restore`: what a person types, reads, and gets to hear when it does not work."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.cli import backups
from tests.config.cli.calling import bypunkt
from tests.storage.test_backup import admin, everything, live_a_while, names_in
from tests.support.villages import NOON, villages


@pytest.fixture
async def lived_in(installed: str) -> str:
    """An installation with some history."""
    async with villages(installed) as database:
        await live_a_while(database)
    return installed


def settle(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name another database in the settings."""
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", url)
    monkeypatch.setenv("BYPUNKT_DATABASE__URL", url.replace("postgres@", "bypunkt_app@"))


@pytest.mark.usefixtures("lived_in")
async def test_a_backup_goes_out_and_comes_in_elsewhere(
    admin_url: str, blank_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "village.tar"
    said = await bypunkt("backup", str(file), "--verify")
    assert (said.code, said.err) == (0, "")
    first, second = said.out.splitlines()
    assert first.startswith(f"{file}: 40 events, 3 devices, ")
    assert first.endswith("; read back and tried out, all as it should be")
    assert second == backups.ALSO_KEEP
    settle(blank_database_url, monkeypatch)
    said = await bypunkt("restore", str(file))
    assert (said.code, said.err) == (0, "")
    first, second = said.out.splitlines()
    assert first.startswith(f"restored {file}: 40 events, 3 devices, ")
    assert second == "the readings status, usage equal the log"
    assert await everything(blank_database_url) == await everything(admin_url)
    assert (await bypunkt("restore", str(file))).problem.startswith("the database test_")


@pytest.mark.usefixtures("lived_in")
async def test_a_directory_keeps_the_newest_and_tells_machines_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = iter(range(3))
    monkeypatch.setattr(backups, "now", lambda: NOON + timedelta(days=next(days)))
    kept: list[Path] = []
    for _ in range(3):
        said = await bypunkt("backup", "--directory", str(tmp_path), "--keep", "2", "--json")
        assert said.code == 0
        told = json.loads(said.out)
        kept.append(Path(told["file"]))
        assert told["tables"]["event"] == 40
        assert told["removed"] == [str(path) for path in kept[:-2]]
        assert names_in(tmp_path) == [path.name for path in kept[-2:]]
    tried = await bypunkt("restore", "--trial", str(kept[-1]))
    assert tried.out.startswith(f"tried out {kept[-1]}: 40 events")
    told = json.loads((await bypunkt("restore", "--trial", "--json", str(kept[-1]))).out)
    assert told["database_version"] >= 4


@pytest.mark.usefixtures("lived_in")
async def test_an_old_backup_is_not_removed_for_a_new_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bypunkt-20260101T000000Z.tar"
    old.touch()
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    problem = (await bypunkt("backup", "--directory", str(tmp_path), "--keep", "1")).problem
    assert problem.startswith("cannot reach PostgreSQL as administrator")
    assert problem.endswith("is BYPUNKT_DATABASE__ADMIN_URL right?")
    assert names_in(tmp_path) == [old.name]


@pytest.mark.usefixtures("lived_in")
async def test_restored_but_the_login_cannot_enter_is_said(
    blank_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await bypunkt("backup", str(tmp_path / "b.tar"))).code == 0
    settle(blank_database_url, monkeypatch)
    monkeypatch.delenv("BYPUNKT_DATABASE__URL")
    said = await bypunkt("restore", str(tmp_path / "b.tar"))
    assert said.code == 0
    assert said.out.splitlines()[-1].startswith(
        "the readings status, usage equal the log; the run-time login could not be tried: "
        "BYPUNKT_DATABASE__URL is not set"
    )


async def test_figures_that_are_not_those_of_the_log_are_said(
    lived_in: str, admin_url: str, blank_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del lived_in
    async with admin(admin_url) as connection:
        await connection.execute("UPDATE bypunkt.usage_radio SET clients_max = clients_max + 1")
    assert (await bypunkt("backup", str(tmp_path / "b.tar"))).code == 0
    settle(blank_database_url, monkeypatch)
    problem = (await bypunkt("restore", str(tmp_path / "b.tar"))).problem
    assert problem.startswith("everything is restored, but 2 figures are not those of the log")
    assert len((await everything(blank_database_url))["event"]) == 40


@pytest.mark.parametrize(
    "arguments",
    [(), ("x.tar", "--directory", "."), ("x.tar", "--keep", "3"), ("--directory", ".", "--keep", "0")],
    ids=" ".join,
)
@pytest.mark.usefixtures("installed")
async def test_a_wrong_call_is_a_wrong_call(arguments: tuple[str, ...]) -> None:
    assert (await bypunkt("backup", *arguments)).code == 2


async def test_what_is_not_set_and_what_is_no_backup_is_one_line(
    installed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del installed
    assert "No such file" in (await bypunkt("restore", str(tmp_path / "none.tar"))).problem
    (tmp_path / "text.tar").write_text("hello")
    assert "not a backup made by bypunkt" in (await bypunkt("restore", str(tmp_path / "text.tar"))).problem
    monkeypatch.delenv("BYPUNKT_DATABASE__ADMIN_URL")
    for command in ("backup", "restore"):
        problem = (await bypunkt(command, str(tmp_path / "b.tar"))).problem
        assert problem.startswith("BYPUNKT_DATABASE__ADMIN_URL is not set")


def test_progress_is_shown_to_a_person_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with backups._progress("writing", 100) as on_progress:
        on_progress(50)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with backups._progress("writing", 100) as on_progress:
        on_progress(50)
    out, err = capsys.readouterr()
    assert out == ""
    assert "writing" in err
