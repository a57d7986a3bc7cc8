"""A server process in the foreground that cannot outlive the process that started it.

The embedded database and brokers run through this. Linux only: the kernel's parent-death signal is what
ends a child when its parent is killed with -9, and a pidfd tells the event loop that a child has ended.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog

from services.runtime.accounts import Account

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.01
_TAIL_LINES = 15
_TAIL_BYTES = 8192
_INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")

log = structlog.get_logger()


class ChildError(RuntimeError):
    """A child process could not be started, or ended before it was ready."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run, as whom, and how to end it; times in seconds."""

    name: str
    arguments: tuple[str, ...]
    log: Path
    account: Account | None = None
    directory: Path = Path("/")
    """Entered before the change of user, so the account needs no right on the folders above it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the few variables that are inherited: secrets in ours must not reach the child."""
    stop_signal: signal.Signals = signal.SIGTERM
    """Asks for a clean end; the kernel sends the same one when this process dies."""
    stop_within: float = 10.0


class Child:
    """One run of a command: `async with` starts it, waits until it is ready, and stops it at the end.

    `ready` is asked again and again until it says yes; without it, started is ready. The child gets its
    own session, so Ctrl-C in a terminal reaches us first and we stop it in order. The log file is appended
    to; its lines since the start are in the error when the child fails.
    """

    def __init__(
        self,
        command: Command,
        *,
        ready: Callable[[], Awaitable[bool]] | None = None,
        ready_within: float = 30.0,
    ) -> None:
        self.command = command
        self._ready = ready
        self._ready_within = ready_within
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd: int | None = None
        self._ended: asyncio.Future[int] | None = None
        self._log_start = 0
        self._stopping = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id, also after the end."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start the process and return when it is ready; on failure nothing is left running."""
        if self._process is not None:
            raise ChildError(f"{self.command.name} has already been started; a child runs once")
        self._spawn()
        log.info("child_started", child=self.command.name, pid=self.pid)
        try:
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """Wait until the process ends and return its exit status; negative is the signal that ended it."""
        return await asyncio.shield(self._end())

    async def stop(self) -> None:
        """Ask the process to end, kill it when the time is up; harmless when it has ended already."""
        if not self.running:
            return
        self._stopping = True
        self._started().send_signal(self.command.stop_signal)
        try:
            async with asyncio.timeout(self.command.stop_within):
                await self.wait()
        except TimeoutError:
            log.warning("child_did_not_stop", child=self.command.name, within=self.command.stop_within)
        finally:
            # Also reached when we are cancelled while waiting: better a hard end than a process left behind.
            self.kill()

    def kill(self) -> None:
        """End the process and its group at once (SIGKILL) and reap it; harmless when it has ended."""
        if self.running:
            self._stopping = True
            os.killpg(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._on_end()

    def log_tail(self) -> str:
        """The last lines that the process has written since it was started."""
        try:
            with self.command.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-_TAIL_LINES:])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ChildError(f"{self.command.name} has not been started")
        return self._process

    def _end(self) -> asyncio.Future[int]:
        if self._ended is None:
            raise ChildError(f"{self.command.name} has not been started")
        return self._ended

    def _spawn(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The signal follows the death of the *thread* that forked: it must live as long as we do.
            raise ChildError(f"{self.command.name} must be started from the main thread")
        with self.command.log.open("ab") as output:
            self._log_start = output.tell()
            try:
                self._process = _spawn(self.command, output.fileno())
            except (OSError, subprocess.SubprocessError) as error:
                raise ChildError(f"{self.command.name} could not be started: {error}") from error
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._pidfd = os.pidfd_open(self._process.pid)
        loop.add_reader(self._pidfd, self._on_end)

    def _on_end(self) -> None:
        if self._pidfd is None or self._ended is None:
            return
        self._ended.get_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = None
        status = self._started().wait()
        if not self._ended.done():
            self._ended.set_result(status)
        write = log.info if self._stopping or status == 0 else log.warning
        write("child_ended", child=self.command.name, pid=self.pid, status=status, asked=self._stopping)

    async def _until_ready(self) -> None:
        if self._ready is None:
            return
        name = self.command.name
        try:
            async with asyncio.timeout(self._ready_within):
                while self.running and not await self._ready():
                    await asyncio.wait([self._end()], timeout=_POLL_SECONDS)
        except TimeoutError as error:
            raise ChildError(
                f"{name} was not ready within {self._ready_within:g} s. {self._last_words()}"
            ) from error
        if not self.running:
            status = await self.wait()
            raise ChildError(f"{name} ended with status {status} before it was ready. {self._last_words()}")

    def _last_words(self) -> str:
        tail = self.log_tail()
        return f"Its last lines in {self.command.log}:\n{tail}" if tail else "It wrote nothing."


def _spawn(command: Command, output: int) -> subprocess.Popen[bytes]:
    account = command.account
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return subprocess.Popen(
        command.arguments,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=command.directory,
        env={"LANG": "C.UTF-8", **inherited, **command.environment},
        start_new_session=True,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        # Runs between fork and exec, where another thread's lock may be held for ever: it takes none.
        preexec_fn=_end_with_parent(command.stop_signal),  # noqa: PLW1509 - the only way to set the death signal
    )


def _end_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What the new process does just before it becomes the command.

    That is after the change of user: the kernel forgets the setting when the user changes.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        if prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:  # it died before the line above could take effect
            os._exit(1)

    return arm
