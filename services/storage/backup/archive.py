"""The file: a tar of `database.dump` (PostgreSQL's custom format) and `manifest.json`, in this order.

It is written once, as the dump comes: the size that the tar wants to have said first is filled in afterwards. Until
it is whole and verified it has a name that no backup has. Whoever has lost this program reads it with `tar` and
`pg_restore`.
"""

import hashlib
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from services.storage.backup.errors import BackupError
from services.storage.backup.manifest import Manifest

DUMP, MANIFEST = "database.dump", "manifest.json"
PART = ".part"
_PIECE = 1 << 20
_LONGEST_MANIFEST = 1 << 24


class Draft:
    """A backup that is being written."""

    def __init__(self, target: Path, file: BinaryIO, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._target = target
        self._file = file
        self._sha256 = hashlib.sha256()
        self._write(_header(DUMP, 0))

    def take(self, piece: bytes) -> None:
        """Write a piece of the dump."""
        self._sha256.update(piece)
        self.bytes += len(piece)
        self._write(piece)

    @property
    def sha256(self) -> str:
        """The checksum of the dump so far."""
        return self._sha256.hexdigest()

    def seal(self, manifest: Manifest) -> None:
        """Write what comes after the dump, and see it on the disk."""
        text = manifest.model_dump_json(indent=1).encode()
        self._write(_padding(self.bytes))
        self._write(_header(MANIFEST, len(text)) + text + _padding(len(text)))
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        with self._writing():
            self._file.seek(0)
        self._write(_header(DUMP, self.bytes))
        with self._writing():
            os.fsync(self._file.fileno())
            # What is verified next is to come from the disk, not from memory.
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self) -> None:
        """Give it its name."""
        with self._writing():
            self.path.rename(self._target)
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _write(self, content: bytes) -> None:
        """Write all of it: a disk that becomes full takes a part, and complains only of what comes then."""
        left = memoryview(content)
        with self._writing():
            while left:
                left = left[self._file.write(left) :]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupError(
                f"cannot write {self._target}: {error.strerror}; nothing was kept of this backup"
            ) from None


@contextmanager
def drafted(target: Path) -> Iterator[Draft]:
    """Begin a backup; what is not published by the end is removed. Raises `BackupError`."""
    try:
        if target.exists():
            raise BackupError(f"{target} exists already: choose another name")
        path = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PART}")
        # For its owner alone: it holds everything, the hashes of passwords included.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupError(f"cannot write in {target.parent}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w+b", buffering=0) as file:
            yield Draft(target, file, path)
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup that is there."""

    path: Path
    manifest: Manifest
    starts_at: int

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """Read what a backup says of itself; raises `BackupError`."""
        try:
            with _reading(path), tarfile.open(path, "r:") as tar:
                first = tar.next()
                if first is None or first.name != DUMP or not first.isreg():
                    raise BackupError(f"{path} is not a backup made by bypunkt")
                manifest = _manifest(path, tar)
        except tarfile.ReadError:
            raise BackupError(f"{path} is not a backup made by bypunkt") from None
        if first.size != manifest.dump_bytes:
            raise BackupError(f"{path} is damaged: its parts do not belong together; take another backup")
        return cls(path, manifest, first.offset_data)

    def pieces(self, on_progress: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
        """Yield the dump, telling how many bytes each piece has; raises `BackupError` when it is damaged."""
        left, sha256 = self.manifest.dump_bytes, hashlib.sha256()
        with _reading(self.path):
            file = self.path.open("rb")
        with file:
            file.seek(self.starts_at)
            while left:
                with _reading(self.path):
                    piece = file.read(min(_PIECE, left))
                if not piece:
                    break
                left -= len(piece)
                sha256.update(piece)
                yield piece
                on_progress(len(piece))
        if left or sha256.hexdigest() != self.manifest.dump_sha256:
            raise BackupError(
                f"{self.path} is damaged: its checksum is not the one it was made with; take another backup"
            )

    def check(self) -> None:
        """Read it all and compare the checksum; raises `BackupError`."""
        for _ in self.pieces():
            pass


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"cannot read {path}: {error.strerror}") from None


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    incomplete = f"{path} is incomplete: the end is missing; take another backup"
    try:
        entry = tar.next()
        file = tar.extractfile(entry) if entry and entry.name == MANIFEST else None
        text = file.read(_LONGEST_MANIFEST) if file else b""
    except (tarfile.ReadError, OSError):
        raise BackupError(incomplete) from None
    if entry is None or len(text) != entry.size:
        raise BackupError(incomplete)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        raise BackupError(
            f"{path}: its manifest cannot be read: it is damaged, or was made by a later bypunkt"
        ) from None


def _header(name: str, size: int) -> bytes:
    """One block in GNU form, which has room for any size in it."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
