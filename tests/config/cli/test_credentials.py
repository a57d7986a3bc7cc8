"""Passwords of devices from the command line, and the broker's store written anew."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.mqtt import Session, SessionOptions, Trouble
from gateway.rights import LANE_USERNAME, RIGHTS_USERNAME
from gateway.rights.keeper import RightsKeeper
from services.storage.database import Database
from tests.config.cli.calling import bypunkt
from tests.support.brokers import LANES, READER, RIGHTS, ProductionBroker
from tests.support.waiting import eventually


@pytest.fixture
async def broker(open_directory: Path) -> AsyncIterator[ProductionBroker]:
    async with ProductionBroker(open_directory / "broker") as started:
        yield started


@pytest.fixture
def served(inhabited: str, broker: ProductionBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation that keeps the accounts of that broker; returns the database's address."""
    secret = tmp_path / "rights"
    secret.write_text(RIGHTS + "\n")
    for name, value in {
        "HOST": "localhost",
        "PORT": str(broker.port),
        "TLS_CA": str(broker.ca),
        "USERNAME": LANE_USERNAME,
        "PASSWORD": LANES,
        "RIGHTS_USERNAME": RIGHTS_USERNAME,
        "RIGHTS_PASSWORD_FILE": str(secret),
    }.items():
        monkeypatch.setenv(f"BYPUNKT_MQTT__{name}", value)
    return inhabited


async def lets_in(broker: ProductionBroker, username: str, password: str) -> bool:
    options = SessionOptions(
        host="localhost", port=broker.port, tls_ca=broker.ca, client_id=username,
        username=username, password=password, durable=False,
    )  # fmt: skip
    async with Session(options) as session:
        await eventually(lambda: session.connected or session.trouble is Trouble.CREDENTIALS, within=10)
        return session.connected


async def given(*more: str) -> str:
    said = await bypunkt("device", "credentials", "hs-lidhult-1", "--json", *more)
    assert said.code == 0, said
    (facts,) = json.loads(said.out)
    assert facts["username"] == "hs-lidhult-1"
    assert facts["municipality"] == "0781"
    password: str = facts["password"]
    return password


@pytest.mark.usefixtures("served")
async def test_a_device_gets_a_password_once_and_another_when_asked_for(broker: ProductionBroker) -> None:
    first = await given()
    assert await lets_in(broker, "hs-lidhult-1", first)
    again = await bypunkt("device", "credentials", "hs-lidhult-1")
    assert "--rotate" in again.problem
    second = await given("--rotate")
    assert not await lets_in(broker, "hs-lidhult-1", first)
    assert await lets_in(broker, "hs-lidhult-1", second)
    revoked = await bypunkt("device", "credentials", "hs-lidhult-1", "--revoke", "--json")
    assert json.loads(revoked.out) == [{"device": "hs-lidhult-1", "password": None}]


@pytest.mark.usefixtures("served")
async def test_the_password_is_shown_to_a_person_too() -> None:
    said = await bypunkt("device", "credentials", "hs-lidhult-1")
    assert "password" in said.out
    assert "cannot be shown again" in said.out


@pytest.mark.usefixtures("served")
async def test_what_cannot_be_done_is_one_line(
    broker: ProductionBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no device" in (await bypunkt("device", "credentials", "hs-nowhere-1")).problem
    assert "has no password" in (await bypunkt("device", "credentials", "hs-lidhult-1", "--revoke")).problem
    both = await bypunkt("device", "credentials", "hs-lidhult-1", "--revoke", "--rotate")
    assert both.code == 2
    await broker.stop()
    away = (await bypunkt("device", "credentials", "hs-lidhult-1")).problem
    assert "unreachable" in away
    assert "no new password" in away
    monkeypatch.delenv("BYPUNKT_MQTT__RIGHTS_USERNAME")
    assert "RIGHTS_USERNAME is not set" in (await bypunkt("device", "credentials", "hs-lidhult-1")).problem


@pytest.mark.usefixtures("served")
async def test_a_retired_device_gets_no_password() -> None:
    assert (await bypunkt("device", "retire", "hs-lidhult-1")).code == 0
    assert "retired" in (await bypunkt("device", "credentials", "hs-lidhult-1")).problem


async def test_a_revoked_device_is_out_once_the_gateway_has_looked(
    served: str, broker: ProductionBroker
) -> None:
    password = await given()
    said = await bypunkt("device", "credentials", "hs-lidhult-1", "--revoke")
    assert "has no password any more" in said.out
    async with Database.open(served) as database:
        await RightsKeeper(database, broker.options()).keep_equal()
    assert not await lets_in(broker, "hs-lidhult-1", password)


async def test_a_lost_store_is_written_anew_and_every_device_keeps_its_password(
    served: str, broker: ProductionBroker, tmp_path: Path
) -> None:
    password = await given()
    await broker.stop()
    broker.store.write_text("")
    await broker.start()
    assert not await lets_in(broker, "hs-lidhult-1", password)
    await broker.stop()
    assert "--replace" in (await bypunkt("broker", "accounts", "--output", str(broker.store))).problem
    reader = tmp_path / "reader"
    reader.write_text(READER)
    written = await bypunkt(
        *("broker", "accounts", "--output", str(broker.store), "--replace"),
        *("--reader-password-file", str(reader)),
    )
    assert written.code == 0, written
    assert broker.store.stat().st_mode & 0o777 == 0o600
    await broker.start()
    assert await lets_in(broker, "hs-lidhult-1", password)
    assert await lets_in(broker, "bypunkt.reader", READER)
    assert await lets_in(broker, LANE_USERNAME.format(lane=3), LANES)
    async with Database.open(served) as database:
        assert await RightsKeeper(database, broker.options()).keep_equal() == 0


@pytest.mark.usefixtures("served")
async def test_without_a_file_the_store_goes_to_standard_output_and_names_no_password() -> None:
    password = await given()
    said = await bypunkt("broker", "accounts")
    document = json.loads(said.out)
    assert "hs-lidhult-1" in {client["username"] for client in document["clients"]}
    assert password not in said.out
    assert RIGHTS not in said.out


@pytest.mark.usefixtures("served")
async def test_a_store_that_cannot_be_written_is_one_line_about_the_file(tmp_path: Path) -> None:
    for name, why in (("s" * 300, "File name too long"), ("nowhere/store", "No such file")):
        said = await bypunkt("broker", "accounts", "--output", str(tmp_path / name))
        assert said.problem.startswith(f"{tmp_path / name} cannot be written: {why}")


@pytest.mark.usefixtures("served")
async def test_own_passwords_that_are_not_set_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BYPUNKT_MQTT__PASSWORD")
    assert "BYPUNKT_MQTT__PASSWORD_FILE" in (await bypunkt("broker", "accounts")).problem
    monkeypatch.setenv("BYPUNKT_MQTT__RIGHTS_PASSWORD_FILE", "/nowhere/at/all")
    assert "No such file" in (await bypunkt("broker", "accounts")).problem


@pytest.mark.usefixtures("served")
async def test_a_reader_without_a_password_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "reader").write_text("\n")
    said = await bypunkt("broker", "accounts", "--reader-password-file", str(tmp_path / "reader"))
    assert "is empty" in said.problem
