"""Rules of the house that import-linter cannot see."""

import ast

from tests.shape import repository

PURE = ("gateway/codecs/", "services/events/")


def test_connections_are_taken_only_in_storage() -> None:
    """A raw acquire has neither role, tenant nor lane, so no row-level security. Locks use `async with`."""
    found = [
        f"{path}:{node.lineno}"
        for path in repository.python(*repository.ROOMS)
        if not path.is_relative_to("services/storage")
        for node in ast.walk(repository.tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "acquire"
    ]
    assert found == []


def test_pure_code_does_not_wait() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in repository.python(*repository.ROOMS)
        if str(path).startswith(PURE)
        for node in ast.walk(repository.tree(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    assert found == []


def test_nothing_is_left_to_do_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    found = [
        f"{path}: {mark}"
        for path in repository.files()
        if path.suffix in {".py", ".sql", ".js", ".css", ".html"}
        for mark in marks
        if mark in repository.text(path)
    ]
    assert found == []


def test_every_folder_of_code_is_a_package() -> None:
    """A folder without `__init__.py` is left out of the import contract."""
    folders = {path.parent for path in repository.python(*repository.ROOMS)}
    assert [
        str(folder) for folder in sorted(folders) if not (repository.ROOT / folder / "__init__.py").exists()
    ] == []
