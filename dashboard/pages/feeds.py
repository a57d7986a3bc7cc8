"""Public feeds of the points: news readers get JSON Feed 1.1, spreadsheets get CSV."""

import csv
import io
import json
from datetime import UTC, datetime

from aiohttp import web

from dashboard import open_data
from dashboard.open_data import Asked
from dashboard.points import PointView
from dashboard.web.language import language
from dashboard.web.routes import PUBLIC, Routes
from dashboard.web.times import local, machine

routes = Routes()

# The order and names of Sweden's common open-data columns; the last three are ours.
COLUMNS = (
    *(
        "source",
        "id",
        "name",
        "latitude",
        "longitude",
        "email",
        "visit_url",
        "wikidata",
        "updated",
        "description",
    ),
    *("kind", "opening_hours", "synthetic"),
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LOOKS_LIKE_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@routes.get("/feed.json", access=PUBLIC)
async def feed_json(request: web.Request) -> web.StreamResponse:
    """JSON Feed 1.1: one item a point with its present state, the newest change first."""
    return await open_data.answer(request, "application/feed+json; charset=utf-8", json_feed)


@routes.get("/points.csv", access=PUBLIC)
async def points_csv(request: web.Request) -> web.StreamResponse:
    """The points that have a position, in the common columns of Swedish open data."""
    return await open_data.answer(request, "text/csv; charset=utf-8", points_table, filename="points.csv")


def json_feed(asked: Asked) -> bytes:
    """The feed as JSON."""
    _ = language(asked.lang).gettext
    newest_first = sorted(asked.views, key=lambda view: (-_changed(view).timestamp(), view.id))
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _("Servicepunkter"),
        "description": _(
            "Servicepunkter i byarna: vad som finns, vad som fungerar och vad som är öppet just nu."
        ),
        "home_page_url": f"{asked.base}/",
        "feed_url": asked.address,
        "language": asked.lang,
        "authors": [{"name": "bypunkt", "url": f"{asked.base}/"}],
        "items": [_item(asked, view) for view in newest_first],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _item(asked: Asked, view: PointView) -> dict[str, object]:
    since = machine(view.status.since) if view.status.since else None
    said = [asked.words.state(view), asked.words.opening(view)]
    item: dict[str, object] = {
        "id": f"{asked.page(view)}#{since or 'never'}",
        "url": asked.page(view),
        "title": view.name(asked.lang),
        "content_text": ". ".join(text for text in said if text) + ".",
        "tags": [view.municipality.name, asked.words.kind(view)],
        "language": asked.lang,
        "_bypunkt": {
            "about": f"{asked.base}/points.geojson",
            "point": view.id,
            "municipality": view.municipality.code,
            "state": view.status.state,
            "reason": view.status.reason,
            "synthetic": view.point.synthetic,
        },
    }
    if since:
        item["date_published"] = since
    return item


def _changed(view: PointView) -> datetime:
    return view.status.since or _LONG_AGO


def points_table(asked: Asked) -> bytes:
    """The points as CSV: UTF-8, comma, decimal point."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for view in asked.views:
        if view.point.lat is not None and view.point.lon is not None:
            writer.writerow([_cell(value) for value in _row(asked, view)])
    return text.getvalue().encode()


def _row(asked: Asked, view: PointView) -> tuple[object, ...]:
    point = view.point
    about = [asked.words.kind(view), view.place(asked.lang), ", ".join(asked.words.services(view))]
    return (
        *(view.municipality.code, point.id, view.name(asked.lang), point.lat, point.lon),
        *("", asked.page(view), "", local(point.updated_at).date().isoformat()),
        ". ".join(text for text in about if text),
        *(point.kind, point.opening_hours or "", str(point.synthetic).lower()),
    )


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula is marked as text."""
    if isinstance(value, str) and value.startswith(_LOOKS_LIKE_FORMULA):
        return f"'{value}"
    return value
