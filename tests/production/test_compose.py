"""docker-compose.yml: what it names is there, nobody can read more than they need, only the doors are open."""

import os
import re
import tomllib
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from config import setup
from config.cli import app
from config.settings import load, setting_names
from config.setup import Installation, Place, set_up
from config.shelf import Reader
from gateway.rights import LANE_USERNAME, RIGHTS_USERNAME
from tests.production.compose import Compose, Service, compose, variables
from tests.support.processes import ROOT

HOST = {"BYPUNKT_HOST": "punkt.test"}
OURS = ("setup", "migrate", "bypunkt", "backup")
USERS = {Reader.PROGRAM: 10_001, Reader.BROKER: 1883, Reader.DATABASE: 999}
READERS = {
    "migrate": Reader.PROGRAM,
    "bypunkt": Reader.PROGRAM,
    "backup": Reader.PROGRAM,
    "mosquitto": Reader.BROKER,
    "postgres": Reader.DATABASE,
}


@pytest.fixture(scope="module")
def file() -> Compose:
    return compose(HOST)


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Reader]:
    """Every file that the first run makes below `./secrets`, and who can read it."""
    monkeypatch.setattr(setup, "_readers", lambda _place: {})
    directory = tmp_path / "secrets"
    installation = Installation(
        directory=directory, store=tmp_path / "store", host="punkt.test", place=Place.CONTAINERS
    )
    made = set_up(installation, now=datetime.now(UTC))
    return {
        f"./{file.path.relative_to(tmp_path)}": file.reader
        for file in made
        if file.path.is_relative_to(directory)
    }


def test_host_is_asked_for_in_a_sentence() -> None:
    with pytest.raises(KeyError, match=r"write BYPUNKT_HOST=… to the file \.env"):
        compose({})


def test_images_are_pinned_by_tag_and_ours_is_of_this_version(file: Compose) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {name: service.image for name, service in file.services.items()} == {
        **dict.fromkeys(OURS, f"bypunkt:{version}"),
        "postgres": "postgres:17",
        "mosquitto": "eclipse-mosquitto:2.0.22",
        "caddy": "caddy:2.10",
    }
    assert {name for name, service in file.services.items() if service.build} == set(OURS)


def test_doors_are_these_and_no_others(file: Compose) -> None:
    assert {name: service.ports for name, service in file.services.items() if service.ports} == {
        "mosquitto": ["8883:8883"],
        "caddy": ["80:80", "443:443", "443:443/udp"],
        "bypunkt": ["127.0.0.1:8080:8080"],
    }


def test_networks_let_only_those_meet_who_have_to(file: Compose) -> None:
    together = {
        name: {service for service, said in file.services.items() if name in said.networks}
        for name in file.networks
    }
    assert together == {
        "front": {"caddy", "bypunkt"},
        "broker": {"mosquitto", "bypunkt"},
        "database": {"postgres", "migrate", "bypunkt", "backup"},
    }
    assert [name for name, network in file.networks.items() if network.internal] == ["database"]
    assert file.services["setup"].network_mode == "none"


def test_volumes_are_declared_and_used(file: Compose) -> None:
    sources = {source for service in file.services.values() for source, _ in service.mounts.values()}
    assert {source for source in sources if not source.startswith(".")} == set(file.volumes)


def test_files_from_the_checkout_are_there_and_cannot_be_changed(file: Compose) -> None:
    mounted = [
        (source, writable)
        for service in file.services.values()
        for source, writable in service.mounts.values()
        if source.startswith("./") and not source.startswith(("./secrets", "./backups", "./villages"))
    ]
    assert [source for source, _ in mounted if not (ROOT / source).is_file()] == []
    assert [source for source, writable in mounted if writable] == []
    assert len(mounted) == 2


def test_everybody_gets_the_folders_of_which_they_are_the_reader(
    file: Compose, secrets: dict[str, Reader]
) -> None:
    """Folders, not files: what is not there yet when the containers are made would become a folder."""
    folders = {path.rpartition("/")[0]: reader for path, reader in secrets.items()}
    for name, service in file.services.items():
        if name == "setup":
            continue
        given = {source: writable for source, writable in service.mounts.values() if "secrets" in source}
        assert set(given) <= set(folders), name
        assert {folders[source] for source in given} <= {READERS.get(name), Reader.EVERYBODY}, name
        assert not any(given.values()), name
    assert "./secrets/admin" not in {source for source, _ in file.services["bypunkt"].mounts.values()}


def test_every_secret_that_is_named_is_made_and_every_one_made_is_used(
    file: Compose, secrets: dict[str, Reader]
) -> None:
    named = set(
        chain.from_iterable(
            _on_the_host(service, path) for service in file.services.values() for path in _paths(service)
        )
    )
    named |= {f"./secrets/broker/{name}" for name in _certificates_of_the_broker()}
    assert named == set(secrets) - {"./secrets/ca/ca.key"}


def test_readers_are_the_users_of_the_images(file: Compose) -> None:
    assert {reader: account.uid for reader, account in setup._IN_CONTAINERS.items()} == USERS
    assert all(account.uid == account.gid for account in setup._IN_CONTAINERS.values())
    assert file.services["mosquitto"].user == "1883:1883"
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "USER 10001:10001" in dockerfile
    assert {service.user for name, service in file.services.items() if name in ("migrate", "bypunkt")} == {
        None
    }


def test_every_variable_of_ours_is_a_setting_and_they_fit_together(
    file: Compose, secrets: dict[str, Reader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("BYPUNKT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BYPUNKT_CONFIG", "")
    for service in (file.services[name] for name in OURS):
        assert set(service.environment) <= set(setting_names())
        with monkeypatch.context() as environment:
            for name, value in service.environment.items():
                (path,) = _on_the_host(service, value) if value.startswith("/") else (None,)
                environment.setenv(name, str(tmp_path / path) if path else value)
            settings = load()
        if service.command in ([], ["migrate"]):
            assert (settings.database.address() or "").startswith("postgresql://bypunkt_app:")
            assert settings.database.app_password()
        if service.command == ["migrate"]:
            assert (settings.database.admin_address() or "").startswith("postgresql://postgres:")
        if not service.command:
            assert settings.mqtt.secret()
            assert settings.mqtt.username == LANE_USERNAME
            assert settings.mqtt.rights_username == RIGHTS_USERNAME
            assert settings.web.https
    assert secrets


def test_commands_are_commands(file: Compose) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for service in (file.services[name] for name in OURS):
        name, *arguments = service.command or ["run"]
        with root.commands[name].make_context(name, list(arguments)) as context:
            assert context.info_name == name


def test_nobody_may_do_more_than_they_need(file: Compose) -> None:
    for name, service in file.services.items():
        assert service.read_only, name
        assert service.cap_drop == ["ALL"], name
        assert service.security_opt == ["no-new-privileges"], name
        assert service.tmpfs[0] == "/tmp", name  # noqa: S108 - in the container
    assert {name: service.cap_add for name, service in file.services.items() if service.cap_add} == {
        "setup": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
        "postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
        "caddy": ["NET_BIND_SERVICE"],
    }


def test_who_lives_has_limits_and_who_ends_is_waited_for(file: Compose) -> None:
    for name, service in file.services.items():
        assert set(service.logging.options) == {"max-size", "max-file"}
        assert service.depends_on.keys() <= file.services.keys()
        if service.lives:
            assert service.mem_limit, name
            assert service.stop_grace_period, name
        for other, dependency in service.depends_on.items():
            target = file.services[other]
            match dependency.condition:
                case "service_completed_successfully":
                    assert not target.lives
                case "service_healthy":
                    assert target.healthcheck
                case "service_started":
                    assert target.lives
    assert {name for name, service in file.services.items() if service.profiles} == {"backup"}
    assert _starts_before(file, "bypunkt") >= {"setup", "postgres", "migrate", "mosquitto"}


def test_postgresql_writes_no_rows_to_its_log_here_nor_on_a_machine(file: Compose) -> None:
    here = {word.removeprefix("--") for word in file.services["postgres"].command[1:]}
    text = (ROOT / "config/production/postgresql/bypunkt.conf").read_text(encoding="utf-8")
    there = {line.replace(" ", "") for line in text.splitlines() if not line.startswith("#")}
    assert here == there == {"log_error_verbosity=terse", "log_min_error_statement=panic"}


def test_every_variable_of_an_installation_is_documented() -> None:
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    assert variables() == {
        "BYPUNKT_HOST", "BYPUNKT_HTTPS", "BYPUNKT_ALSO", "BYPUNKT_CADDY_OPTIONS", "BYPUNKT_LOG_LEVEL"
    }  # fmt: skip
    assert [name for name in variables() if f"`{name}`" not in page] == []


def _paths(service: Service) -> list[str]:
    return [value for value in service.environment.values() if value.startswith("/")]


def _on_the_host(service: Service, path: str) -> list[str]:
    """What a path in a container is outside of it."""
    return [
        source + path.removeprefix(target)
        for target, (source, _) in service.mounts.items()
        if path.startswith(f"{target}/")
    ]


def _certificates_of_the_broker() -> set[str]:
    text = (ROOT / "config/production/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:certfile|keyfile) certificates/(\S+)$", text, re.MULTILINE))


def _starts_before(file: Compose, name: str) -> set[str]:
    before = set(file.services[name].depends_on)
    return before.union(*(_starts_before(file, other) for other in before))
