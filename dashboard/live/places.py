"""How far an open page has been told, as one short word: `3:1204:88,7:15:2`.

For each lane the position of the newest event and the revision of the newest state that went out. It is the `id:`
of the stream, so a browser that lost the connection says by itself where to go on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_WORD = re.compile(r"(\d{1,5}):(\d{1,18}):(\d{1,18})")
# More lanes than any installation has; a longer word is not ours.
_MOST_LANES = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """How far one lane has been told."""

    position: int = 0
    revision: int = 0

    def with_news(self, *, position: int = 0, revision: int = 0) -> "Place":
        """The place after something newer went out."""
        return Place(max(self.position, position), max(self.revision, revision))


Places: TypeAlias = Mapping[int, Place]


def write_places(places: Places) -> str:
    """The places as the word for `id:`."""
    return ",".join(f"{lane}:{place.position}:{place.revision}" for lane, place in sorted(places.items()))


def read_places(word: str) -> dict[int, Place]:
    """The places that a browser names; whatever is not a place counts as none."""
    found = {}
    for part in word.split(",", _MOST_LANES)[:_MOST_LANES]:
        if match := _WORD.fullmatch(part):
            found[int(match[1])] = Place(int(match[2]), int(match[3]))
    return found
