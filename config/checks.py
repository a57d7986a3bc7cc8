"""`bypunkt check`: is everything that this installation needs there, and what to do where it is not."""

import ctypes
import os
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg

from config.app import NotConfigured, open_database
from config.broker_certificate import WARN_WITHIN, certificate_ends
from config.failures import explain
from config.settings import Settings
from gateway.mqtt import Session, SessionOptions, Trouble
from gateway.options import MqttOptions
from gateway.rights.control import ControlFailed
from gateway.rights.keeper import look
from services.log.lanes import lanes_in_use
from services.runtime import failpoints
from services.runtime.clock import now
from services.storage.database import UNREACHABLE, Database, Public, Role
from services.storage.migrate import MigrationError
from services.storage.safety import problems

# A canary is believed for 15 s; a clock may be wrong by much less.
MOST_SKEW_S = 2.0
LEAST_FREE_BYTES = 2 * 10**9
_BROKER_WITHIN_S = 8.0
_TIME_ERROR = 5

_BROKER_ADVICE = {
    Trouble.UNREACHABLE: "is it running, and are BYPUNKT_MQTT__HOST and BYPUNKT_MQTT__PORT right?",
    Trouble.TLS: "check BYPUNKT_MQTT__TLS_CA and the broker's certificate",
    Trouble.SILENT: "something answers on that port that is not an MQTT broker",
    Trouble.DROPPED: "the broker closes the connection at once: is the port right, does it want TLS?",
    Trouble.PROTOCOL: "the broker speaks another version: set BYPUNKT_MQTT__PROTOCOL",
    Trouble.CREDENTIALS: "wrong user name or password: check BYPUNKT_MQTT__USERNAME and BYPUNKT_MQTT__PASSWORD",
    Trouble.CLIENT_ID: "the broker refuses the client id: check BYPUNKT_MQTT__CLIENT_PREFIX",
    Trouble.SUBSCRIPTION: "the account may not subscribe: check its rights at the broker (docs/broker.md)",
    Trouble.BUSY: "the broker is overloaded or shutting down: try again, see its log",
    Trouble.CLOSED: "the broker closed the connection: see its log",
    Trouble.LOST: "the connection broke: is the network in order?",
    Trouble.FAULT: "an error of ours: please report it",
    Trouble.EVICTED: "another client uses the same client id: has another installation at this broker the same prefix?",
}


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it."""

    what: str
    grade: Grade
    says: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at database, clock, broker and disk, and yield what is found as it is found."""
    for part in (_database, _broker, _certificate, _rights):
        async for finding in part(settings):
            yield finding
    yield _kernel_clock()
    yield _disk(Path.cwd())
    if failpoints.SETTING in os.environ:
        yield Finding("failpoints", Grade.WARNING, _FAILPOINTS)


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with open_database(settings) as database:
            wrong = await problems(database)
            skew = await _skew(database)
            lanes = await lanes_in_use(database) if not wrong else []
    except (*UNREACHABLE, asyncpg.PostgresError, NotConfigured, MigrationError) as error:
        for line in explain(error):
            yield Finding("database", Grade.FAILED, line)
        return
    for problem in wrong:
        yield Finding("database", Grade.FAILED, problem)
    if not wrong:
        yield Finding("database", Grade.OK, f"reached, safe, at this version; {len(lanes)} lanes in use")
    if not wrong and not lanes:
        yield Finding("registry", Grade.WARNING, "no municipality is registered yet: bypunkt import FILE")
    if abs(skew) > MOST_SKEW_S:
        yield Finding(
            "clock",
            Grade.FAILED,
            f"this machine's clock is {skew:+.1f} s off the database server's: "
            "set both by NTP (timedatectl set-ntp true); states and times would be wrong",
        )
    else:
        yield Finding("clock", Grade.OK, f"within {MOST_SKEW_S:g} s of the database server's")


async def _skew(database: Database) -> float:
    async with database.transaction(Role.WORKER, Public()) as connection:
        before = time.time()
        theirs: float = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        return (before + time.time()) / 2 - theirs


async def _broker(settings: Settings) -> AsyncIterator[Finding]:
    options = settings.mqtt
    where = f"{options.host}:{options.port}"
    try:
        password = options.secret()
    except OSError as error:
        yield Finding("broker", Grade.FAILED, f"BYPUNKT_MQTT__PASSWORD_FILE cannot be read: {error.strerror}")
        return
    if options.tls_ca is None and options.host not in _LOOPBACK and password:
        yield Finding(
            "broker", Grade.WARNING, f"the password travels to {options.host} in the clear: {_CLEAR}"
        )
    try:
        session = Session(_as_check(options, password))
    except OSError as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        yield Finding(
            "broker", Grade.FAILED, f"BYPUNKT_MQTT__TLS_CA, {options.tls_ca}, cannot be used: {reason}"
        )
        return
    async with session:
        if await session.settle(within_s=_BROKER_WITHIN_S):
            yield Finding("broker", Grade.OK, f"{where} reached, MQTT {session.protocol}")
            return
    trouble = session.trouble or Trouble.SILENT
    detail = f" ({session.trouble_detail})" if trouble is Trouble.TLS else ""
    yield Finding(
        "broker", Grade.FAILED, f"{where}: {trouble.replace('_', ' ')}{detail}; {_BROKER_ADVICE[trouble]}"
    )


async def _certificate(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the broker's certificate in time, since every device depends on it."""
    until = await certificate_ends(settings.mqtt)
    if until is None:
        return
    if until - now() > WARN_WITHIN:
        yield Finding("certificate", Grade.OK, f"the broker's is good until {until:%Y-%m-%d}")
    else:
        yield Finding(
            "certificate", Grade.WARNING, f"the broker's ends on {until:%Y-%m-%d}: `bypunkt setup` renews it"
        )


def rights_advice(error: ControlFailed) -> str:
    """Say why the broker's accounts could not be read or changed, and what to do."""
    if error.trouble is None:
        return str(error)
    if error.trouble is Trouble.CREDENTIALS:
        return f"{error}; check BYPUNKT_MQTT__RIGHTS_USERNAME and BYPUNKT_MQTT__RIGHTS_PASSWORD"
    return f"{error}; {_BROKER_ADVICE[error.trouble]}"


def _as_check(options: MqttOptions, password: str | None) -> SessionOptions:
    return SessionOptions(
        host=options.host,
        port=options.port,
        client_id=f"{options.client_prefix}check",
        username=options.username.format(lane="check") if options.username else None,
        password=password,
        tls_ca=options.tls_ca,
        protocol=options.protocol,
        durable=False,
        window=10,
    )


async def _rights(settings: Settings) -> AsyncIterator[Finding]:
    """Compare the broker's accounts with the registry, where somebody keeps them equal."""
    if settings.mqtt.rights_username is None:
        return
    try:
        async with open_database(settings) as database:
            seen = await look(database, settings.mqtt)
    except ControlFailed as error:
        yield Finding("rights", Grade.FAILED, rights_advice(error))
        return
    except (*UNREACHABLE, asyncpg.PostgresError, NotConfigured, MigrationError):
        return  # said already, of the database
    if seen is None:
        yield Finding("rights", Grade.OK, "being worked on at this moment")
    elif seen.lacking:
        yield Finding("rights", Grade.FAILED, f"{_some(seen.lacking)} cannot sign in: {_LOST}")
    elif seen.due:
        yield Finding(
            "rights", Grade.WARNING, f"{seen.due} changes are due at the broker: is a gateway running?"
        )
    else:
        yield Finding("rights", Grade.OK, f"{seen.accounts} devices have accounts, as the registry says")


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:3])} and {len(names) - 3} more" if len(names) > 3 else ", ".join(names)


_FAILPOINTS = (
    f"{failpoints.SETTING} is set, which is for tests: unset it, or processes will end or stand still"
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CLEAR = "name the authority in BYPUNKT_MQTT__TLS_CA, and the broker's TLS port"
_LOST = (
    "the broker has lost their accounts. Give them new passwords (bypunkt device credentials NAME --rotate), or write "
    "all accounts anew (bypunkt broker accounts)"
)


def _kernel_clock() -> Finding:
    """Ask the kernel whether its clock is synchronised (adjtimex(2), TIME_ERROR)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref((ctypes.c_char * 256)()))
    except (OSError, AttributeError):
        return Finding("clock", Grade.WARNING, "cannot tell whether the clock is synchronised")
    if state == _TIME_ERROR:
        return Finding("clock", Grade.WARNING, "not known to be synchronised: is an NTP service running?")
    return Finding("clock", Grade.OK, "synchronised")


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE_BYTES:
        return Finding("disk", Grade.FAILED, f"only {free / 1e9:.1f} GB are free here; keep at least 2 GB")
    return Finding("disk", Grade.OK, f"{free / 1e9:.0f} GB free here")
