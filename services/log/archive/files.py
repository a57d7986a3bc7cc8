"""Archive files on disk: written aside, read back, and only then given their name."""

import json
import lzma
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from services.log.archive.form import (
    ArchiveRefused,
    Event,
    Heading,
    block_lines,
    heading_line,
    last_line,
    read,
)

SUFFIX = ".jsonl.xz"
MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
# A tenth larger than preset 6 writes it, in a sixth of the processor's time; every xz reads it.
_FILTERS = ({"id": lzma.FILTER_LZMA2, "preset": 6, "mf": lzma.MF_HC4, "nice_len": 32, "depth": 8},)
_LONGEST_LINE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Held:
    """One file of a set."""

    name: str
    municipality: str
    events: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArchiveSet:
    """The files of one partition of the log, in a directory of their own."""

    path: Path
    files: Sequence[Held]

    @property
    def events(self) -> int:
        """The events in all files."""
        return sum(held.events for held in self.files)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(held.bytes for held in self.files)

    @property
    def counts(self) -> dict[str, int]:
        """The events by municipality."""
        return {held.municipality: held.events for held in self.files}


class Writer:
    """One file that is being written; blocks, each call is slow."""

    def __init__(self, directory: Path, heading: Heading) -> None:
        self._path = directory / f"{heading.municipality}{SUFFIX}"
        self._municipality = heading.municipality
        self._file = lzma.LZMAFile(self._path, "wb", filters=_FILTERS, check=lzma.CHECK_SHA256)  # noqa: SIM115 - __exit__
        self._digest = sha256()
        self._events = 0
        self._put([heading_line(heading)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, events: Sequence[Event]) -> None:
        """Add events in order of their devices."""
        self._put(block_lines(events))
        self._events += len(events)

    def finish(self) -> Held:
        """End the file, bring it to the disk, read it back, and return what it holds."""
        digest = self._digest.hexdigest()
        self._file.write(f"{last_line(self._events, digest)}\n".encode())
        self._file.close()
        _sync(self._path)
        if (found := count(self._path)) != self._events:
            raise ArchiveRefused(
                f"{self._path} has {found} events when read back, and {self._events} were written"
            )
        with self._path.open("rb") as file:
            checksum = file_digest(file, "sha256").hexdigest()
        size = self._path.stat().st_size
        return Held(self._path.name, self._municipality, self._events, size, checksum)

    def _put(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        self._digest.update(text)
        self._file.write(text)


def blocks(path: Path) -> Iterator[Heading | list[Event]]:
    """Return a file's heading and blocks; raises `ArchiveRefused` at the latest after the last."""
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from read(iter(lambda: file.readline(_LONGEST_LINE), ""), name=str(path))
    except (lzma.LZMAError, EOFError, UnicodeDecodeError):
        raise ArchiveRefused(f"{path} is no archive of events, or is damaged") from None
    except OSError as error:
        raise ArchiveRefused(f"{path} cannot be read: {error.strerror or error}") from None


def count(path: Path) -> int:
    """Read a whole file and return how many events it holds; raises `ArchiveRefused` when it is not whole."""
    return sum(len(block) for block in blocks(path) if isinstance(block, list))


def draft(directory: Path, name: str) -> Path:
    """Return an empty directory to write a set into; what an interrupted run left there is gone."""
    path = directory / f".{name}.part"
    if path.exists():
        shutil.rmtree(path)
    path.mkdir()
    return path


def publish(
    draft_path: Path, path: Path, held: Sequence[Held], *, made_at: datetime, heading: Heading
) -> ArchiveSet:
    """Describe a written set and give it its name, in one step."""
    described = {
        "format": "bypunkt-events",
        "version": 1,
        "retention": heading.retention,
        "from": heading.starts_at.isoformat(),
        "to": heading.ends_at.isoformat(),
        "made_at": made_at.isoformat(),
        "events": sum(one.events for one in held),
        "files": [asdict(one) for one in held],
    }
    (draft_path / MANIFEST).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    readme = files(__package__).joinpath("README.txt").read_text(encoding="utf-8")
    (draft_path / "README.txt").write_text(readme, encoding="utf-8")
    sums = "".join(f"{one.sha256}  {one.name}\n" for one in held)
    (draft_path / CHECKSUMS).write_text(sums, encoding="ascii")
    for name in (MANIFEST, "README.txt", CHECKSUMS):
        _sync(draft_path / name)
    _sync(draft_path)
    draft_path.rename(path)
    _sync(path.parent)
    return ArchiveSet(path, held)


def open_set(path: Path) -> ArchiveSet:
    """Return a set that is there, compared with its manifest; raises `ArchiveRefused`."""
    try:
        said = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        found = ArchiveSet(path, [Held(**one) for one in said["files"]])
        for held in found.files:
            with (path / held.name).open("rb") as file:
                if file_digest(file, "sha256").hexdigest() != held.sha256:
                    raise ArchiveRefused(f"{path / held.name} is not what {MANIFEST} says: it is damaged")
    except OSError as error:
        raise ArchiveRefused(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise ArchiveRefused(f"{path / MANIFEST} is damaged") from None
    return found


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
