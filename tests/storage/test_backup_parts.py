"""The parts of a backup that need no database: names and leftovers, programs, passwords, comparing."""

import os
from pathlib import Path

import pytest

from services.storage.backup import programs, remove_old
from services.storage.backup.content import differences
from services.storage.backup.errors import BackupError
from services.storage.backup.keeping import name_at
from services.storage.backup.manifest import Content
from services.storage.embedded.binaries import wheel_directories
from tests.storage.test_backup import names_in
from tests.support.villages import NOON


def test_other_files_in_the_directory_are_nobody_s_business(tmp_path: Path) -> None:
    others = ["bypunkt-20260101T000000Z.tar.gpg", "notes.txt", "bypunkt-latest.tar", ".keep.part"]
    ours = [f"bypunkt-2026010{day}T000000Z.tar" for day in range(1, 6)]
    for name in (*others, *ours):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    newest = tmp_path / ours[-1]
    assert [path.name for path in remove_old(newest, keep=2)] == ours[:3]
    assert names_in(tmp_path) == sorted([*others, *ours[3:]])
    assert remove_old(newest, keep=2) == []
    assert name_at(NOON) == "bypunkt-20260916T120000Z.tar"


def test_the_new_one_is_kept_though_the_clock_was_ahead_once(tmp_path: Path) -> None:
    ahead, before, new = (tmp_path / f"bypunkt-{year}0101T000000Z.tar" for year in (2099, 2026, 2027))
    for path in (ahead, before, new):
        path.touch()
    assert remove_old(new, keep=2) == [before]
    assert remove_old(new, keep=1) == [ahead]
    assert names_in(tmp_path) == [new.name]


def test_an_old_one_that_cannot_be_removed_is_said_in_one_line(tmp_path: Path) -> None:
    old, new = (tmp_path / f"bypunkt-{year}0101T000000Z.tar" for year in (2026, 2027))
    old.mkdir()
    new.touch()
    with pytest.raises(BackupError, match=r"2027.* is made and kept, but .*2026.* cannot be removed: \w+"):
        remove_old(new, keep=1)
    assert new.exists()


def test_the_oldest_program_that_can_do_it_is_taken(tmp_path: Path) -> None:
    for major in (14, 15, 17):
        folder = tmp_path / str(major)
        folder.mkdir()
        (folder / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.3 (Debian)'\n")
        (folder / "pg_dump").chmod(0o755)
    search = [tmp_path / "none", *sorted(tmp_path.iterdir())]
    assert programs.find("pg_dump", at_least=15, search=search).major == 15
    assert programs.find("pg_dump", at_least=16, search=search).path == tmp_path / "17" / "pg_dump"
    with pytest.raises(BackupError, match=r"found: 14, 15, 17.*apt install postgresql-client-18"):
        programs.find("pg_dump", at_least=18, search=search)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_the_programs_of_the_embedded_postgresql_are_found(name: programs.Name) -> None:
    newest = next(wheel_directories())
    assert programs.find(name, at_least=18).path == newest / name


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://boss:s%3Ae%40cret@db.example:5433/village?sslmode=require",
        "postgresql://boss@db.example:5433/village?sslmode=require&password=s%3Ae%40cret",
    ],
)
def test_the_password_is_in_no_command_line(url: str) -> None:
    arguments, environment = programs._address(url)
    assert arguments == ["--dbname=postgresql://boss@db.example:5433/village?sslmode=require"]
    assert environment["PGPASSWORD"] == "s:e@cret"


def test_what_the_address_says_beside_reaches_the_program_as_it_was() -> None:
    arguments, _ = programs._address("postgresql://boss@db.example/village?options=-c%20geqo%3Doff")
    assert arguments == ["--dbname=postgresql://boss@db.example/village?options=-c%20geqo%3Doff"]


def test_what_differs_is_named() -> None:
    one = Content.model_validate(
        {
            "migrations": [{"version": 1, "name": "a", "checksum": "x"}],
            "lanes": {0: 1},
            "tables": {"event": 1},
        }
    )
    other = one.model_copy(update={"lanes": {0: 2}, "tables": {"event": 2, "new": 0}})
    assert differences(one, one) == []
    assert differences(one, other) == [
        "event: 1 in the backup, 2 in the database",
        "new: no such table in the backup, 0 in the database",
        "the heads of the lanes",
    ]
