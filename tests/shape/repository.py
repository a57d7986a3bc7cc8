"""What the tests of shape look at: this repository's files, imports and documentation."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("config", "gateway", "services", "dashboard")
# Made on the spot, never committed; the rest of .gitignore matches by name too.
NOT_OURS = {".git", ".venv", ".bypunkt", "__pycache__", "build", ".hypothesis"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root; works without git too."""
    return tuple(sorted(path.relative_to(ROOT) for path in _walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_OURS or path.name.endswith(("_cache", ".egg-info", ".pyc")):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def text(path: Path) -> str:
    """A file of the repository as text."""
    return (ROOT / path).read_text(encoding="utf-8")


def tree(path: Path) -> ast.Module:
    """A Python file of the repository, parsed."""
    return ast.parse(text(path), filename=str(path))


def python(*rooms: str) -> list[Path]:
    """The Python files below these top-level folders."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in rooms]


def module(path: Path) -> str:
    """The dotted name that a Python file is imported by."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Every dotted name that a Python file imports, `from a import b` as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@cache
def docs() -> str:
    """All that the documentation says, as one text."""
    pages = [path for path in files() if path.suffix == ".md" and path.parts[0] in ("docs", "README.md")]
    return "\n".join(text(page) for page in pages)
