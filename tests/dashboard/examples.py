"""Points as values, for tests that need neither database nor page."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dashboard.points import PointView
from services.status.points import DeviceState, status_of
from services.tenants.hours import opening_at
from services.tenants.public import PublicMunicipality, PublicPoint

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)
"""A Wednesday, 12:00 in Sweden."""

MOTALA = PublicMunicipality("0583", "Motala", "Östergötland", ("sv",), 58.54, 15.04)
SHOP = PublicPoint(
    municipality="0583",
    id="sp-fornasa",
    kind="fixed",
    names={"sv": "Servicepunkt Fornåsa"},
    locality_names={"sv": "Fornåsa"},
    lat=58.47,
    lon=15.23,
    opening_hours="Mo-Fr 09:00-18:00",
    services=("dagligvaror", "apoteksombud", "wifi"),
    status="active",
    synthetic=True,
    updated_at=NOON,
)


def view(*, device: str = "up", reason: str = "heard", now: datetime = NOON, **changed: Any) -> PointView:  # noqa: ANN401 - any field of a point
    """A shop whose only hotspot is in this state."""
    point = replace(SHOP, **changed)
    hotspot = DeviceState("hotspot", device, reason, NOON, NOON)
    hours = point.opening_hours
    return PointView(point, MOTALA, status_of([hotspot]), opening_at(hours, now) if hours else None)
