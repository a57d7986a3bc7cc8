"""What a page with a map gives to its script."""

from dashboard.points import Snapshot


def map_context(
    snapshot: Snapshot, *, municipality: str | None = None, focus: str | None = None
) -> dict[str, object]:
    """The points to show, the one in the middle if any, and the towns that are named for orientation."""
    return {
        "map_municipality": municipality,
        "map_focus": focus,
        "seats": [[each.name, each.seat_lat, each.seat_lon] for each in snapshot.municipalities],
    }
