"""Makes `.venv` ready and fetches the programs needed beside it: `python3 -I config/bootstrap.py demo|dev`.

Standard library only, because nothing is installed yet, and readable by an older Python, which it leaves for
a newer one. It names no address: pip, uv and apt-get go where this machine tells them to go. Set
BOOTSTRAP_APT=no to keep apt-get out of it. The reasons are in docs/decisions/0002-locks-and-bootstrap.md.
"""

from __future__ import annotations

import ctypes.util
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST_PYTHON = (3, 11)
VERSION = sys.version.split()[0]
# Resolved, because `python3` may be the one inside the very .venv that is about to be replaced.
PYTHON = os.path.realpath(sys.executable)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STATE = VENV / "bootstrap.json"
QUIET_TOOLS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


class Stopped(Exception):
    """It cannot go on; the message says what a person can do."""


@dataclass(frozen=True)
class Profile:
    """What one way of using the repository needs."""

    name: str
    lock: str
    programs: dict[str, str]  # command → Debian package
    required: bool  # whether it is no use without the programs


# What WeasyPrint sets the text of reports with: library → Debian package.
LIBRARIES = {"pangoft2-1.0": "libpangoft2-1.0-0", "harfbuzz-subset": "libharfbuzz-subset0"}


PROFILES = {
    "demo": Profile("demo", "requirements.lock", {"mosquitto": "mosquitto"}, required=False),
    "dev": Profile(
        "dev",
        "requirements-dev.lock",
        {
            "mosquitto": "mosquitto",
            "mosquitto_pub": "mosquitto-clients",
            "chromium": "chromium",
            "caddy": "caddy",
            "systemd-analyze": "systemd",
        },
        required=True,
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Make one profile ready; 0 = ready, 1 = a sentence on stderr says why not, 2 = usage."""
    if len(arguments) != 1 or arguments[0] not in PROFILES:
        print("usage: python3 -I config/bootstrap.py demo|dev", file=sys.stderr)
        return 2
    try:
        leave_old_python()
        with one_at_a_time():
            make_ready(PROFILES[arguments[0]])
    except Stopped as reason:
        print(f"bypunkt: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bypunkt: interrupted; the next run starts over.", file=sys.stderr)
        return 130
    return 0


def make_ready(profile: Profile) -> None:
    """Do what is missing, and nothing when nothing is."""
    state = read_state()
    ready = state.get(profile.name) == wanted(profile) and sound(state)
    if not ready:
        began = time.monotonic()
        prepare_venv(state)
        install(profile)
        # What serves development serves the demo too: its lock contains the other.
        served = [each for each in PROFILES.values() if profile.name in ("dev", each.name)]
        write_state({"place": str(ROOT), **{each.name: wanted(each) for each in served}})
        say(f"Installed from {profile.lock} in {time.monotonic() - began:.1f} s.")
    fetch_programs(profile, may_install=profile.required or not ready)


def wanted(profile: Profile) -> str:
    """A fingerprint of everything that an installation depends on."""
    files = (ROOT / profile.lock, ROOT / "pyproject.toml", Path(__file__).resolve())
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


# --------------------------------------------------------------------------------------------- Python


def leave_old_python() -> None:
    """Run again under a newer Python if this one is too old."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(OLDEST_PYTHON[1], 30):
        newer = shutil.which(f"python3.{minor}")
        if newer and succeeds([newer, "-c", ""]):
            os.execv(newer, [newer, "-I", __file__, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
    raise Stopped(
        f"Python 3.{OLDEST_PYTHON[1]} or newer is needed and none is on PATH; this one is {VERSION}. "
        "Debian 12 and newer have it: apt-get install python3"
    )


def prepare_venv(state: dict[str, str]) -> None:
    """Leave a `.venv` with pip in it, marked as unfinished until all is installed."""
    if VENV.exists() and not sound(state):
        say("Removing a .venv that is unfinished, or made for another folder or an older Python.")
        shutil.rmtree(VENV / "bin", ignore_errors=True)  # first: without it the rest counts as unfinished
        shutil.rmtree(VENV)
    VENV.mkdir(exist_ok=True)
    write_state({"place": "unfinished"})
    if VENV_PYTHON.exists():
        return
    say(f"Creating .venv with Python {VERSION}.")
    if not succeeds([PYTHON, "-c", "import ensurepip, venv; ensurepip.version()"]):
        package = f"python3.{sys.version_info.minor}-venv"
        if not apt_install([package]):
            raise Stopped(f"Python cannot create a .venv here; please run: sudo apt-get install {package}")
    run([PYTHON, "-m", "venv", VENV], failed="Creating .venv")


def sound(state: dict[str, str]) -> bool:
    """Whether the `.venv` can be used: a finished one keeps its Python as long as that is on the machine."""
    if state:
        return state.get("place") == str(ROOT) and VENV_PYTHON.exists()
    # Made by hand: good enough if it has pip and a Python of a suitable age.
    return succeeds([VENV_PYTHON, "-c", f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"])


# ------------------------------------------------------------------------------------------- packages


def install(profile: Profile) -> None:
    """Bring `.venv` to the lock, with hashes, and put the project itself in without touching the network."""
    lock = ROOT / profile.lock
    say(f"Installing {profile.lock}.")
    installer = VENV / "installer.lock"
    installer.write_text(pinned("uv", lock.read_text(encoding="utf-8")), encoding="utf-8")
    has_uv = succeeds(pip("install", "--require-hashes", "-r", installer))
    # Developers get exactly the lock; the demo only adds, so that it does not take a developer's tools away.
    packages: list[str | Path] = ["sync", lock] if profile.required else ["install", "-r", lock]
    if not (has_uv and succeeds([*uv(*packages), "--require-hashes"])):
        say("uv cannot install here; pip does it, which takes longer.")
        run(
            [*pip("install", "-r", lock), "--require-hashes"],
            failed=f"Installing {profile.lock} (it needs a network)",
        )
    itself: list[str | Path] = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    if not (has_uv and succeeds([*uv("install"), "--offline", *itself])):
        run([*pip("install"), "--no-index", *itself], failed="Installing bypunkt itself")


def pip(*arguments: str | Path) -> list[str | Path]:
    """A pip command in `.venv`."""
    return [VENV_PYTHON, "-m", "pip", *arguments]


def uv(*arguments: str | Path) -> list[str | Path]:
    """A `uv pip` command on `.venv`."""
    return [VENV / "bin" / "uv", "pip", *arguments, "--python", VENV_PYTHON]


def pinned(name: str, lock: str) -> str:
    """The entry of one package in a lock file, with its hashes."""
    lines = iter(lock.splitlines())
    for line in lines:
        if line.startswith(f"{name}=="):
            entry = [line]
            while entry[-1].endswith("\\"):
                entry.append(next(lines))
            return "\n".join(entry) + "\n"
    raise Stopped(f"The lock file does not name {name}; please run: make lock")


# ---------------------------------------------------------------------------- programs beside Python


def fetch_programs(profile: Profile, *, may_install: bool) -> None:
    """Install the missing programs where that is allowed; otherwise say so, and stop if they are required."""
    missing = missing_programs(profile)
    if missing and may_install and apt_install(sorted(missing.values())):
        before, missing = missing, missing_programs(profile)
        if "mosquitto" in before.keys() - missing.keys():
            say("Debian may have started Mosquitto as a service; bypunkt runs its own beside that one.")
    if not missing:
        return
    please = f"sudo apt-get install {' '.join(sorted(missing.values()))}"
    if profile.required:
        raise Stopped(
            f"{', '.join(missing)} missing, and not to be installed from here; please run: {please}"
        )
    if "mosquitto" in missing:
        say(f"No Mosquitto here, so the demo uses a small broker of its own. For the real one: {please}")
    else:
        say(f"No Pango here, so there are no reports as PDF. To have them: {please}")


def missing_programs(profile: Profile) -> dict[str, str]:
    """Commands and libraries that are not on this machine, with their Debian packages."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"  # where Mosquitto is, but not in every PATH
    programs = {
        command: package
        for command, package in profile.programs.items()
        if shutil.which(command, path=path) is None
    }
    return programs | {
        library: package
        for library, package in LIBRARIES.items()
        if ctypes.util.find_library(library) is None
    }


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages quietly; False when apt-get is not here, not allowed, or fails."""
    if os.environ.get("BOOTSTRAP_APT") == "no" or shutil.which("apt-get") is None:
        return False
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if rights and not succeeds([*rights, "true"]):
        return False
    say(f"Installing {' '.join(packages)} with apt-get.")
    apt = [
        *rights,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]
    command = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    # The lists may be missing or too old for the mirror: then fetch them and try once more.
    return succeeds(command) or (succeeds([*apt, "update"]) and succeeds(command))


# ---------------------------------------------------------------------------------------------- small


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold this checkout's lock, so that two `make` at once never build one `.venv`; it ends with us."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is preparing .venv; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_state() -> dict[str, str]:
    """What the last finished run left behind; nothing if there is none."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:
        return {"place": "unreadable"}
    return state if isinstance(state, dict) else {"place": "unreadable"}


def write_state(state: dict[str, str]) -> None:
    """Replace the state in one step."""
    draft = STATE.with_suffix(".draft")
    draft.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    draft.replace(STATE)


def run(command: Sequence[str | Path], *, failed: str) -> None:
    """Run quietly; on failure show the end of what it said."""
    environment = {**os.environ, **QUIET_TOOLS}
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        ending = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Stopped(f"{failed} failed:\n  {ending}")


def succeeds(command: Sequence[str | Path]) -> bool:
    """Run quietly; whether it was found and ended well."""
    try:
        run(command, failed=str(command[0]))
    except (OSError, Stopped):
        return False
    return True


def say(sentence: str) -> None:
    """Tell the person who waits."""
    print(f"bypunkt: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
