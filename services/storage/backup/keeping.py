"""Backups in a directory: their names, and which of them are old enough to go."""

import re
import time
from datetime import datetime
from pathlib import Path

from services.storage.backup.archive import PART
from services.storage.backup.errors import BackupError

_NAME = re.compile(r"bypunkt-\d{8}T\d{6}Z\.tar")
_LEFTOVER = re.compile(rf"\.bypunkt-\d{{8}}T\d{{6}}Z\.tar\.[0-9a-f]{{8}}{re.escape(PART)}")
_LEFTOVER_AFTER_S = 24 * 3600


def name_at(moment: datetime) -> str:
    """The name of a backup made at an instant; names sort by time."""
    return f"bypunkt-{moment:%Y%m%dT%H%M%SZ}.tar"


def remove_old(newest: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest backups beside this one, and what killed runs left a day ago or longer.

    Only files with names of ours are touched. `newest` is the newest whatever the others are called: the clock may
    have been ahead once. Returns the backups that are gone; raises `BackupError` when one cannot be removed.
    """
    beside = list(newest.parent.iterdir())
    backups = sorted(path for path in beside if _NAME.fullmatch(path.name) and path != newest)
    old = [*backups, newest][:-keep]
    try:
        for path in (*old, *filter(_is_left_over, beside)):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BackupError(
            f"{newest} is made and kept, but {error.filename} cannot be removed: {error.strerror}"
        ) from None
    return old


def _is_left_over(path: Path) -> bool:
    try:
        return bool(_LEFTOVER.fullmatch(path.name)) and time.time() - path.stat().st_mtime > _LEFTOVER_AFTER_S
    except FileNotFoundError:
        return False  # another run has ended meanwhile
