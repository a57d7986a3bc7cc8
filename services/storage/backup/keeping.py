"""Backups in a directory: their names, and which of them are old enough to go."""

import re
import time
from datetime import datetime
from pathlib import Path

from services.storage.backup.archive import PART

_NAME = re.compile(r"bypunkt-\d{8}T\d{6}Z\.tar")
_LEFTOVER = re.compile(rf"\.bypunkt-\d{{8}}T\d{{6}}Z\.tar\.[0-9a-f]{{8}}{re.escape(PART)}")
_LEFTOVER_AFTER_S = 24 * 3600


def name_at(moment: datetime) -> str:
    """The name of a backup made at an instant; names sort by time."""
    return f"bypunkt-{moment:%Y%m%dT%H%M%SZ}.tar"


def remove_old(directory: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest backups, and what killed runs left a day ago or longer; returns the backups.

    Only files with names of ours are touched.
    """
    backups = sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))
    old = backups[:-keep] if keep else []
    for path in old:
        path.unlink(missing_ok=True)
    for path in directory.iterdir():
        if _LEFTOVER.fullmatch(path.name) and time.time() - path.stat().st_mtime > _LEFTOVER_AFTER_S:
            path.unlink(missing_ok=True)
    return old
