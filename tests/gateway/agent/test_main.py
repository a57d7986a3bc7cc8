"""`bypunkt-agent` as a person meets it: one-line errors, exit codes, --check, a clean end."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.agent import checks, main
from gateway.embedded import Mosquitto
from tests.gateway.agent.agents import at_work, options
from tests.gateway.agent.processes import Machine
from tests.support.processes import ROOT
from tests.support.waiting import eventually

UNIT = ROOT / "gateway" / "agent" / "bypunkt-agent.service"


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.agent.main", *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_what_is_wrong_is_one_line_and_exit_code_1_or_2(tmp_path: Path) -> None:
    code, out, err = run("--config", str(tmp_path / "nowhere.toml"))
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("bypunkt-agent: ")
    assert "No such file" in err
    code, _, err = run("--nonsense")
    assert code == 2
    assert "usage: bypunkt-agent" in err
    code, out, _ = run("--help")
    assert code == 0
    assert "--check" in out


def test_it_is_installed_as_a_program() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts["bypunkt-agent"] == f"{main.__name__}:main"


async def test_it_says_goodbye_when_it_is_asked_to_stop(mosquitto: Mosquitto, tmp_path: Path) -> None:
    machine = Machine(tmp_path, mosquitto)
    async with machine.running() as agent:
        agent.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await agent.wait() == 0
    lines = [json.loads(line) for line in machine.log.read_text(encoding="utf-8").splitlines()]
    assert {"agent_started", "mqtt_connected"} <= {line["event"] for line in lines}


async def test_a_second_agent_on_the_same_spool_is_refused(mosquitto: Mosquitto, tmp_path: Path) -> None:
    machine = Machine(tmp_path, mosquitto)
    async with machine.running():
        code, _, err = await asyncio.to_thread(run, "--config", str(machine.config))
    assert code == 1
    assert err.splitlines()[-1].endswith("is in use; does another agent run?")


async def test_check_is_content_with_what_is_well(mosquitto: Mosquitto, tmp_path: Path) -> None:
    machine = Machine(tmp_path, mosquitto)
    machine.write_config()
    code, out, err = await asyncio.to_thread(run, "--config", str(machine.config), "--check")
    assert (code, out) == (0, "all is well\n")
    assert all(line.startswith("note: ") for line in err.splitlines())
    machine.config.write_text(machine.config.read_text().replace(str(mosquitto.port), "1"))
    code, out, err = await asyncio.to_thread(run, "--config", str(machine.config), "--check")
    assert (code, out) == (1, "")
    assert "broker 127.0.0.1: unreachable; is broker.host right" in err


async def test_check_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "kernel_synchronised", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    told = options(
        tmp_path,
        broker={"host": "127.0.0.1", "port": 1},
        spool={"path": tmp_path / "no" / "spool.sqlite"},
        wifi=[{"iface": "wlan9"}],
        commands={"x.y": {"program": ["/no/such"]}},
    )
    found = await checks.problems(told)
    assert [line.split(":")[0] for line in found] == [
        "spool.path", "note", "commands.x.y", "wifi", "wifi",
        "broker 127.0.0.1",
    ]  # fmt: skip
    assert "unreachable; is broker.host right" in found[-1]
    secret = options(tmp_path, broker={"host": "h", "password_file": tmp_path / "no"})
    assert [line for line in await checks.problems(secret) if "password_file: No such file" in line]
    authority = options(tmp_path, broker={"host": "h", "tls_ca": tmp_path / "no.pem"})
    assert [line for line in await checks.problems(authority) if line.startswith("broker.tls_ca: No such")]


async def test_check_leaves_the_connection_of_a_running_agent_alone(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "kernel_synchronised", lambda: True)
    folder = tmp_path / "100 % #1?"  # nothing in a name means anything
    folder.mkdir()
    async with at_work(folder, mosquitto) as agent:
        await eventually(lambda: agent.connected, within=20)
        session = agent.courier.session
        assert session is not None
        before = session.generation
        (said,) = await checks.problems(agent.options)
        assert said.startswith("note: an agent runs")
        assert (session.generation, agent.connected) == (before, True)


async def test_check_goes_on_where_the_spool_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").mkdir()
    assert [line for line in await checks.problems(options(tmp_path)) if line.startswith("broker 127.0.0.1")]


def test_the_unit_is_understood_by_systemd_and_hardened(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/bypunkt/bin/bypunkt-agent", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "After=network.target",
        "SystemCallFilter=adjtimex clock_adjtime clock_adjtime64",
        "DynamicUser=yes",
        "StateDirectory=bypunkt-agent",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
    ):
        assert line in text.splitlines()
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert exposed.returncode == 0, exposed.stdout[-500:]


def test_the_kernel_can_be_asked_for_its_clock_under_the_hardening() -> None:
    """As with MemoryDenyWriteExecute=yes: no memory may be both written and run."""
    code = (
        "import ctypes; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) in (0, -1);"
        "from gateway.agent.clocks import kernel_synchronised; print(kernel_synchronised())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {"True", "False"}
