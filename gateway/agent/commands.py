"""What a command is, and whether it may be carried out. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.agent.clocks import Instant, to_ms
from gateway.agent.options import PLACEHOLDER, CommandOptions
from services.events.fields import Label, Moment

PAYLOAD_BYTES = 16 * 1024
_ID = re.compile(r"^[!-~]{1,64}$", re.ASCII)


class Command(BaseModel):
    """A command as it comes: `{"id", "name", "args", "expires_at"}`."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    id: Annotated[Label, Field(pattern=_ID.pattern)]
    name: Annotated[str, Field(max_length=64)]
    args: dict[str, str | int | float | bool] = {}
    expires_at: Moment


class Unfit(Exception):
    """A command that is not carried out; `command_id` is None where not even that can be read."""

    def __init__(self, reason: str, command_id: str | None = None) -> None:
        super().__init__(reason)
        self.command_id = command_id


def read_command(payload: bytes) -> Command:
    """Read a command; raises Unfit."""
    if len(payload) > PAYLOAD_BYTES:
        raise Unfit("malformed: too large")
    try:
        return Command.model_validate_json(payload)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the message"
        raise Unfit(f"malformed: {where}: {fault['msg']}"[:200], _id_in(payload)) from None


def has_expired(command: Command, present: Instant) -> bool:
    """Whether a command came too late.

    A clock that cannot be right knows nothing of it. Then it is taken to be fresh: it is not retained, no broker keeps
    it for a device that is away, and the server does not repeat it once it has expired.
    """
    return present.usable and present.wall_ms >= to_ms(command.expires_at)


def arguments_of(options: CommandOptions, args: Mapping[str, object]) -> tuple[str, ...]:
    """Return the argument list of a program; raises Unfit for an argument that is not declared, or does not fit."""
    if unknown := args.keys() - options.args.keys():
        raise Unfit(f"args.{min(unknown)[:32]}: is not declared")
    given = {name: _argument(options, name, args) for name in options.args}
    for part in options.program:
        found = PLACEHOLDER.fullmatch(part)
        if found and given[found[1]].startswith("-"):
            raise Unfit(f"args.{found[1]}: must not look like an option")
    return tuple(PLACEHOLDER.sub(lambda found: given[found[1]], part) for part in options.program)


def _argument(options: CommandOptions, name: str, args: Mapping[str, object]) -> str:
    declared = options.args[name]
    value = args.get(name, declared.default)
    if value is None:
        raise Unfit(f"args.{name}: is missing")
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if len(text) > 256 or not re.fullmatch(declared.pattern, text) or "\0" in text:
        raise Unfit(f"args.{name}: does not fit its pattern")
    return text


def _id_in(payload: bytes) -> str | None:
    """Return the id of something that is no command, so that it can be refused by name."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
