import os
import subprocess
import sys
from pathlib import Path

from tests.shape.repository import ROOT

SKIPPING = """
import pytest

def test_hides():
    pytest.skip("no broker here")

@pytest.mark.skip(reason="later")
def test_marked(): ...

@pytest.mark.may_skip("only where the system has it")
def test_allowed():
    pytest.skip("not here")

@pytest.mark.xfail(reason="known", strict=True)
def test_expected():
    assert False

def test_runs(): ...
"""


def run(folder: Path) -> str:
    """What pytest says about a folder, with the plug-in and without this repository's settings."""
    options = ["-q", "-rA", "-p", "tests.shape.no_skips", "-c", os.devnull]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_skipped_test_fails_unless_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    said = run(tmp_path)
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in said
    assert "1 error" in said  # a mark skips before the test begins
    assert "no broker here" in said
    assert "later" in said


def test_skipped_file_fails(tmp_path: Path) -> None:
    (tmp_path / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_library')\n")
    assert "1 error" in run(tmp_path)
