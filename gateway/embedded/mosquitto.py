"""Mosquitto as a child process: the broker of the demo where it is installed, and of the tests."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded.broker import HOST, BrokerError, EmbeddedBroker
from services.runtime.accounts import Account, unprivileged_account
from services.runtime.child import Command
from services.tenants.credentials import broker_hash

# The window and queue of a lane's session: past `max_queued_messages` Mosquitto acknowledges and drops.
_FIXED = """\
per_listener_settings false
persistence true
persistence_location store/
max_inflight_messages 1000
max_queued_messages 100000
log_dest stderr
log_timestamp true
log_timestamp_format %Y-%m-%dT%H:%M:%S%z
log_type error
log_type warning
log_type notice
connection_messages false
"""
# `connection_messages false` keeps addresses and client ids out of the log.
# No `message_size_limit`: it loses messages silently on MQTT 3.1.1.


@dataclass(frozen=True, kw_only=True)
class MosquittoOptions:
    """How safe and how closed the broker is."""

    accounts: Mapping[str, str] | None = None
    """Passwords by user name; None lets everybody in."""
    acl: str | None = None
    """The text of an ACL file; None lets everybody do everything."""
    autosave_interval: int = 60
    """Seconds between saves, or with `autosave_on_changes` the number of changes before one."""
    autosave_on_changes: bool = False
    """True with an interval of 1 nearly closes the hole of a `kill -9`, and is slow with a long queue."""
    lines: tuple[str, ...] = ()
    """More lines for the configuration, such as `use_username_as_clientid true`."""


class Mosquitto(EmbeddedBroker):
    """A Mosquitto on loopback that keeps its sessions and queues in `directory` and logs beside them.

    As root it runs as the user `mosquitto`, else `nobody`. We change the user ourselves: if Mosquitto did,
    the kernel would forget that it has to end with us.
    """

    name = "mosquitto"

    def __init__(self, directory: Path, *, port: int = 0, options: MosquittoOptions | None = None) -> None:
        super().__init__(directory, port=port, command=self._prepare)
        self.options = options or MosquittoOptions()

    @staticmethod
    def installed() -> bool:
        """Whether there is a Mosquitto on PATH or in /usr/sbin."""
        return _program("mosquitto") is not None

    @property
    def store(self) -> Path:
        """Where sessions, queues and retained messages are kept."""
        return self._home / "store"

    def _prepare(self) -> Command:
        """Write configuration, accounts and ACL for the port, and run Mosquitto on them."""
        program = _program("mosquitto")
        if program is None:
            raise BrokerError("Mosquitto is not installed (Debian: apt install mosquitto)")
        account = unprivileged_account("mosquitto", "nobody")
        # Ours to write and theirs to pass through. They enter it as working directory and use relative names
        # only, so the directories above may be closed to them.
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o711)
        self.store.mkdir(exist_ok=True)
        _give(self.store, account, 0o700)
        _write(self._home / "mosquitto.conf", self._configuration(), account)
        if self.options.accounts is not None:
            _write(self._home / "accounts", _password_file(self.options.accounts), account)
        if self.options.acl is not None:
            _write(self._home / "acl", self.options.acl, account)
        return Command(
            name=self.name,
            arguments=(program, "-c", "mosquitto.conf"),
            log=self.log,
            account=account,
            directory=self._home,
        )

    @property
    def _home(self) -> Path:
        return self.directory / "mosquitto"

    def _configuration(self) -> str:
        options = self.options
        lines = [
            f"listener {self.port} {HOST}",
            f"allow_anonymous {_word(options.accounts is None)}",
            f"autosave_interval {options.autosave_interval}",
            f"autosave_on_changes {_word(options.autosave_on_changes)}",
            *(["password_file accounts"] if options.accounts is not None else []),
            *(["acl_file acl"] if options.acl is not None else []),
            *options.lines,
        ]
        return _FIXED + "\n".join(lines) + "\n"


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _password_file(accounts: Mapping[str, str]) -> str:
    lines = []
    for user, password in accounts.items():
        if not user or ":" in user or not user.isprintable():
            raise BrokerError(f"the account {user!r} cannot be written to a password file")
        # Not by `mosquitto_passwd`: it shows the password to all users in `ps`, or cuts it at the first colon.
        lines.append(f"{user}:{broker_hash(password)}\n")
    return "".join(lines)


def _write(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    _give(path, account, 0o600)


def _give(path: Path, account: Account | None, mode: int) -> None:
    path.chmod(mode)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _word(value: bool) -> str:  # noqa: FBT001 - the value is what is turned into a word
    return "true" if value else "false"
