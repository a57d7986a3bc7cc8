"""Files: how long they may be, where they may stand, and what they must not name."""

import re
from pathlib import Path

import pytest

from tests.shape import repository

SOURCES = {".py", ".sql", ".js", ".css", ".html", ".toml"}
LONGEST = 400
TOP = {
    *("gateway", "services", "dashboard", "config", "tests", "docs", "benchmarks", ".ci"),
    *("pyproject.toml", "docker-compose.yml", "Dockerfile", "Makefile", ".gitignore", ".dockerignore"),
    *(
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "requirements.lock",
        "requirements-dev.lock",
    ),
}
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Paths of somebody's machine and hosts of package registries, in pieces so that this file passes too.
NOT_TO_BE_NAMED = re.compile(
    r"(?<![\w./-])/(?:root|work|home)/"
    r"|/tmp/[b]rief"
    r"|(?:[p]ypi|[p]ythonhosted|[n]pmjs)\.(?:org|com)"
    r"|--(?:extra-)?[i]ndex-url|--[f]ind-links"
)


def test_sources_are_short_enough_to_hold_in_the_head() -> None:
    sources = [path for path in repository.files() if path.suffix in SOURCES]
    lengths = {str(path): len(repository.text(path).splitlines()) for path in sources}
    assert {path: lines for path, lines in lengths.items() if lines >= LONGEST} == {}


def test_top_level_holds_the_rooms_and_nothing_else() -> None:
    assert {path.parts[0] for path in repository.files()} <= TOP


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in repository.files()
        if path.name != "LICENSE" and is_text(path)
        for number, line in enumerate(repository.text(path).splitlines(), start=1)
        if NOT_TO_BE_NAMED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hashes_and_no_address(name: str) -> None:
    lock = repository.text(Path(name))
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", lock.split("\n\n", 1)[-1])
    packages = [entry for entry in entries if "==" in entry.splitlines()[0]]
    assert packages
    assert [entry.splitlines()[0] for entry in packages if "--hash=sha256:" not in entry] == []


def test_developers_get_what_the_demo_gets_and_more() -> None:
    demo, dev = (set(re.findall(r"^\S+==\S+", repository.text(Path(name)), re.MULTILINE)) for name in LOCKS)
    assert demo < dev


def is_text(path: Path) -> bool:
    return b"\0" not in (repository.ROOT / path).read_bytes()[:4096]
