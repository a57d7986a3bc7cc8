"""What `bypunkt check` finds, and what it says to do about it."""

import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import asyncpg
import pytest

from config import checks
from config.checks import Finding, Grade, examine
from config.settings import Settings, load
from gateway.embedded import Mosquitto, MosquittoOptions
from gateway.mqtt import Trouble
from gateway.rights import passwords
from gateway.rights.control import control
from gateway.rights.keeper import RightsKeeper
from services.storage.database import Database
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.credentials import DeviceAccount
from services.tenants.importing import import_registry
from tests.support.authorities import authority
from tests.support.brokers import ProductionBroker
from tests.support.databases import name_in
from tests.support.mqtt import connected
from tests.support.villages import registry

ACCOUNTS = {"gateway": "right"}


class Usage(NamedTuple):
    """How full a disk is, in bytes."""

    total: int
    used: int
    free: int


def _settings(url: str | None = None, broker: Mosquitto | None = None, **mqtt: object) -> Settings:
    where = {"host": broker.host, "port": broker.port} if broker else {}
    return load(database={"url": url} if url else {}, mqtt={**where, **mqtt})


async def _found(settings: Settings, what: str) -> list[Finding]:
    return [finding async for finding in examine(settings) if finding.what == what]


async def _said_of_broker(settings: Settings) -> tuple[Grade, str]:
    (finding,) = [finding async for finding in checks._broker(settings)]
    return finding.grade, finding.says


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_everything_is_well(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 0)
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        settings = _settings(postgres.dsn(user="bypunkt_app"), mosquitto)
        before = [finding async for finding in examine(settings)]
        assert [one.what for one in before if one.grade is Grade.WARNING and one.what != "clock"] == [
            "registry"
        ]
        async with Database.open(postgres.dsn(user="bypunkt_app")) as database:
            await import_registry(database, registry())
        found = [finding async for finding in examine(settings)]
        assert [one for one in found if one.grade is Grade.FAILED] == []
        assert {one.what for one in found} == {"database", "clock", "broker", "disk"}
        assert "2 lanes in use" in next(one.says for one in found if one.what == "database")


async def test_unsafe_settings_of_the_database_are_named_with_what_to_do(database_url: str) -> None:
    found = await _found(_settings(database_url), "database")
    assert {finding.grade for finding in found} == {Grade.FAILED}
    for name, finding in zip(("fsync", "full_page_writes", "synchronous_commit"), found, strict=True):
        assert f"{name} = off" in finding.says
        assert f"Set {name} = on" in finding.says


async def test_a_superusers_login_is_named(admin_url: str) -> None:
    found = await _found(_settings(admin_url), "database")
    (superuser,) = [finding for finding in found if "superuser" in finding.says]
    assert superuser.grade is Grade.FAILED
    assert "bypunkt_app" in superuser.says


async def test_a_database_that_was_not_migrated_is_to_be_migrated(
    blank_database_url: str, database_url: str
) -> None:
    url = database_url.replace(name_in(database_url), name_in(blank_database_url))
    found = await _found(_settings(url), "database")
    assert "bypunkt migrate" in " ".join(finding.says for finding in found if finding.grade is Grade.FAILED)


async def test_a_database_newer_than_the_program_is_said_to_be(database_url: str, admin_url: str) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("INSERT INTO bypunkt.migration VALUES (9999, 'from_the_future', 'x')")
    finally:
        await admin.close()
    (finding,) = await _found(_settings(database_url), "database")
    assert (finding.grade, "install the newer bypunkt" in finding.says) == (Grade.FAILED, True)


async def test_an_unreachable_database_is_said_to_be_and_the_rest_is_looked_at(closed_port: int) -> None:
    settings = _settings(f"postgresql://bypunkt_app:hunter2@127.0.0.1:{closed_port}/bypunkt")
    found = [finding async for finding in examine(settings)]
    assert found[0].what == "database"
    assert "cannot reach PostgreSQL" in found[0].says
    assert "BYPUNKT_DATABASE__URL" in found[0].says
    assert "hunter2" not in str(found)
    assert {"broker", "disk"} <= {finding.what for finding in found}


async def test_without_a_database_setting_the_rest_is_looked_at(closed_port: int) -> None:
    found = [finding async for finding in examine(_settings(port=closed_port))]
    assert "BYPUNKT_DATABASE__URL is not set" in found[0].says
    assert {"broker", "disk"} <= {finding.what for finding in found}


@pytest.mark.parametrize("wrong_by", [-90.0, -2.5, 0.5, 2.5, 3600.0])
async def test_a_skewed_clock_is_found_either_way(
    database_url: str, monkeypatch: pytest.MonkeyPatch, wrong_by: float
) -> None:
    right = time.time
    monkeypatch.setattr(checks, "time", SimpleNamespace(time=lambda: right() + wrong_by))
    (finding,) = [one async for one in checks._database(_settings(database_url)) if one.what == "clock"]
    if abs(wrong_by) < 2:
        assert finding.grade is Grade.OK
    else:
        assert finding.grade is Grade.FAILED
        assert f"{wrong_by:+.1f}"[:3] in finding.says
        assert "NTP" in finding.says


async def test_a_wrong_broker_password_is_found_and_the_settings_to_look_at_are_named(tmp_path: Path) -> None:
    options = MosquittoOptions(accounts=ACCOUNTS)
    async with Mosquitto(tmp_path / "closed", options=options) as broker:
        right = _settings(broker=broker, username="gateway", password="right")
        assert await _said_of_broker(right) == (Grade.OK, f"127.0.0.1:{broker.port} reached, MQTT 5")
        for account in ({"username": "gateway", "password": "hunter2"}, {"username": "nobody"}, {}):
            grade, says = await _said_of_broker(_settings(broker=broker, **account))
            assert grade is Grade.FAILED
            assert "wrong user name or password" in says
            assert "BYPUNKT_MQTT__PASSWORD" in says
            assert "hunter2" not in says


async def test_an_unreachable_broker_is_found_at_once(closed_port: int) -> None:
    grade, says = await _said_of_broker(_settings(port=closed_port))
    assert grade is Grade.FAILED
    assert f"127.0.0.1:{closed_port}: unreachable" in says
    assert "BYPUNKT_MQTT__PORT" in says


async def test_a_password_file_that_is_not_there_is_named(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = _settings(broker=mosquitto, username="gateway", password_file=tmp_path / "nowhere")
    assert await _said_of_broker(settings) == (
        Grade.FAILED,
        "BYPUNKT_MQTT__PASSWORD_FILE cannot be read: No such file or directory",
    )


async def test_a_broker_without_mqtt_5_is_reached_and_one_that_is_none_is_not(mosquitto: Mosquitto) -> None:
    grade, says = await _said_of_broker(_settings(broker=mosquitto, protocol="3.1.1"))
    assert (grade, says.endswith("MQTT 3.1.1")) == (Grade.OK, True)


async def test_a_check_evicts_nobody_and_leaves_nothing_behind(mosquitto: Mosquitto) -> None:
    """The gateway's lanes stay connected, and the broker keeps no session of the check's."""
    async with connected(mosquitto, "bypunkt-lane-0"):
        for _ in range(2):
            assert (await _said_of_broker(_settings(broker=mosquitto)))[0] is Grade.OK
    await mosquitto.stop()
    kept = mosquitto.store / "mosquitto.db"
    assert b"bypunkt-lane-check" not in (kept.read_bytes() if kept.exists() else b"")


def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for free, grade in ((10**9, Grade.FAILED), (10**11, Grade.OK)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, free=free: Usage(10**12, 0, free))
        assert checks._disk(tmp_path).grade is grade


def test_every_trouble_with_the_broker_has_its_advice() -> None:
    assert set(checks._BROKER_ADVICE) == set(Trouble)


@pytest.fixture
async def safe_broker(open_directory: Path) -> AsyncIterator[ProductionBroker]:
    """The broker of production: TLS, and rights for each device."""
    async with ProductionBroker(open_directory / "broker") as started:
        yield started


def _told(url: str | None, broker: ProductionBroker, **changed: object) -> Settings:
    return load(database={"url": url} if url else {}, mqtt=broker.options(**changed).model_dump())


async def test_trouble_with_tls_is_told_apart(safe_broker: ProductionBroker, tmp_path: Path) -> None:
    assert (await _said_of_broker(_told(None, safe_broker)))[0] is Grade.OK
    stranger = authority("another authority").write(tmp_path / "stranger.crt")
    nothing = tmp_path / "nothing.crt"
    nothing.write_text("no certificate")
    for changed, words in (
        ({"tls_ca": stranger}, "unable to get local issuer certificate"),
        ({"host": "127.0.0.1"}, "IP address mismatch"),
        ({"tls_ca": None}, "does it want TLS?"),
        ({"tls_ca": tmp_path / "nowhere.crt"}, "No such file"),
        ({"tls_ca": nothing}, "it holds no certificate"),
    ):
        grade, says = await _said_of_broker(_told(None, safe_broker, **changed))
        assert grade is Grade.FAILED
        assert words in says


async def test_a_password_that_would_travel_in_the_clear_is_warned_of() -> None:
    settings = load(mqtt={"host": "0.0.0.0", "port": 1, "username": "a", "password": "b"})
    (clear, _) = [finding async for finding in checks._broker(settings)]
    assert (clear.grade, "in the clear" in clear.says) == (Grade.WARNING, True)


async def test_accounts_that_are_not_as_the_registry_says_are_found(
    database_url: str, safe_broker: ProductionBroker
) -> None:
    async with Database.open(database_url) as database:
        await import_registry(database, registry())
        settings = _told(database_url, safe_broker)
        (due,) = await _found(settings, "rights")
        assert (due.grade, "is a gateway running?" in due.says) == (Grade.WARNING, True)
        keeper = RightsKeeper(database, settings.mqtt)
        await keeper.keep_equal()
        await passwords.give(database, settings.mqtt, DeviceAccount("0781", "hs-lidhult-1", "active"))
        assert await _found(settings, "rights") == [
            Finding("rights", Grade.OK, "1 devices have accounts, as the registry says")
        ]
        async with control(settings.mqtt) as conversation:
            await conversation.tell([{"command": "deleteClient", "username": "hs-lidhult-1"}])
        (lost,) = await _found(settings, "rights")
        assert lost.grade is Grade.FAILED
        assert "hs-lidhult-1 cannot sign in" in lost.says
        (wrong,) = await _found(_told(database_url, safe_broker, rights_password="wrong"), "rights")
        assert "BYPUNKT_MQTT__RIGHTS_PASSWORD" in wrong.says
        await safe_broker.stop()
        (away,) = await _found(settings, "rights")
        assert "BYPUNKT_MQTT__HOST" in away.says


async def test_nobody_asks_for_rights_where_nobody_keeps_them(mosquitto: Mosquitto) -> None:
    assert await _found(_settings(broker=mosquitto), "rights") == []


async def test_failpoints_that_were_left_set_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BYPUNKT_FAILPOINTS", raising=False)
    assert await _found(_settings(), "failpoints") == []
    monkeypatch.setenv("BYPUNKT_FAILPOINTS", "gateway.stored=kill@3")
    (finding,) = await _found(_settings(), "failpoints")
    assert finding.grade is Grade.WARNING
    assert "unset it" in finding.says
