import json
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from config import bootstrap

LOCK = "attrs==1\nuv==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via x\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with a `.venv` that looks alive."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STATE", tmp_path / ".venv" / "bootstrap.json")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(LOCK)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The profiles that were installed, instead of installing them."""
    profiles: list[str] = []
    monkeypatch.setattr(bootstrap, "install", lambda profile: profiles.append(profile.name))
    monkeypatch.setattr(bootstrap, "missing_programs", lambda _profile: {})
    return profiles


def finish(checkout: Path) -> None:
    bootstrap.write_state({"place": str(checkout)})


def test_second_run_finds_nothing_to_do(checkout: Path, installed: list[str]) -> None:
    finish(checkout)
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    assert installed == ["demo"]


def test_development_serves_the_demo_too(checkout: Path, installed: list[str]) -> None:
    finish(checkout)
    bootstrap.make_ready(bootstrap.PROFILES["dev"])
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    assert installed == ["dev"]


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_changed_lock_or_project_is_installed_into_the_same_venv(
    checkout: Path, installed: list[str], changed: str
) -> None:
    finish(checkout)
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    (checkout / changed).write_text("other\n")
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    assert installed == ["demo", "demo"]
    assert (checkout / ".venv" / "bin" / "python").exists()


@pytest.mark.parametrize("state", ['{"place": "unfinished"}', '{"place": "/elsewhere"}', "{half", "[]"])
def test_venv_that_is_unfinished_or_from_elsewhere_is_made_anew(
    checkout: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    (checkout / ".venv" / "bootstrap.json").write_text(state)
    (checkout / ".venv" / "left-over").touch()
    made: list[str] = []
    monkeypatch.setattr(bootstrap, "succeeds", lambda _command: True)
    monkeypatch.setattr(bootstrap, "run", lambda command, **_: made.append(str(command[-1])))
    bootstrap.make_ready(bootstrap.PROFILES["demo"])
    assert made == [str(checkout / ".venv")]
    assert not (checkout / ".venv" / "left-over").exists()
    assert installed == ["demo"]


def test_failed_installation_leaves_the_venv_marked_as_unfinished(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_profile: bootstrap.Profile) -> None:
        raise bootstrap.Stopped("no network")

    finish(checkout)
    monkeypatch.setattr(bootstrap, "install", fail)
    with pytest.raises(bootstrap.Stopped):
        bootstrap.make_ready(bootstrap.PROFILES["demo"])
    assert json.loads((checkout / ".venv" / "bootstrap.json").read_text()) == {"place": "unfinished"}


def test_demo_goes_on_without_mosquitto_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOOTSTRAP_APT", "no")
    monkeypatch.setattr("shutil.which", lambda _name, **_: None)
    bootstrap.fetch_programs(bootstrap.PROFILES["demo"], may_install=True)
    assert capsys.readouterr().out.count("apt-get install mosquitto") == 1


def test_demo_without_pango_says_what_there_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOOTSTRAP_APT", "no")
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda name, **_: name)
    bootstrap.fetch_programs(bootstrap.PROFILES["demo"], may_install=True)
    said = capsys.readouterr().out
    assert "no reports as PDF" in said
    assert "apt-get install libharfbuzz-subset0 libpangoft2-1.0-0" in said


def test_development_stops_without_its_programs_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOTSTRAP_APT", "no")
    monkeypatch.setattr("shutil.which", lambda _name, **_: None)
    with pytest.raises(
        bootstrap.Stopped, match="apt-get install caddy chromium mosquitto mosquitto-clients systemd"
    ):
        bootstrap.fetch_programs(bootstrap.PROFILES["dev"], may_install=True)


def test_too_old_python_without_a_newer_one_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (3, 99))
    assert bootstrap.main(["demo"]) == 1
    assert "Python 3.99 or newer is needed" in capsys.readouterr().err


def test_lock_entry_of_one_package_comes_with_its_hashes() -> None:
    assert bootstrap.pinned("uv", LOCK) == "uv==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    with pytest.raises(bootstrap.Stopped, match="make lock"):
        bootstrap.pinned("pip", LOCK)


def test_wrong_usage_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["production"]) == 2
    assert "demo|dev" in capsys.readouterr().err


def wait_for_turn(root: Path, answer: Connection) -> None:
    bootstrap.ROOT = root
    answer.send("asking")
    with bootstrap.one_at_a_time():
        answer.send("in")


def test_second_run_waits_for_the_first(checkout: Path) -> None:
    here, there = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=wait_for_turn, args=(checkout, there))
    with bootstrap.one_at_a_time():
        other.start()
        assert here.recv() == "asking"
        assert not here.poll(0.3)
    assert here.poll(10)
    assert here.recv() == "in"
    other.join(10)
    assert other.exitcode == 0
