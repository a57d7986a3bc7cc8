"""The shape of a source."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.events.fields import Fact

Read: TypeAlias = Callable[[], Awaitable[Sequence[Fact]]]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that is read every so many seconds; `usage` marks what `hotspot.report_now` asks for.

    `told` says that reading it tells something; else it only looks.
    """

    name: str
    every_s: float
    read: Read
    usage: bool = False
    told: bool = True
