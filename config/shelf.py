"""Secrets on disk: made once, whole or not at all, and readable by the one who needs them.

Files belong to whoever runs this (root), and to the group of their reader, who can read and not change them.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from services.runtime.accounts import Account


class SetupRefused(Exception):
    """The secrets cannot be made or kept; the message says why and what to do."""


class Reader(StrEnum):
    """Who may read a folder."""

    OPERATOR = "operator"
    EVERYBODY = "everybody"
    PROGRAM = "bypunkt"
    BROKER = "mosquitto"
    DATABASE = "postgres"


class State(StrEnum):
    """What became of a file."""

    MADE = "made"
    KEPT = "kept"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Made:
    """One file, what became of it and who may read it; never what stands in it."""

    path: Path
    state: State
    reader: Reader
    says: str = ""


_FOLDER = {Reader.OPERATOR: 0o700, Reader.EVERYBODY: 0o755}
_FILE = {Reader.OPERATOR: 0o600, Reader.EVERYBODY: 0o644}
_GROUP_FOLDER, _GROUP_FILE = 0o750, 0o640


@dataclass
class Shelf:
    """The folders of one installation; `readers` says who they are on this system, where files can be given away."""

    directory: Path
    readers: Mapping[Reader, Account]
    made: list[Made] = field(default_factory=list)

    def read(self, name: str) -> bytes | None:
        """Return what stands in a file; None when it is not there."""
        try:
            return (self.directory / name).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, name: str, make: Callable[[], bytes], *, reader: Reader, says: str = "") -> bytes:
        """Return what stands in a file; one that is missing is made, one that is there stays as it is."""
        path, content = self.directory / name, self.read(name)
        if content is not None and not content.strip():
            raise SetupRefused(f"{path} is empty: remove it to have a new one made")
        if content is None:
            content, state = make(), State.MADE
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        else:
            state = State.KEPT
        self._open_to(path, reader)
        self.made.append(Made(path, state, reader, says))
        return content

    def renew(self, name: str, content: bytes, *, reader: Reader, says: str) -> None:
        """Put something else into a file that may be there; whoever reads sees the old or the new, whole."""
        path = self.directory / name
        write_whole(path, content)
        self._open_to(path, reader)
        self.made.append(Made(path, State.RENEWED, reader, says))

    def hand_over(self, path: Path, make: Callable[[], bytes], *, reader: Reader, says: str = "") -> None:
        """Make a file that its reader owns and changes; one that is there is not looked into."""
        state = State.KEPT if path.exists() else State.MADE
        if state is State.MADE:
            owner = self.readers.get(reader)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            if owner:
                os.chown(path.parent, owner.uid, owner.gid, follow_symlinks=False)
            # Its owner's before it has its name: a run that is cut off must not leave one that nobody can read.
            write_whole(path, make(), owner=owner)
        self.made.append(Made(path, state, reader, says))

    def _open_to(self, path: Path, reader: Reader) -> None:
        folder = (path.parent, _FOLDER.get(reader, _GROUP_FOLDER))
        for entry, mode in (folder, (path, _FILE.get(reader, _GROUP_FILE))):
            if who := self.readers.get(reader):
                os.chown(entry, -1, who.gid)
            entry.chmod(mode)


@contextmanager
def opened(directory: Path, readers: Mapping[Reader, Account], *, mode: int) -> Iterator[Shelf]:
    """Open the shelf, alone: of two who set up at once, the second finds what the first has made."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Shelf(directory, readers)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SetupRefused(
            f"{error.filename or directory}: {error.strerror}; `bypunkt setup` is for root"
        ) from None


def write_whole(path: Path, content: bytes, *, owner: Account | None = None) -> None:
    """Write a file that is there whole or not at all, also after a power cut; nobody but its owner can read it yet."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner:
                os.fchown(descriptor, owner.uid, owner.gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
