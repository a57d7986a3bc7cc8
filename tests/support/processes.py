"""Looking at processes and hurting them: a server counts with all its children."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be reaped does not."""
    return _state(pid) not in (None, "Z", "X")


def family(pid: int) -> list[int]:
    """The process and all below it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _status(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def freeze(pid: int) -> None:
    """Stop the process and all below it in their tracks (SIGSTOP)."""
    _signal_all(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """Let a frozen process and all below it go on."""
    _signal_all(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """End the process and all below it at once (SIGKILL)."""
    _signal_all(pid, signal.SIGKILL)


@contextmanager
def python(code: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Another Python that runs the code, and the numbers on its first line of stderr.

    It works in the root of the checkout, and is killed at the end if it has not ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            assert line.replace(" ", "").strip().isdigit(), line + process.stderr.read()
            yield process, [int(number) for number in line.split()]
        finally:
            process.kill()


def _signal_all(pid: int, number: signal.Signals) -> None:
    for member in family(pid):
        try:
            os.kill(member, number)
        except ProcessLookupError:
            continue


def _state(pid: int) -> str | None:
    fields = _status(pid)
    return fields[0] if fields else None


def _status(pid: int) -> list[str]:
    """The fields of /proc/pid/stat after the name, which may itself hold spaces: state, parent, …"""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except (FileNotFoundError, ProcessLookupError):
        return []
