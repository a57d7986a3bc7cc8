"""Tests of the whole program begin without settings, whatever this machine's are."""

import os
from pathlib import Path

import pytest

from config import settings


@pytest.fixture(autouse=True)
def settings_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings file would be; nothing is set, and the file is not there yet."""
    for name in [name for name in os.environ if name.startswith("BYPUNKT_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "bypunkt.toml"
    monkeypatch.setattr(settings, "DEFAULT_FILE", path)
    return path
