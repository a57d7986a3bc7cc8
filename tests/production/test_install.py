"""docs/install.md, played: from `bypunkt setup` to a device's event over TLS that is seen on the page over HTTPS."""

import asyncio
import json
import re
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import typer.main
from aiohttp import ClientSession
from typer.core import TyperGroup

from config.cli import app
from config.setup import Place
from tests.production.chain import Broker, Installation, database, program, tell
from tests.production.compose import compose
from tests.production.proxy import HOST, Proxy, caddy
from tests.support.processes import ROOT
from tests.support.waiting import eventually

PAGE = (ROOT / "docs/install.md").read_text(encoding="utf-8")
MACHINE, VILLAGE = "On a machine without containers", "The first village"
PASSPHRASE = "en lång mening att minnas"
WIFI_WORKS = "Du kan surfa på platsens wifi."
WITHIN_S = 60.0
# This machine need not have the user that systemd-sysusers makes.
SETUP = """
import pwd
known = pwd.getpwnam
pwd.getpwnam = lambda name: known("nobody" if name == "bypunkt" else name)
from config.cli import main
main()
"""


@pytest.mark.parametrize("place", list(Place))
async def test_page_leads_from_nothing_to_a_device_that_is_seen(place: Place, open_directory: Path) -> None:
    installation = Installation(place, open_directory)
    await _set_up(installation)
    async with database(installation), Broker(installation) as broker:
        with _port() as web_port:
            tell(installation, broker, web_port=web_port)
            assert "applied: " in await _said(installation, program("migrate"))
            async with _running(installation), caddy(open_directory, f"127.0.0.1:{web_port}") as proxy:
                await _play(installation, broker, proxy)
                async with ClientSession(f"http://127.0.0.1:{web_port}") as here:
                    await eventually(lambda: _status_is(here, "/readyz", 200), within=WITHIN_S)
    _no_secret_was_written_down(installation)


async def _play(installation: Installation, broker: Broker, proxy: Proxy) -> None:
    async with proxy.visitor() as http:
        await eventually(lambda: _status_is(http, "/healthz", 200), within=WITHIN_S)
        password = await _first_village(installation)
        assert "Digital servicepunkt Lidhult" in await _text(http, "/")
        assert WIFI_WORKS not in await _text(http, "/p/dp-lidhult")
        await _device_speaks(installation, broker, password)

        async def shown() -> bool:
            return WIFI_WORKS in await _text(http, "/p/dp-lidhult")

        await eventually(shown, within=WITHIN_S)
        form = {"login": "anna@example.se", "password": PASSPHRASE}
        async with http.post("/staff/sign-in", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
            assert "Secure" in answer.headers["Set-Cookie"]


async def _set_up(installation: Installation) -> None:
    """The first run, with the arguments of the container, or of the page."""
    if installation.place is Place.CONTAINERS:
        words = compose({"BYPUNKT_HOST": HOST}).services["setup"].command
        moved = {"--directory=/secrets": installation.secrets, "--store=/broker": installation.home / "store"}
        words = [f"{word.partition('=')[0]}={moved[word]}" if word in moved else word for word in words]
    else:
        (line,) = (words for words in _commands(MACHINE) if "setup" in words)
        words = [
            *line[2:],
            "--directory",
            str(installation.secrets),
            "--store",
            str(installation.home / "store"),
        ]
        words[words.index("--host") + 1] = HOST
    await _said(installation, [sys.executable, "-c", SETUP, *words])
    if installation.place is Place.CONTAINERS:
        # A container is lent a folder of it; here the broker has to come in from above.
        assert installation.secrets.stat().st_mode & 0o777 == 0o700
        installation.secrets.chmod(0o711)


async def _first_village(installation: Installation) -> str:
    """The commands of the page, one by one; returns the device's password."""
    example, *_parts = re.findall(
        r"^```toml\n(.*?)^```$", (ROOT / "docs/registry.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (installation.home / "villages").mkdir()
    (installation.home / "villages/first.toml").write_text(example)
    commands = [words[1:] for words in _commands(VILLAGE) if words[0] == "bypunkt"]
    assert [words[0] for words in commands] == ["check", "import", "user", "device", "check"]
    password = ""
    for words in commands:
        more = ["--json"] if words[:2] == ["device", "credentials"] else []
        said = await _said(installation, program(*words, *more), stdin=f"{PASSPHRASE}\n")
        if more:
            (row,) = json.loads(said)
            password = row["password"]
    return str(password)


async def _device_speaks(installation: Installation, broker: Broker, password: str) -> None:
    (words,) = (words for words in _commands(VILLAGE) if words[0] == "mosquitto_pub")
    here = {
        "punkt.example.se": "127.0.0.1",
        "8883": str(broker.port),
        "ca.crt": str(installation.secrets / "devices/ca.crt"),
        "$PASSWORD": password,
    }
    await _said(installation, [here.get(word, word) for word in words])


@asynccontextmanager
async def _running(installation: Installation) -> AsyncIterator[None]:
    """`bypunkt run` until the end of the block, and then its ordered end."""
    with (installation.home / "bypunkt.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *program("run"), env=installation.told(), cwd=installation.home, stdout=log, stderr=log
        )
    try:
        yield
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _said(installation: Installation, command: list[str], *, stdin: str = "") -> str:
    """Run a command to its good end and return what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, env=installation.told(), cwd=installation.home,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(WITHIN_S):
        said, wrong = await process.communicate(stdin.encode())
    assert process.returncode == 0, (command, said.decode(), wrong.decode())
    return said.decode()


async def _text(http: ClientSession, path: str) -> str:
    async with http.get(path, headers={"Accept-Language": "sv"}) as answer:
        assert answer.status == 200, path
        return await answer.text()


async def _status_is(http: ClientSession, path: str, status: int) -> bool:
    async with http.get(path) as answer:
        return answer.status == status


@contextmanager
def _port() -> Iterator[int]:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _no_secret_was_written_down(installation: Installation) -> None:
    secrets = {
        word
        for path in installation.secrets.rglob("*")
        if path.is_file() and path.suffix not in {".crt", ".toml", ".env"}
        for word in re.findall(r"[\w+/=-]{43,}", path.read_text())
    }
    assert len(secrets) >= 4
    logs = [path for path in installation.home.rglob("*.log") if path.is_file()]
    assert len(logs) >= 3
    for log in logs:
        text = log.read_text(errors="replace")
        assert [secret for secret in secrets if secret in text] == [], log


def test_commands_of_the_page_name_files_of_this_checkout_and_commands_of_the_program() -> None:
    sources = {
        word
        for words in (*_commands(MACHINE), *_commands("With containers"))
        for word in words
        if word.startswith(("config/", "requirements"))
    }
    assert len(sources) == 7
    assert [source for source in sources if not (ROOT / source).exists()] == []
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    called = {
        after
        for section in (MACHINE, "With containers", VILLAGE)
        for words in _commands(section)
        for word, after in pairwise(words)
        if word == "/opt/bypunkt/bin/bypunkt" or (word == "bypunkt" and words[0] in {"bypunkt", "docker"})
    } - {"bypunkt"}  # the service, and then the program in it
    assert called == {"setup", "check", "import", "user", "device", "broker"}
    assert called <= set(root.commands)


def _commands(section: str) -> list[list[str]]:
    """The commands in the shell blocks of a section, continued lines joined."""
    _, _, rest = PAGE.partition(f"\n## {section}\n")
    text, _, _ = rest.partition("\n## ")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]
