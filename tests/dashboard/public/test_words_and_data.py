"""A point in one reader's words, and a feed that is not sent again to those who have it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from dashboard.kept_bodies import Body
from dashboard.open_data import _is_known
from dashboard.points import PointView
from dashboard.public_words import PublicWords
from services.status.points import DeviceState, status_of
from services.tenants.hours import opening_at
from services.tenants.public import PublicMunicipality, PublicPoint

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)  # a Wednesday, 12:00 in Sweden
SHOP = PublicPoint(
    municipality="0583",
    id="sp-fornasa",
    kind="fixed",
    names={"sv": "Servicepunkt Fornåsa"},
    locality_names={"sv": "Fornåsa"},
    lat=58.47,
    lon=15.23,
    opening_hours="Mo-Fr 09:00-18:00",
    services=("dagligvaror", "wifi"),
    status="active",
    synthetic=True,
    updated_at=NOON,
)
MOTALA = PublicMunicipality("0583", "Motala", "Östergötland", ("sv",), 58.54, 15.04)
BODY = Body(b"{}", b"packed", 'W/"abc"', NOON)


def view(point: PublicPoint = SHOP) -> PointView:
    """Return a point whose only hotspot works."""
    hotspot = DeviceState("hotspot", "up", "heard", NOON, NOON)
    hours = point.opening_hours
    return PointView(point, MOTALA, status_of([hotspot]), opening_at(hours, NOON) if hours else None)


def test_a_point_is_put_into_the_readers_words() -> None:
    swedish, english = PublicWords("sv", NOON), PublicWords("en", NOON)
    assert (swedish.state(view()), english.state(view())) == ("Wifi fungerar", "Wi-Fi works")
    assert "18:00" in (swedish.opening(view()) or "")
    assert swedish.services(view()) == ["Dagligvaror", "Wifi"]
    assert len(swedish.week(view()) or []) >= 2


def test_a_paused_point_is_closed_for_a_time_whatever_its_hours_say() -> None:
    assert PublicWords("sv", NOON).opening(view(replace(SHOP, status="paused"))) == "Tillfälligt stängt"


def test_hours_that_are_not_known_are_not_guessed() -> None:
    unknown = view(replace(SHOP, opening_hours=None))
    assert PublicWords("sv", NOON).opening(unknown) is None
    assert PublicWords("sv", NOON).week(unknown) is None


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, False),
        ({"If-None-Match": '"abc"'}, True),
        ({"If-None-Match": 'W/"x", W/"abc"'}, True),
        ({"If-None-Match": "*"}, True),
        ({"If-None-Match": '"x"', "If-Modified-Since": "Wed, 18 Nov 2026 11:00:00 GMT"}, False),
        ({"If-Modified-Since": "Wed, 18 Nov 2026 11:00:00 GMT"}, True),
        ({"If-Modified-Since": "Wed, 18 Nov 2026 10:59:59 GMT"}, False),
        ({"If-Modified-Since": "last week"}, False),
    ],
)
def test_who_has_a_feed_is_not_sent_it_again(headers: dict[str, str], *, known: bool) -> None:
    assert _is_known(make_mocked_request("GET", "/feed.json", headers=headers), BODY) is known
