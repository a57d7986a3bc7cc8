"""The command line as a whole: help everywhere, exit codes, and errors in a line."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from config.cli import app, main
from gateway.embedded import Mosquitto
from tests.config.cli.calling import bypunkt
from tests.support.installation import environment, outcome
from tests.support.processes import ROOT


def commands() -> list[str]:
    """Return every command as it is written, `device add` for example."""

    def below(command: object, path: tuple[str, ...]) -> list[str]:
        inner = getattr(command, "commands", {})
        deeper = [name for key, one in inner.items() for name in below(one, (*path, key))]
        return [" ".join(path), *deeper]

    return [path for path in below(typer.main.get_command(app), ()) if path]


def test_every_command_of_the_protocol_is_there() -> None:
    expected = {"demo", "run", "migrate", "check", "simulate", "import", "rebuild"}
    expected |= {f"device {verb}" for verb in ("add", "list", "show", "suspend", "resume", "retire")}
    expected |= {f"user {verb}" for verb in ("add", "list", "disable", "password")}
    expected |= {f"deadletter {verb}" for verb in ("list", "show", "replay", "drop")}
    assert expected <= set(commands())


async def test_every_command_has_help_that_says_what_it_does() -> None:
    assert (await bypunkt("--help")).code == 0
    for path in commands():
        said = await bypunkt(*path.split(), "--help")
        assert (said.code, said.err) == (0, ""), path
        described = [line for line in said.out.splitlines() if line.strip() and "Usage:" not in line]
        assert described[0].strip().endswith("."), said.out


async def test_everything_that_lists_has_json() -> None:
    for path in ("check", "device list", "device show", "user list", "deadletter list", "deadletter show"):
        assert "--json" in (await bypunkt(*path.split(), "--help")).out, path


@pytest.mark.parametrize(
    "wrong",
    ["dance", "device dance", "device list --loud", "device add x", "run --role cook", "deadletter show seven",
     "user add anna --role king", "demo --seconds -1", "demo --port 0", "simulate --devices 0"],
)  # fmt: skip
async def test_a_wrong_call_is_code_two_and_says_how_it_goes(wrong: str) -> None:
    said = await bypunkt(*wrong.split())
    assert said.code == 2
    assert "Usage:" in said.err


async def test_as_a_process_it_ends_with_zero_one_and_two(
    blank_database_url: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    env = environment(blank_database_url, mosquitto, BYPUNKT_DATABASE__ADMIN_URL=blank_database_url)
    done, failed, wrong = await asyncio.gather(
        outcome("migrate", env=env),
        outcome("import", str(tmp_path / "nowhere.json"), env=env),
        outcome("import", env=env),
    )
    assert (done[0], done[2]) == (0, "")
    assert done[1].startswith("applied: ")
    assert failed == (1, "", f"bypunkt: {tmp_path / 'nowhere.json'}: No such file or directory\n")
    assert wrong[0] == 2


def test_the_checks_can_be_imported_before_the_command_line() -> None:
    subprocess.run([sys.executable, "-c", "import config.checks"], cwd=ROOT, check=True)


def test_an_interrupted_command_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("config.cli.app", interrupted)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
