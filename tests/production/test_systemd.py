"""The systemd units of a machine without containers: verified, hardened, and naming what is there."""

import os
import re
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from config import setup
from config.cli import app
from config.settings import DEFAULT_FILE
from config.setup import Installation, set_up
from tests.production.proxy import CADDYFILE
from tests.support.processes import ROOT

PRODUCTION = ROOT / "config/production"
SYSTEMD = PRODUCTION / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.iterdir() if path.is_file())
OURS = ("bypunkt.service", "bypunkt-migrate.service", "bypunkt-backup.service")
# Debian's own units, as far as our drop-ins rest on them.
DEBIAN = {
    "mosquitto.service": "[Service]\nType=notify\nExecStart=/usr/sbin/mosquitto -c /etc/mosquitto/mosquitto.conf\n",
    "caddy.service": "[Service]\nType=notify\nUser=caddy\nGroup=caddy\nExecStart=/usr/bin/caddy run --environ\n"
    "ExecReload=/usr/bin/caddy reload\nTimeoutStopSec=5s\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n",
    "postgresql.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
}


_DEBIAN_USERS = {"root": 0, "mosquitto": 501, "postgres": 502}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine on which everything is installed as docs/install.md says, as far as units can see."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for path in SYSTEMD.rglob("*"):
        if path.is_file():
            (units / path.relative_to(SYSTEMD)).parent.mkdir(exist_ok=True)
            (units / path.relative_to(SYSTEMD)).write_bytes(path.read_bytes())
    for name, text in DEBIAN.items():
        (units / name).write_text(text)
    for program in ("opt/bypunkt/bin/bypunkt", "usr/sbin/mosquitto", "usr/bin/caddy", "bin/true"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).touch(mode=0o755)
    return tmp_path


def test_systemd_has_nothing_to_complain_of(root: Path) -> None:
    units = [*UNITS, "mosquitto.service", "caddy.service"]
    done = analyze("verify", "--man=no", "--recursive-errors=no", f"--root={root}", *units)
    ours = [line for line in done.stderr.splitlines() if "bypunkt" in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_would_complain(root: Path) -> None:
    unit = root / "etc/systemd/system/bypunkt.service"
    unit.write_text(unit.read_text() + "\n[Service]\nProtectEverything=yes\n")
    assert "ProtectEverything" in analyze("verify", "--man=no", f"--root={root}", "bypunkt.service").stderr


@pytest.mark.parametrize("name", OURS)
def test_program_is_exposed_as_little_as_the_page_says(root: Path, name: str) -> None:
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"an exposure of (\d\.\d) of 10", page)
    said = analyze("security", "--offline=true", f"--root={root}", "--no-pager", name).stdout
    (found,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d)", said)
    # Another systemd knows other ways to close a door, and counts them.
    assert abs(float(found) - float(written)) < 0.15


@pytest.mark.parametrize("name", OURS)
def test_commands_are_commands(name: str) -> None:
    (line,) = _values(SYSTEMD / name, "ExecStart")
    program, command, *arguments = line.split()
    assert program == "/opt/bypunkt/bin/bypunkt"
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    with root.commands[command].make_context(command, arguments) as context:
        assert context.info_name == command


def test_files_that_units_name_are_made_or_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_readers", lambda _place: {})
    directory = tmp_path / "etc/bypunkt"
    set_up(
        Installation(directory=directory, store=tmp_path / "store", host="punkt.test"), now=datetime.now(UTC)
    )
    for name in ("mosquitto/mosquitto.conf", "caddy/Caddyfile"):  # docs/install.md copies them
        (directory / Path(name).name).write_bytes((PRODUCTION / name).read_bytes())
    text = "\n".join(path.read_text(encoding="utf-8") for path in SYSTEMD.rglob("*") if path.is_file())
    named = set(re.findall(r"/etc/bypunkt/[\w./-]+(?<![.:])", text))
    assert named == {
        f"/etc/bypunkt/{name}" for name in ("mosquitto.conf", "Caddyfile", "caddy.env", "broker")
    }
    assert [path for path in named if not (tmp_path / path.removeprefix("/")).exists()] == []
    assert Path("/etc/bypunkt/bypunkt.toml") == DEFAULT_FILE
    settings = tomllib.loads((directory / "bypunkt.toml").read_text())
    assert settings["database"]["app_login"] == "bypunkt"


def test_proxy_is_told_what_its_file_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_readers", lambda _place: {})
    set_up(
        Installation(directory=tmp_path, store=tmp_path / "store", host="punkt.test"), now=datetime.now(UTC)
    )
    told = {line.partition("=")[0] for line in (tmp_path / "caddy.env").read_text().splitlines()}
    asked = set(re.findall(r"\{\$(\w+)", CADDYFILE.read_text(encoding="utf-8")))
    # The others have a default, or may be left out.
    assert asked - told == {"BYPUNKT_UPSTREAM", "BYPUNKT_CADDY_OPTIONS"}


def test_broker_finds_its_folders_where_its_configuration_looks() -> None:
    drop_in = SYSTEMD / "mosquitto.service.d/bypunkt.conf"
    (home,) = _values(drop_in, "WorkingDirectory")
    assert _values(drop_in, "BindReadOnlyPaths") == [f"/etc/bypunkt/broker:{home}/certificates"]
    assert _values(drop_in, "User") == ["mosquitto"]
    configuration = (PRODUCTION / "mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    assert "plugin_opt_config_file data/dynamic-security.json" in configuration
    assert f"{home}/data" in (PRODUCTION / "tmpfiles.d/bypunkt.conf").read_text(encoding="utf-8")


def test_users_and_folders_are_made_by_systemd_s_own_tools(tmp_path: Path) -> None:
    """In a root of their own, with the users that Debian's packages make; without rights all of them are ourselves."""
    etc, me = tmp_path / "etc", os.geteuid()
    etc.mkdir()
    numbers = {name: number if me == 0 else me for name, number in _DEBIAN_USERS.items()}
    (etc / "passwd").write_text(
        "".join(f"{name}:x:{number}:{number}::/:\n" for name, number in numbers.items())
    )
    (etc / "group").write_text("".join(f"{name}:x:{number}:\n" for name, number in numbers.items()))
    for tool in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        kind = tool[0].removeprefix("systemd-")
        command = [*tool, f"--root={tmp_path}", str(PRODUCTION / f"{kind}.d/bypunkt.conf")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert re.search(r"^bypunkt:x:\d+:\d+:.*:/usr/sbin/nologin$", (etc / "passwd").read_text(), re.MULTILINE)
    for folder, mode, owner in (
        ("etc/bypunkt", 0o755, "root"),
        ("var/lib/mosquitto", 0o750, "mosquitto"),
        ("var/lib/mosquitto/data", 0o700, "mosquitto"),
        ("var/backups/bypunkt", 0o700, "postgres"),
    ):
        found = (tmp_path / folder).stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (mode, numbers[owner]), folder


def test_backup_goes_where_the_unit_may_write() -> None:
    (line,) = _values(SYSTEMD / "bypunkt-backup.service", "ExecStart")
    (writable,) = _values(SYSTEMD / "bypunkt-backup.service", "ReadWritePaths")
    assert f"--directory {writable} " in line
    assert writable in (PRODUCTION / "tmpfiles.d/bypunkt.conf").read_text(encoding="utf-8")
    (when,) = _values(SYSTEMD / "bypunkt-backup.timer", "OnCalendar")
    assert "Next elapse" in analyze("calendar", when).stdout


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def _values(unit: Path, name: str) -> list[str]:
    """What a unit says under a name, without the empty lines that take back what Debian said."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    found = [line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}=")]
    return [value for value in found if value]
