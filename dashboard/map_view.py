"""What a page with a map gives to its script; the points themselves stand in the page's list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dashboard.points import Snapshot
from dashboard.states import count_words
from services.status.points import PointState


@dataclass(frozen=True, slots=True)
class MapView:
    """The point in the middle if any, the towns that are named for orientation, and what a group is said to hold."""

    focus: str | None
    seats: list[tuple[str, float, float]]
    state_words: Mapping[str, str]

    @classmethod
    def of(cls, snapshot: Snapshot, lang: str, *, focus: str | None = None) -> Self:
        """The map of what the page lists, or around one point."""
        seats = [(each.name, each.seat_lat, each.seat_lon) for each in snapshot.municipalities]
        return cls(focus, seats, {state.value: count_words(state, lang) for state in PointState})
