"""The public start page: every municipality's service points as a list, beside a map where scripts run."""

from collections.abc import Iterable
from itertools import groupby

from aiohttp import web

from dashboard.map_view import MapView
from dashboard.point_filter import PointFilter, is_open
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
    """All points, or those of `?municipality=` that fit `?q=` and `?open=1`."""
    snapshot = await request.config_dict[POINTS].current()
    lang = language_code(request)
    asked = request.query.get("municipality") or None
    chosen = next((each for each in snapshot.municipalities if each.code == asked), None)
    if asked and chosen is None:
        raise web.HTTPNotFound
    views = snapshot.of_municipality(asked)
    words, wanted = PublicWords(lang, snapshot.taken_at), PointFilter.asked(request.query)
    found = [view for view in views if wanted.keeps(view, words)]
    return render(
        request,
        "public/start.html",
        max_age=5,
        taken_at=snapshot.taken_at,
        asked_lang=asked_language(request),
        municipalities=snapshot.municipalities,
        chosen=chosen,
        filter=wanted,
        number_of_points=len(views),
        number_found=len(found),
        groups=by_municipality(found),
        open_now=sum(map(is_open, found)),
        counts=[(state, count_words(state, lang), number) for state, number in count_states(found).items()],
        words=words,
        synthetic=any(view.point.synthetic for view in views),
        map=MapView.of(snapshot, lang),
    )


def by_municipality(views: Iterable[PointView]) -> list[tuple[PublicMunicipality, list[PointView]]]:
    """Points under their municipality; those without a point are left out."""
    groups = groupby(views, key=lambda view: view.municipality.code)
    listed = [list(members) for _code, members in groups]
    return [(members[0].municipality, members) for members in listed]
