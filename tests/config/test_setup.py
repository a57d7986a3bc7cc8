"""The first run: what is made, what is kept, and that no two readers can read the same secret."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from config import setup
from config.settings import Settings
from config.setup import Https, Installation, Place, set_up
from config.shelf import Made, SetupRefused, State

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRETS = {"run/mqtt_password", "run/mqtt_rights_password"}
CERTIFICATES = {"ca/ca.key", "devices/ca.crt", "broker/server.key", "broker/server.crt"}
DATABASE = {"postgres/password", "admin/database_url", "run/database_url"}
SETTINGS = {"bypunkt.toml", "caddy.env"}


@pytest.fixture(autouse=True)
def nobody_to_give_files_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an ordinary user: this machine need not have the accounts of a production one."""
    monkeypatch.setattr(setup, "_readers", lambda _place: {})


def installation(directory: Path, *, host: str = "punkt.test", also: tuple[str, ...] = (),
                 place: Place = Place.CONTAINERS) -> Installation:  # fmt: skip
    return Installation(
        directory=directory / "secrets", store=directory / "store", host=host, also=also, place=place
    )


def names(made: list[Made], directory: Path, state: State) -> set[str]:
    return {str(file.path.relative_to(directory / "secrets")) for file in made[:2] + made[3:]
            if file.state is state}  # fmt: skip


@pytest.mark.parametrize(("place", "more"), [(Place.CONTAINERS, DATABASE), (Place.MACHINE, SETTINGS)])
def test_first_run_makes_all_and_the_second_keeps_all(tmp_path: Path, place: Place, more: set[str]) -> None:
    wanted = installation(tmp_path, place=place)
    assert names(set_up(wanted, now=NOW), tmp_path, State.MADE) == SECRETS | CERTIFICATES | more
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = set_up(wanted, now=NOW)
    assert {made.state for made in again} == {State.KEPT}
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_secrets_are_long_and_no_two_are_the_same(tmp_path: Path) -> None:
    set_up(installation(tmp_path), now=NOW)
    folder = tmp_path / "secrets"
    login = urlsplit((folder / "run/database_url").read_text().strip())
    administrator = urlsplit((folder / "admin/database_url").read_text().strip())
    superuser = (folder / "postgres/password").read_text().strip()
    assert (login.username, login.hostname, login.path) == ("bypunkt_app", "postgres", "/bypunkt")
    assert administrator.password == superuser
    found = [superuser, login.password or "", *((folder / name).read_text().strip() for name in SECRETS)]
    assert len(set(found)) == 4
    assert all(len(secret) >= 43 for secret in found)  # 32 bytes


def test_password_of_the_operator_s_own_choice_goes_into_the_address_whole(tmp_path: Path) -> None:
    password = tmp_path / "secrets/postgres/password"
    password.parent.mkdir(parents=True)
    password.write_text("s:e@c/r#t?\n")
    set_up(installation(tmp_path), now=NOW)
    address = urlsplit((tmp_path / "secrets/admin/database_url").read_text().strip())
    assert unquote(address.password or "") == "s:e@c/r#t?"
    assert address.hostname == "postgres"


def test_broker_gets_accounts_with_these_passwords_and_no_password_in_plain(tmp_path: Path) -> None:
    set_up(installation(tmp_path), now=NOW)
    text = (tmp_path / "store/dynamic-security.json").read_text()
    clients = {client["username"] for client in json.loads(text)["clients"]}
    assert {"bypunkt.rights", "bypunkt.lane.0", "bypunkt.lane.15", "bypunkt.lane.check"} <= clients
    for name in SECRETS:
        assert (tmp_path / "secrets" / name).read_text().strip() not in text


def test_lost_store_of_the_broker_is_made_again_with_the_same_passwords(tmp_path: Path) -> None:
    set_up(installation(tmp_path), now=NOW)
    before = {name: (tmp_path / "secrets" / name).read_text() for name in SECRETS}
    (tmp_path / "store/dynamic-security.json").unlink()
    again = set_up(installation(tmp_path), now=NOW)
    assert [made.path.name for made in again if made.state is State.MADE] == ["dynamic-security.json"]
    assert {name: (tmp_path / "secrets" / name).read_text() for name in SECRETS} == before


def test_settings_of_a_machine_are_settings_and_name_files_that_are_there(tmp_path: Path) -> None:
    set_up(installation(tmp_path, place=Place.MACHINE), now=NOW)
    settings = Settings.model_validate(tomllib.loads((tmp_path / "secrets/bypunkt.toml").read_text()))
    named = (settings.mqtt.tls_ca, settings.mqtt.password_file, settings.mqtt.rights_password_file)
    assert all(path is not None and path.is_file() for path in named)
    assert settings.web.https
    assert (tmp_path / "secrets/caddy.env").read_text() == "BYPUNKT_HOST=punkt.test\nBYPUNKT_HTTPS=public\n"


def test_host_of_containers_lets_nobody_but_its_administrator_in(tmp_path: Path) -> None:
    set_up(installation(tmp_path), now=NOW)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    set_up(installation(tmp_path / "other", place=Place.MACHINE), now=NOW)
    assert (tmp_path / "other/secrets").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "name",
    ["https://punkt.test", "punkt test", "", "-a.test", "a..test", "punkt.test\nx", "a" * 64, '"', "å.se"],
)
def test_what_is_no_name_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupRefused, match="is no host name"):
        set_up(installation(tmp_path, host=name), now=NOW)
    with pytest.raises(SetupRefused, match="is no host name"):
        set_up(installation(tmp_path, also=(name,)), now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_host_may_be_an_address_but_ipv6_only_beside_it(tmp_path: Path) -> None:
    set_up(installation(tmp_path, host="192.0.2.7", also=("2001:db8::7",)), now=NOW)
    with pytest.raises(SetupRefused, match="is no host name"):
        set_up(
            installation(tmp_path, also=("fe80::7%eth0",)), now=NOW
        )  # no certificate can say through which door
    with pytest.raises(SetupRefused, match="IPv6"):
        set_up(installation(tmp_path, host="2001:db8::7"), now=NOW)


def test_kinds_of_place_and_of_https_are_those_of_the_command_line() -> None:
    assert [*map(str, Place)] == ["containers", "machine"]
    assert [*map(str, Https)] == ["public", "internal"]
