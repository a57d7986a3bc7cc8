"""Which other points are near one: for whoever stands before a closed door."""

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt

from dashboard.points import PointView

_EARTH_KM = 6371.0
_FAR_KM = 100
_MOST = 3


def nearby(view: PointView, others: Iterable[PointView]) -> list[tuple[PointView, int]]:
    """The nearest other points and how far they are in whole kilometres as the crow flies, at least one."""
    if view.point.lat is None or view.point.lon is None:
        return []
    found = []
    for other in others:
        if other.id == view.id or other.point.lat is None or other.point.lon is None:
            continue
        km = distance_km(view.point.lat, view.point.lon, other.point.lat, other.point.lon)
        if km <= _FAR_KM:
            found.append((km, other.id, other))
    return [(other, max(1, round(km))) for km, _id, other in sorted(found, key=lambda each: each[:2])[:_MOST]]


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """How far two places are from each other on a round earth (haversine), in kilometres; degrees go in."""
    south, north = radians(lat), radians(other_lat)
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(half))
