"""What a page with a map gives to its script."""

from dataclasses import dataclass
from typing import Self

from dashboard.points import Snapshot


@dataclass(frozen=True, slots=True)
class MapView:
    """The points to show, the one in the middle if any, and the towns that are named for orientation."""

    municipality: str | None
    focus: str | None
    seats: list[tuple[str, float, float]]

    @classmethod
    def of(cls, snapshot: Snapshot, *, municipality: str | None = None, focus: str | None = None) -> Self:
        """The map of everything, of one municipality, or around one point."""
        seats = [(each.name, each.seat_lat, each.seat_lon) for each in snapshot.municipalities]
        return cls(municipality, focus, seats)
