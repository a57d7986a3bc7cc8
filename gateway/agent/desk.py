"""Carries out commands, each at most once, and gives each one final answer.

A command is written down, with its first answer, before anything is done; its final answer and the note that it has
one are the same commit. What is found begun at a start is never begun again: it was interrupted, or it restarted the
machine, which has come back. At most `WAITING` wait for their turn; more are refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import structlog

from gateway.agent.commands import Command, Unfit, arguments_of, has_expired, read_command
from gateway.agent.disk import Disk
from gateway.agent.entries import entry_of
from gateway.agent.failures import SpoolBroken
from gateway.agent.options import CommandOptions
from gateway.agent.running import Run
from gateway.agent.spool import OpenCommand, Spool
from gateway.mqtt import Delivery
from services.events.command import CommandResult
from services.runtime.tasks import describe

log = structlog.get_logger()

WAITING = 16
RESTART_S = 300.0
_AGAIN_S = 2.0

BuiltIn: TypeAlias = Callable[[], Awaitable[str | None]]
State: TypeAlias = Literal["done", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class _Order:
    """A command that may be carried out: a built-in, or a program with its arguments."""

    id: str
    name: str
    act: BuiltIn | None = None
    arguments: tuple[str, ...] = ()
    options: CommandOptions | None = None

    @property
    def restarts(self) -> bool:
        """Whether the machine goes down."""
        return self.options is not None and self.options.restarts


class Desk:
    """Takes commands from the courier; `run` carries them out, one after another."""

    def __init__(
        self,
        allowed: Mapping[str, CommandOptions],
        *,
        disk: Disk,
        built_in: Mapping[str, BuiltIn],
        run_program: Run,
        before_restart: Callable[[], Awaitable[None]],
        on_answer: Callable[[], None],
    ) -> None:
        self._allowed = allowed
        self._disk = disk
        self._built_in = built_in
        self._run_program = run_program
        self._before_restart = before_restart
        self._on_answer = on_answer
        self._orders: asyncio.Queue[_Order] = asyncio.Queue(WAITING)
        self._mine: set[str] = set()  # begun by this process and not ended
        self.restart_s = RESTART_S

    async def take(self, delivery: Delivery) -> None:
        """Write a command down and have it carried out; one that is known already is passed over."""
        if delivery.retain:
            log.warning("command_retained")  # nobody knows how old it is
            return
        try:
            command = read_command(delivery.payload)
        except Unfit as error:
            log.warning("command_unreadable", reason=str(error), bytes=len(delivery.payload))
            if error.command_id is not None:
                await self._refuse(error.command_id, "", str(error))
            return
        try:
            order = self._order_of(command)
        except Unfit as error:
            await self._refuse(command.id, command.name, str(error))
            return
        if await self._begin(order):
            self._orders.put_nowait(order)

    async def run(self) -> None:
        """Answer for what an earlier start left undone, then carry out what comes."""
        for command in await self._disk.run(lambda spool: spool.open_commands()):
            if command.id not in self._mine:
                await self._answer_for(command)
        while True:
            order = await self._orders.get()
            state, detail = await self._carry_out(order)
            await self._finish(order.id, order.name, state=state, detail=detail)

    def _order_of(self, command: Command) -> _Order:
        if has_expired(command, self._disk.now()):
            raise Unfit("expired")
        if self._orders.full():
            raise Unfit(f"busy: {WAITING} commands wait")
        if (act := self._built_in.get(command.name)) is not None:
            if command.args:
                raise Unfit("args: this command takes none")
            return _Order(command.id, command.name, act=act)
        options = self._allowed.get(command.name)
        if options is None:
            raise Unfit("unknown: this device does not allow it")
        arguments = arguments_of(options, command.args)
        return _Order(command.id, command.name, arguments=arguments, options=options)

    async def _begin(self, order: _Order) -> bool:
        if order.id in self._mine:
            return False
        self._mine.add(order.id)
        note = OpenCommand(order.id, order.name, order.restarts, self._disk.machine)
        begun = await self._write_down(note, "accepted", None)
        if not begun:
            self._mine.discard(order.id)
        return begun

    async def _refuse(self, command_id: str, name: str, reason: str) -> None:
        note = OpenCommand(command_id, name, restarts=False, machine=self._disk.machine)
        if await self._write_down(note, "refused", reason):
            log.warning("command_refused", command=command_id, reason=reason)

    async def _write_down(
        self, note: OpenCommand, state: Literal["accepted", "refused"], detail: str | None
    ) -> bool:
        result = CommandResult(command=note.id, state=state, detail=detail)
        answer = entry_of(result, self._disk.now())
        try:
            new = await self._disk.run(lambda spool: spool.begin_command(note, state=state, answer=answer))
        except SpoolBroken:
            log.warning("command_not_taken", command=note.id, reason="it cannot be written down")
            return False  # the server asks again
        self._on_answer()
        return new

    async def _answer_for(self, command: OpenCommand) -> None:
        """Say what became of a command of an earlier run."""
        came_back = command.restarts and command.machine != self._disk.machine
        detail = None if came_back else "interrupted: it may have been carried out"
        await self._finish(command.id, command.name, state="done" if came_back else "failed", detail=detail)

    async def _carry_out(self, order: _Order) -> tuple[State, str | None]:
        log.info("command_begun", command=order.id, name=order.name)
        try:
            if order.act is not None:
                return "done", await order.act()
            return await self._run(order)
        except Exception as error:  # noqa: BLE001 - whatever it was, the command has failed, and has to be answered
            return "failed", describe(error)[:200]

    async def _run(self, order: _Order) -> tuple[State, str | None]:
        if order.options is None:
            raise RuntimeError("neither built in nor a program")
        if order.restarts:
            await self._before_restart()
        try:
            code = await self._run_program(order.arguments, timeout_s=order.options.timeout_s)
        except TimeoutError:
            return "failed", f"did not end within {order.options.timeout_s:g} s"
        if code != 0:
            return "failed", f"exit code {code}"
        if order.restarts:
            # The next start of the machine answers. If none comes, nothing happened.
            await asyncio.sleep(self.restart_s)
            return "failed", f"the machine did not restart within {self.restart_s:g} s"
        return "done", None

    async def _finish(self, command_id: str, name: str, *, state: State, detail: str | None) -> None:
        """Answer for good, however long the disk is out of order."""
        result = CommandResult(command=command_id, state=state, detail=detail)
        while True:
            answer = entry_of(result, self._disk.now())
            note = partial(Spool.finish_command, command_id=command_id, state=state, answer=answer)
            try:
                await self._disk.run(note)
                break
            except SpoolBroken:
                await asyncio.sleep(_AGAIN_S)
        self._mine.discard(command_id)
        self._on_answer()
        log.info("command_ended", command=command_id, name=name, state=state, detail=detail)
