"""Every module has a test: one that mirrors its path, or one that imports it by name."""

import ast
from pathlib import Path

from tests.shape import repository


def test_every_module_has_its_test() -> None:
    tests = [path for path in repository.python("tests") if path.name.startswith("test_")]
    imported = {name for test in tests for name in repository.imported(test)}
    untested = [
        str(path)
        for path in repository.python(*repository.ROOMS)
        if does_something(path) and repository.module(path) not in imported and mirror(path) not in tests
    ]
    assert untested == []


def mirror(path: Path) -> Path:
    """Where a module's own test stands: `services/log/x.py` has `tests/services/log/test_x.py`."""
    return Path("tests", *path.parts[:-1], f"test_{path.name}")


def does_something(path: Path) -> bool:
    """Whether a module defines behaviour; lists, constants and plain re-exports are tested by their users."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in repository.tree(path).body)
