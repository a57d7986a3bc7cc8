"""Programs that a command starts."""

import time
from pathlib import Path

import pytest

from gateway.agent.running import run_program
from tests.support.processes import alive
from tests.support.waiting import eventually


async def test_the_exit_code_is_told_and_the_environment_is_ours(tmp_path: Path) -> None:
    script = f'test "$1" = "a b;c" && env > {tmp_path}/env; exit 3'
    assert await run_program(("/bin/sh", "-c", script, "sh", "a b;c"), timeout_s=30) == 3
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names <= {"PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD"}


async def test_what_cannot_be_started_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        await run_program(("/no/such/program",), timeout_s=1)


async def test_what_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await run_program(("/bin/sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pid; wait"), timeout_s=0.5)
    assert time.monotonic() - began < 20
    pid = int((tmp_path / "pid").read_text())
    await eventually(lambda: not alive(pid), within=10)
