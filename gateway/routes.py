"""Whose a foreign topic is: the filters that codecs name for the devices of a lane, and the way back from a topic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from gateway import codecs
from services.ingest.models import KnownDevice

log = structlog.get_logger()

_OURS = "bypunkt"


@dataclass(frozen=True, slots=True)
class Home:
    """A device and the municipality that it is registered in."""

    municipality: str
    device: KnownDevice


@dataclass(slots=True)
class _Level:
    """What may follow in a topic, and whose it is when it ends here or goes on as it likes."""

    below: dict[str, "_Level"] = field(default_factory=dict)
    here: Home | None = None
    from_here: Home | None = None


class Routes:
    """The foreign filters of a lane's devices. Where several match a topic, the more exact one counts.

    A filter that begins with a wildcard or with our own root is refused: it would take in other devices' messages.
    """

    def __init__(self, homes: Iterable[Home] = ()) -> None:
        self._root = _Level()
        filters: set[str] = set()
        for home in homes:
            codec = codecs.CODECS.get(home.device.codec)
            for name in codec.filters(home.device) if codec is not None else ():
                if self._add(name, home):
                    filters.add(name)
                else:
                    log.warning("filter_refused", device=home.device.id, codec=home.device.codec)
        self.filters: tuple[str, ...] = tuple(sorted(filters))

    def find(self, topic: str) -> Home | None:
        """Return whose a topic is; None for our own topics, and for those of nobody."""
        return _find(self._root, topic.split("/")) if self.filters else None

    def _add(self, name: str, home: Home) -> bool:
        words = name.split("/")
        if words[0] in {"", "+", "#", _OURS} or "#" in words[:-1]:
            return False
        level = self._root
        for word in words:
            if word == "#":
                level.from_here = home
                return True
            level = level.below.setdefault(word, _Level())
        level.here = home
        return True


def _find(level: _Level, words: Sequence[str]) -> Home | None:
    if not words:
        return level.here or level.from_here
    for word in (words[0], "+"):
        if (below := level.below.get(word)) and (home := _find(below, words[1:])):
            return home
    return level.from_here
