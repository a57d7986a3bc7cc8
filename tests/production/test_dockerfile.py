"""The Dockerfile: linted, and run as far as it goes without an engine: what is copied, built and installed works."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.shape import repository
from tests.support.processes import ROOT

DOCKERFILE = ROOT / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What the program reads beside its own modules, by ending.
DATA = {".sql", ".html", ".css", ".js", ".svg", ".json", ".geojson", ".po"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what goes into the image and nothing else."""
    context = tmp_path_factory.mktemp("context")
    for path in sent():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_bytes((ROOT / path).read_bytes())
    wheels = tmp_path_factory.mktemp("wheels")
    run(["pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, "."], directory=context)
    (built,) = wheels.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel installed away from the checkout."""
    target = tmp_path_factory.mktemp("installed")
    run(["pip", "install", "--no-deps", "--no-index", "--target", target, wheel], directory=target)
    return target


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_copied_is_sent_to_the_build_and_nothing_else_is() -> None:
    wanted = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert {path.parts[0] for path in sent()} == wanted
    hidden = {".git", ".venv", ".env", "secrets", "backups", "tests", "docs", "docker-compose.yml"}
    assert [name for name in hidden if is_sent(Path(name, "anything")) or is_sent(Path(name))] == []
    assert not is_sent(Path("config/__pycache__/app.cpython-313.pyc"))


def test_image_says_the_version_of_the_program_and_its_licence() -> None:
    assert f'version="{PROJECT["version"]}"' in TEXT
    assert f'licenses="{PROJECT["license"]}"' in TEXT


def test_final_stage_runs_as_nobody_in_particular_and_without_compilers() -> None:
    *_, final = TEXT.split("\nFROM ")
    assert final.startswith("python:3.13-slim-trixie\n")
    assert "\nUSER 10001:10001\n" in final
    assert "pip" not in final
    (packages,) = re.findall(r"install --yes --no-install-recommends \\\n +(.+) \\", final)
    pango = ["fonts-liberation", "libharfbuzz-subset0", "libpangoft2-1.0-0"]
    assert packages.split() == [*pango, "postgresql-client-17"]
    assert [line for line in TEXT.splitlines() if line.startswith(("ADD", "ARG"))] == []


def test_every_package_is_a_wheel_with_a_hash_from_the_lock() -> None:
    assert "--require-hashes --only-binary=:all:" in TEXT
    first, second = re.split(r"^ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels$", TEXT, flags=re.MULTILINE)
    assert "COPY requirements.lock" in first
    assert second.count("pip wheel --no-deps") == 1


def test_wheel_holds_every_file_that_the_program_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    rooms = [path for path in repository.files() if path.parts[0] in repository.ROOMS]
    wanted = [
        path for path in rooms if path.suffix in DATA | {".py"} or path.is_relative_to("config/production")
    ]
    missing = [str(path) for path in wanted if str(path) not in names]
    assert missing == []
    assert [name for name in names if name.startswith(("tests", "docs", "benchmarks"))] == []


def test_program_that_was_installed_from_the_wheel_starts_sets_up_and_checks(
    installed: Path, tmp_path: Path
) -> None:
    assert (installed / "bin/bypunkt").is_file()
    code, said, _ = bypunkt(installed, "--help")
    assert code == 0
    assert "setup" in said
    secrets = tmp_path / "secrets"
    made = ("--host", "punkt.test", "--directory", str(secrets), "--store", str(tmp_path / "store"))
    code, said, wrong = bypunkt(installed, "setup", "--place", "containers", *made)
    assert (code, wrong) == (0, "")
    assert (secrets / "run/database_url").is_file()
    code, said, wrong = bypunkt(installed, "check")
    assert code == 1
    assert "BYPUNKT_DATABASE__URL is not set" in said
    assert re.fullmatch(r"bypunkt: \d+ of \d+ checks failed\n", wrong)


def test_health_is_asked_of_a_page_that_exists(installed: Path) -> None:
    (words,) = re.findall(r"^    CMD \[(.+)\]$", TEXT, re.MULTILINE)
    program, flag, code = re.findall(r'"([^"]+)"', words)
    assert (program, flag) == ("python", "-c")
    assert "http://127.0.0.1:8080/healthz" in code
    compile(code, "HEALTHCHECK", "exec")
    health = (installed / "dashboard/pages/health.py").read_text(encoding="utf-8")
    assert '"/healthz"' in health


def bypunkt(installed: Path, *arguments: str) -> tuple[int, str, str]:
    """Call the program as the image does: its own files from the wheel, the libraries from here."""
    libraries = sysconfig.get_path("purelib")
    # `-S` and a path of our own: the editable installation of this checkout must not be found.
    code = (
        f"import sys; sys.path[:0] = [{str(installed)!r}]; sys.path.append({libraries!r})\n"
        f"import config; assert {str(installed)!r} in config.__file__\n"
        "from config.cli import main; main()"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")}
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code, *arguments],
        cwd=installed,
        env=environment | {"COLUMNS": "250"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def run(arguments: list[str | Path], *, directory: Path) -> None:
    """Run one of Python's tools quietly."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def sent() -> list[Path]:
    """The files of this repository that go into the build."""
    return [path for path in repository.files() if is_sent(path)]


def is_sent(path: Path) -> bool:
    """Whether .dockerignore lets a file into the build: the last line that fits it, or a folder of it, decides."""
    decided = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        if any(_fits(place, pattern) for place in {str(path), *map(str, path.parents)} - {"."}):
            decided = line.startswith("!")
    return decided


def _fits(place: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern.removeprefix("**/")) for part in Path(place).parts)
    return "/" not in place and fnmatch(place, pattern)
