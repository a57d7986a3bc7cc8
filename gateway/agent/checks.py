"""`bypunkt-agent --check`: is everything there that the agent needs, and what to do where it is not."""

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

from gateway.agent.clocks import EARLIEST, kernel_synchronised
from gateway.agent.failures import AgentRefused
from gateway.agent.options import AgentOptions
from gateway.mqtt import Session, Trouble
from services.runtime.clock import now

NOTE = "note: "  # begins what is worth a look, and no fault
BROKER_WITHIN_S = 8.0
_ADVICE = {
    Trouble.UNREACHABLE: "is broker.host right, is the network up, does a firewall stand between?",
    Trouble.TLS: "is broker.tls_ca the authority of this broker, and broker.host the name in its certificate?",
    Trouble.CREDENTIALS: "broker.user or the password is wrong, or the device is suspended",
    Trouble.CLIENT_ID: "the broker refuses the device's id: is it registered?",
    Trouble.SUBSCRIPTION: "the device may not read its own down/#: are municipality and device right?",
    Trouble.EVICTED: "another client uses this device's id: does a second agent run?",
}


async def problems(options: AgentOptions) -> list[str]:
    """Return what is wrong, one line each, with what to do."""
    found = [*_spool(options.spool.path), *_clock(), *_programs(options), *_wifi(options)]
    if _in_use(options.spool.path):
        found.append(
            f"{NOTE}an agent runs, so the broker was not asked: its log says whether it is connected"
        )
    else:
        found += [line async for line in _broker(options)]
    return found


def _in_use(path: Path) -> bool:
    """Whether an agent runs; then its connection is left alone, which ours would end: it has the same name."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as spool:
            spool.execute("SELECT count(*) FROM present")
    except sqlite3.DatabaseError as error:  # one that is damaged is set aside by the agent
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


def _spool(path: Path) -> Iterator[str]:
    folder = path.parent
    if not folder.is_dir():
        yield f"spool.path: {folder} does not exist: create it, for the user that the agent runs as"
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield f"spool.path: {folder} cannot be written by this user"


def _clock() -> Iterator[str]:
    if now() < EARLIEST:
        yield "the clock is not set: set it by NTP (timedatectl set-ntp true)"
    elif not kernel_synchronised():
        yield f"{NOTE}the clock is not known to be synchronised; is an NTP service running? (timedatectl)"


def _programs(options: AgentOptions) -> Iterator[str]:
    for name, command in options.commands.items():
        if not os.access(command.program[0], os.X_OK):
            yield f"commands.{name}: {command.program[0]} cannot be started: install it, or remove the command"


def _wifi(options: AgentOptions) -> Iterator[str]:
    if options.wifi and shutil.which("iw") is None:
        yield "wifi: clients are counted with `iw`, which is not installed (apt install iw)"
    for wifi in options.wifi:
        if not Path("/sys/class/net", wifi.iface).exists():
            yield f"wifi: there is no interface {wifi.iface} (ip link)"


async def _broker(options: AgentOptions) -> AsyncIterator[str]:
    where = options.broker.host
    try:
        session = Session(options.session())
    except AgentRefused as error:
        yield str(error)
        return
    except OSError as error:
        yield f"broker.tls_ca: {error.strerror}: {options.broker.tls_ca}"
        return
    async with session:
        if await session.settle(within_s=BROKER_WITHIN_S):
            return
    trouble = session.trouble or Trouble.SILENT
    yield f"broker {where}: {trouble.replace('_', ' ')}; {_ADVICE.get(trouble, 'see its log')}"
