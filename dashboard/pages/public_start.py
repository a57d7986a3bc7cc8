"""The public start page: every municipality's service points as a list, beside a map where scripts run."""

from itertools import groupby

from aiohttp import web

from dashboard.map_view import MapView
from dashboard.points import POINTS, PointView, count_states
from dashboard.public_words import PublicWords
from dashboard.states import count_words
from dashboard.web.language import asked_language
from dashboard.web.pages import language_code, render
from dashboard.web.routes import PUBLIC, Routes
from services.tenants.public import PublicMunicipality

routes = Routes()


@routes.get("/", access=PUBLIC)
async def start(request: web.Request) -> web.StreamResponse:
    """All points, or those of `?municipality=`."""
    snapshot = await request.config_dict[POINTS].current()
    lang = language_code(request)
    asked = request.query.get("municipality") or None
    chosen = next((each for each in snapshot.municipalities if each.code == asked), None)
    if asked and chosen is None:
        raise web.HTTPNotFound
    views = snapshot.of_municipality(asked)
    return render(
        request,
        "public/start.html",
        max_age=5,
        taken_at=snapshot.taken_at,
        asked_lang=asked_language(request),
        municipalities=snapshot.municipalities,
        chosen=chosen,
        groups=by_municipality(views),
        counts=[(state, count_words(state, lang), number) for state, number in count_states(views).items()],
        words=PublicWords(lang, snapshot.taken_at),
        synthetic=any(view.point.synthetic for view in views),
        map=MapView.of(snapshot, municipality=asked),
    )


def by_municipality(views: tuple[PointView, ...]) -> list[tuple[PublicMunicipality, list[PointView]]]:
    """Points under their municipality; those without a point are left out."""
    groups = groupby(views, key=lambda view: view.municipality.code)
    listed = [list(members) for _code, members in groups]
    return [(members[0].municipality, members) for members in listed]
