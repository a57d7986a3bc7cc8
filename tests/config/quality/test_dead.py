from pathlib import Path

import pytest

from config.quality import dead

SOURCE = """
LIMIT = 3

class Reading:
    clients: int
    def never_called(self): ...

def forgotten(): ...

def used(client):
    client.on_message = print

used(Reading)
"""


def test_functions_and_constants_are_reported_and_fields_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.vulture]\npaths = ["code.py"]\nmin_confidence = 60\n')
    (tmp_path / "code.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    assert dead.main() == 1
    said = capsys.readouterr().out
    assert [name for name in ("LIMIT", "never_called", "forgotten") if name in said] == [
        "LIMIT",
        "never_called",
        "forgotten",
    ]
    assert [name for name in ("clients", "on_message", "Reading") if f"'{name}'" in said] == []


def test_nothing_dead_is_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.vulture]\npaths = ["code.py"]\n')
    (tmp_path / "code.py").write_text("print(1)\n")
    monkeypatch.chdir(tmp_path)
    assert dead.main() == 0
