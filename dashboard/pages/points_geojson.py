"""All points as GeoJSON (RFC 7946): for maps, our own among them."""

import json

from aiohttp import web

from dashboard import open_data
from dashboard.open_data import Asked
from dashboard.points import PointView
from dashboard.web.routes import PUBLIC, Routes
from dashboard.web.times import machine

routes = Routes()


@routes.get("/points.geojson", access=PUBLIC)
async def points_geojson(request: web.Request) -> web.StreamResponse:
    """Every point with its state and everything else that is public; one without a place has no geometry."""
    return await open_data.answer(request, "application/geo+json", feature_collection)


def feature_collection(asked: Asked) -> bytes:
    """The points as one FeatureCollection."""
    collection = {"type": "FeatureCollection", "features": [_feature(asked, view) for view in asked.views]}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _feature(asked: Asked, view: PointView) -> dict[str, object]:
    point = view.point
    placed = point.lat is not None and point.lon is not None
    return {
        "type": "Feature",
        "id": point.id,
        "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]} if placed else None,
        "properties": {
            "name": view.name(asked.lang),
            "names": point.names,
            "url": asked.page(view),
            "municipality": view.municipality.code,
            "municipality_name": view.municipality.name,
            "locality": view.place(asked.lang),
            "kind": point.kind,
            "kind_text": asked.words.kind(view),
            "status": point.status,
            "services": list(point.services),
            "services_text": asked.words.services(view),
            "opening_hours": point.opening_hours,
            **_opening(asked, view),
            **_state(asked, view),
            "synthetic": point.synthetic,
            "updated": machine(point.updated_at),
        },
    }


def _opening(asked: Asked, view: PointView) -> dict[str, object]:
    opening = view.opening
    changes_at = opening.changes_at if opening else None
    return {
        "open_now": opening.is_open if opening else None,
        "open_changes_at": machine(changes_at) if changes_at else None,
        "opening_text": asked.words.opening(view),
    }


def _state(asked: Asked, view: PointView) -> dict[str, object]:
    """`since` stays with the state; when a device was last heard changes by the minute and stays out of feeds."""
    return {
        "state": view.status.state,
        "reason": view.status.reason,
        "state_text": asked.words.state(view),
        "since": machine(view.status.since) if view.status.since else None,
    }
