"""Whatever is wrong outside is one line that names it and says what to do; strangers' words do no harm."""

import json
import socket
from pathlib import Path

import asyncpg
import pytest

from config.cli.base import printable, show
from config.failures import CommandFailed, explain
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from tests.config.cli.calling import bypunkt

HOSTILE = "\x1b[2J\x1b]0;owned\x07[red]a[/red]\r\n\u202eb\x9b31m"


async def test_without_a_database_setting_its_name_is_said() -> None:
    for command in (("device", "list"), ("user", "list"), ("deadletter", "list"), ("rebuild", "usage")):
        assert "BYPUNKT_DATABASE__URL is not set" in (await bypunkt(*command)).problem
    assert "BYPUNKT_DATABASE__ADMIN_URL is not set" in (await bypunkt("migrate")).problem


async def test_a_database_that_does_not_answer_is_said_to_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://bypunkt_app:hunter2@127.0.0.1:{taken.getsockname()[1]}/bypunkt"
        monkeypatch.setenv("BYPUNKT_DATABASE__URL", url)
        monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL", url)
        for command in (("device", "list"), ("user", "list"), ("migrate",)):
            problem = (await bypunkt(*command)).problem
            assert "cannot reach PostgreSQL" in problem
            assert "BYPUNKT_DATABASE__URL" in problem
            assert "hunter2" not in problem


async def test_a_wrong_password_is_said_to_be_one(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = open_directory / "pg_hba.conf"
    rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n", encoding="utf-8")
    rules.chmod(0o644)
    async with EmbeddedPostgres(fast=True, settings={"hba_file": str(rules)}) as postgres:
        await migrate(postgres.dsn())
        admin = await asyncpg.connect(postgres.dsn())
        try:
            await admin.execute("ALTER ROLE bypunkt_app PASSWORD 'right'")
        finally:
            await admin.close()
        url = postgres.dsn(user="bypunkt_app")
        monkeypatch.setenv("BYPUNKT_DATABASE__URL", url.replace("bypunkt_app@", "bypunkt_app:right@"))
        assert (await bypunkt("device", "list")).code == 0
        monkeypatch.setenv("BYPUNKT_DATABASE__URL", url.replace("bypunkt_app@", "bypunkt_app:hunter2@"))
        problem = (await bypunkt("device", "list")).problem
        assert "refuses the sign-in" in problem
        assert "password" in problem
        assert "hunter2" not in problem


async def test_broken_settings_are_said_to_be_broken(
    settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(text: str) -> None:
        settings_toml.write_text(text, encoding="utf-8")

    write("[database\n")
    assert "line 1" in (await bypunkt("device", "list")).problem
    write("[database]\nlanes = 0\n")
    assert (await bypunkt("check")).problem.startswith("BYPUNKT_DATABASE__LANES: ")
    monkeypatch.setenv("BYPUNKT_CONFIG", "/nowhere.toml")
    assert "BYPUNKT_CONFIG names /nowhere.toml" in (await bypunkt("migrate")).problem


async def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE__URL_FILE", "/nowhere/url")
    monkeypatch.setenv("BYPUNKT_DATABASE__ADMIN_URL_FILE", "/nowhere/url")
    for command in (("device", "list"), ("migrate",)):
        problem = (await bypunkt(*command)).problem
        assert "URL_FILE" in problem
        assert "cannot reach" not in problem


async def test_a_database_that_was_never_migrated_says_to_migrate_it(
    blank_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE__URL", blank_database_url)
    for command in (("device", "list"), ("user", "list"), ("deadletter", "list")):
        assert "bypunkt migrate" in (await bypunkt(*command)).problem


async def test_an_address_that_is_none_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE__URL", "mysql://root:hunter2@db")
    problem = (await bypunkt("device", "list")).problem
    assert "hunter2" not in problem


def test_errors_of_many_tasks_are_explained_one_by_one() -> None:
    group = ExceptionGroup(
        "tasks", [CommandFailed("one"), ExceptionGroup("more", [CommandFailed("two\nthree")])]
    )
    assert explain(group) == ["one", "two", "three"]


def test_words_of_strangers_lose_what_could_move_the_cursor() -> None:
    assert printable(HOSTILE) == "�[2J�]0;owned�[red]a[/red]���b�31m"
    assert printable("Hällnäs, 18–20 ½ 漢") == "Hällnäs, 18–20 ½ 漢"


def test_a_table_shows_markup_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"what": HOSTILE, "none": None}], as_json=False, empty="")
    shown = capsys.readouterr().out
    assert "[red]a[/red]" in shown
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_json_is_json_and_as_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"what": HOSTILE}], as_json=True, empty="")
    shown = capsys.readouterr().out
    assert json.loads(shown) == [{"what": HOSTILE}]
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_nothing_to_show_is_said_or_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    show([], as_json=False, empty="nothing here")
    show([], as_json=True, empty="nothing here")
    assert capsys.readouterr().out == "nothing here\n[]\n"
