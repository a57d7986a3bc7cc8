"""Small files of the kernel, whose absence is no error."""

from pathlib import Path


def text(path: Path) -> str | None:
    """Return what a file says, trimmed; None when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number(path: Path) -> float | None:
    """Return the number that a file begins with; None when there is none."""
    said = text(path)
    try:
        return float(said.split()[0]) if said else None
    except ValueError:
        return None


def count(path: Path) -> int | None:
    """Return the whole number that a file holds, digit for digit; None when there is none."""
    said = text(path)
    return int(said) if said and said.isascii() and said.isdigit() else None
