"""Failpoints: nothing without the setting; with it, exactly there and exactly then."""

import os
import signal
import subprocess
import sys
import time

import pytest

from services.runtime import failpoints
from tests.support.processes import ROOT

PASSING = """
import sys, time
from services.runtime import failpoints
for number in range(1, 6):
    print(number, flush=True)
    failpoints.hit("gateway.stored")
    failpoints.hit("gateway.other")
"""


def passing(setting: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != failpoints.SETTING}
    return subprocess.run(
        [sys.executable, "-c", PASSING],
        cwd=ROOT,
        env=env | ({failpoints.SETTING: setting} if setting is not None else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_happens_where_nothing_is_set() -> None:
    assert failpoints._points == {}
    failpoints.hit("gateway.stored")
    done = passing(None)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2", "3", "4", "5"])


def test_a_process_kills_itself_at_the_passing_that_is_named() -> None:
    done = passing("gateway.stored=kill@3")
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"])


def test_without_a_number_it_is_the_first_passing() -> None:
    done = passing("gateway.elsewhere=kill, gateway.stored=kill")
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["1"])


def test_a_frozen_point_stands_still_at_every_passing_or_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(failpoints, "_points", failpoints.read("a.every=freeze:0.3,a.second=freeze:2@2"))
    for _ in range(3):
        failpoints.hit("a.every")
        failpoints.hit("a.second")
        failpoints.hit("a.third")
    assert slept == [0.3, 0.3, 2.0, 0.3]


@pytest.mark.parametrize(
    "text", ["gateway.stored", "a=explode", "a=kill@0", "a=freeze", "a=freeze:x", "A=kill"]
)
def test_what_cannot_be_read_is_said_at_the_start(text: str) -> None:
    with pytest.raises(failpoints.NotAFailpoint, match="neither name=kill@N nor"):
        failpoints.read(text)
    assert "NotAFailpoint" in passing(text).stderr
