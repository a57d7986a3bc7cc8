"""PostgreSQL's own programs, `pg_dump` and `pg_restore`: which to take, and a run of one.

The password travels in the environment, which only the same user can look at, never on a command line.
"""

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from services.storage.backup.errors import BackupError
from services.storage.embedded.binaries import wheel_directories

Name = Literal["pg_dump", "pg_restore"]
_PIECE = 1 << 18
_LINES_KEPT = 20
# pg_dump waits for its locks under a statement timeout, and has no other.
_HELD = "; somebody holds a table for themselves, perhaps a migration: try again later"


@dataclass(frozen=True, slots=True)
class Program:
    """One of PostgreSQL's programs."""

    path: Path
    major: int


def find(name: Name, *, at_least: int, search: Iterable[Path] | None = None) -> Program:
    """Return the oldest program that can do the work: an old one writes what old servers can read.

    Looks where Debian puts them, on PATH, and beside the embedded PostgreSQL. Raises `BackupError`.
    """
    places = _places(name) if search is None else search
    found = [Program(place / name, major) for place in places if (major := _major(place / name)) is not None]
    fit = sorted((program for program in found if program.major >= at_least), key=lambda one: one.major)
    if fit:
        return fit[0]
    seen = ", ".join(sorted({str(program.major) for program in found})) or "none"
    raise BackupError(
        f"{name} of PostgreSQL {at_least} or newer is needed and was not found (found: {seen}): "
        f"install it, on Debian with `apt install postgresql-client-{at_least}`"
    )


async def run(
    program: Program,
    arguments: Sequence[str],
    *,
    url: str | None = None,
    feed: Iterable[bytes] | None = None,
    take: Callable[[bytes], None] | None = None,
) -> None:
    """Run a program to its end, giving it `feed` and taking what it says; raises `BackupError` with its complaint.

    What `feed` or `take` raises ends the program and is raised.
    """
    where, environment = _address(url)
    process = await asyncio.create_subprocess_exec(
        program.path,
        *where,
        *arguments,
        stdin=DEVNULL if feed is None else PIPE,
        stdout=DEVNULL if take is None else PIPE,
        stderr=PIPE,
        env=environment,
    )
    complaints: deque[str] = deque(maxlen=_LINES_KEPT)
    try:
        async with asyncio.TaskGroup() as streams:
            streams.create_task(_listen(process, complaints), name=f"{program.path.name} complaints")
            if feed is not None:
                streams.create_task(_feed(process, feed), name=f"{program.path.name} input")
            if take is not None:
                streams.create_task(_take(process, take), name=f"{program.path.name} output")
        status = await process.wait()
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != 0:
        raise BackupError(f"{program.path.name} failed: {_first_error(complaints, status)}")


async def _feed(process: Process, feed: Iterable[bytes]) -> None:
    pieces = iter(feed)
    try:
        while process.stdin is not None:
            piece = await asyncio.to_thread(next, pieces, None)
            if piece is None:
                break
            process.stdin.write(piece)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it has what it wanted, or has failed: its exit code says which
    if process.stdin is not None:
        process.stdin.close()


async def _take(process: Process, take: Callable[[bytes], None]) -> None:
    while process.stdout is not None and (piece := await process.stdout.read(_PIECE)):
        await asyncio.to_thread(take, piece)


async def _listen(process: Process, complaints: deque[str]) -> None:
    while process.stderr is not None and (line := await process.stderr.readline()):
        complaints.append(line.decode(errors="replace").strip())


def _first_error(complaints: Iterable[str], status: int) -> str:
    lines = [line for line in complaints if line]
    for line in lines:
        _, found, what = line.partition("error: ")
        if found:
            return what + _HELD if "statement timeout" in what else what
    return lines[-1] if lines else f"exit code {status}"


def _address(url: str | None) -> tuple[list[str], dict[str, str]]:
    """The database for a command line, and the environment with what does not belong there."""
    environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "bypunkt-backup", "PGCONNECT_TIMEOUT": "10"}
    if url is None:
        return [], environment
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    password = query.pop("password", "") or unquote(password)
    if password:
        environment["PGPASSWORD"] = password
    # libpq takes a plus for a plus.
    rest = urlencode(query, quote_via=quote)
    bare = urlunsplit((parts.scheme, f"{user}{at}{host}", parts.path, rest, ""))
    return [f"--dbname={bare}"], environment


def _places(name: Name) -> Iterator[Path]:
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    if on_path := shutil.which(name):
        yield Path(on_path).parent
    yield from wheel_directories()


def _major(program: Path) -> int | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None
