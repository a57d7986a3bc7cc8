"""What became of a command."""

from typing import Literal, TypeAlias

from services.events.fields import Fact, Label, Sentence


class CommandResult(Fact):
    """A device answers a command: at first that it has taken it, in the end what came of it."""

    type: Literal["command.result"] = "command.result"
    command: Label
    state: Literal["accepted", "done", "failed", "refused"]
    detail: Sentence | None = None


CommandEvent: TypeAlias = CommandResult
