"""Whether this installation can serve, part by part."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Part:
    """One part that serving depends on: the database, the broker, the canary message."""

    name: str
    ready: bool
    detail: str = ""
    """What is wrong, without addresses, names of machines or secrets."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of all parts."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        """Whether every part is ready."""
        return all(part.ready for part in self.parts)


ReadinessCheck: TypeAlias = Callable[[], Awaitable[Readiness]]
