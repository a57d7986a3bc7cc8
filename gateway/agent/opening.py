"""Open a spool whatever state its file is in: one that is damaged is set aside, never a reason not to start."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.agent.failures import AgentRefused
from gateway.agent.spool import SQL, VERSION, Bounds, Spool

log = structlog.get_logger()

# Damaged files are kept for whoever wants to look, but not for ever: the oldest goes.
SET_ASIDE_KEPT = 3
_BESIDE = ("", "-wal", "-shm", "-journal")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Damaged(Exception):
    """The file is no spool any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the spool is and what it is opened with; `power_ms` is the time since power-up."""

    path: Path
    bounds: Bounds
    machine: str


def open_spool(place: Place, *, power_ms: int) -> tuple[Spool, Path | None]:
    """Return the spool, and where a damaged one was put; raises sqlite3.OperationalError when the disk will not."""
    try:
        return _open(place, power_ms=power_ms), None
    except Damaged as error:
        aside = set_aside(place.path)
        log.warning("spool_set_aside", path=str(aside), reason=str(error))
    return _open(place, power_ms=power_ms), aside


def set_aside(path: Path) -> Path:
    """Give a damaged spool another name, and return it."""
    taken = sorted(
        (found for found in path.parent.glob(f"{path.name}.damaged-*") if found.suffix[9:].isdigit()),
        key=lambda found: int(found.suffix[9:]),
    )
    number = int(taken[-1].suffix[9:]) + 1 if taken else 1
    for old in taken[: max(0, len(taken) + 1 - SET_ASIDE_KEPT)]:
        for suffix in _BESIDE:
            Path(f"{old}{suffix}").unlink(missing_ok=True)
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for suffix in _BESIDE:
        if (part := Path(f"{path}{suffix}")).exists():
            part.rename(f"{aside}{suffix}")
    _sync_directory(path.parent)
    return aside


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is broken, rather than the disk full or busy."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _open(place: Place, *, power_ms: int) -> Spool:
    place.path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(place.path, isolation_level=None, timeout=1, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        # One process alone: no file of shared memory, and a second agent is refused.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # An event is a small row in three pages: small pages spare the card.
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        _furnish(connection, place.path)
        _check(connection)
        return Spool(connection, place.bounds, machine=place.machine, power_ms=power_ms)
    except sqlite3.Error as error:
        connection.close()
        if is_damage(error):
            raise Damaged(str(error)) from None
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise AgentRefused(f"{place.path}: is in use; does another agent run?") from None
        raise
    except BaseException:
        connection.close()
        raise


def _furnish(connection: sqlite3.Connection, path: Path) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise AgentRefused(f"{path}: was written by a newer agent; install that one")
    if version == 0:
        connection.executescript(f"BEGIN; {SQL.schema} PRAGMA user_version = {VERSION}; COMMIT")
        _sync_directory(path.parent)


def _check(connection: sqlite3.Connection) -> None:
    said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise Damaged(said)


def _sync_directory(directory: Path) -> None:
    """Make new names last: SQLite does it for its journals, not for the file itself."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
