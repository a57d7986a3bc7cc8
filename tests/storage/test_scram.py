"""The password as PostgreSQL keeps it: a real server lets the password in, and no other."""

from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import MigrationError, migrate
from services.storage.options import DatabaseOptions
from services.storage.scram import scram_sha_256


def test_same_password_never_looks_the_same_twice() -> None:
    assert scram_sha_256("one") != scram_sha_256("one")
    assert scram_sha_256("one").startswith("SCRAM-SHA-256$4096:")


@pytest.mark.parametrize("password", ["lösenord", "two\nlines", "\0"])
def test_password_that_could_be_spelled_in_two_ways_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        scram_sha_256(password)


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("postgresql://bypunkt_app:a%2Fb@db/bypunkt", "a/b"),
        ("postgresql://bypunkt_app@/bypunkt?host=/var/run/postgresql", None),
        ("postgresql://somebody:word@db/bypunkt", None),
        (None, None),
    ],
)
def test_password_is_the_one_in_the_run_time_address(address: str | None, password: str | None) -> None:
    options = DatabaseOptions(url=SecretStr(address) if address else None)
    assert options.app_password() == password


async def test_migrate_gives_the_login_its_password_and_another_one(open_directory: Path) -> None:
    hba = open_directory / "pg_hba.conf"
    hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    hba.chmod(0o644)
    settings = {"hba_file": str(hba), "log_statement": "all"}
    async with EmbeddedPostgres(fast=True, settings=settings) as postgres:
        url = postgres.dsn(user="bypunkt_app")
        for password in ("first-word-f00", "second-word-f00"):
            await migrate(postgres.dsn(), app_password=password)
            await _sign_in(url, password)
        await migrate(postgres.dsn())  # without one it leaves the password as it is
        await _sign_in(url, "second-word-f00")
        for wrong in ("first-word-f00", ""):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await _sign_in(url, wrong)
        with pytest.raises(MigrationError, match=r"bypunkt_app: .*ASCII"):
            await migrate(postgres.dsn(), app_password="lösenord")
        said = postgres.log.read_text(encoding="utf-8")
    assert "ALTER ROLE bypunkt_app" in said  # the server was told to write down every statement
    assert "word-f00" not in said


async def _sign_in(url: str, password: str) -> None:
    connection = await asyncpg.connect(url, password=password)
    await connection.close()
