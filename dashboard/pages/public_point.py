"""The public page of one service point: what it offers, when it is open, and what works there now."""

from aiohttp import web

from dashboard.day_hours import today_of
from dashboard.map_view import MapView
from dashboard.nearby import nearby
from dashboard.points import POINTS
from dashboard.public_words import PublicWords
from dashboard.web.pages import language_code, render, site_address
from dashboard.web.routes import PUBLIC, Routes

routes = Routes()


@routes.get("/p/{point}", access=PUBLIC)
async def point(request: web.Request) -> web.StreamResponse:
    """One point; one that is planned, closed or unknown is not found."""
    snapshot = await request.config_dict[POINTS].current()
    view = snapshot.by_id.get(request.match_info["point"])
    if view is None:
        raise web.HTTPNotFound
    words = PublicWords(language_code(request), snapshot.taken_at)
    return render(
        request,
        "public/point.html",
        max_age=5,
        view=view,
        words=words,
        week=words.week(view),
        other_days=words.other_days(view),
        taken_at=snapshot.taken_at,
        synthetic=view.point.synthetic,
        has_position=view.point.lat is not None and view.point.lon is not None,
        address=f"{site_address(request)}/p/{view.id}",
        map=MapView.of(snapshot, words.lang, focus=view.id),
        today=None
        if view.is_paused
        else today_of(view.point.opening_hours, snapshot.taken_at, exceptions=view.point.other_hours),
        nearby=nearby(view, snapshot.views),
    )
