"""What is measured at a point, for whoever stands there: made from the registry and the settings of this program."""

from aiohttp import web

from dashboard.measured import days_words, kinds_send, sent_by_all
from dashboard.points import POINTS
from dashboard.web import keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import PUBLIC, Routes

routes = Routes()

MAX_AGE_S = 60


@routes.get("/p/{point}/measured", access=PUBLIC)
async def measured(request: web.Request) -> web.StreamResponse:
    """What stands there, what it sends, what is never collected, how long it is kept, and whom to ask."""
    snapshot = await request.config_dict[POINTS].current()
    view = snapshot.by_id.get(request.match_info["point"])
    if view is None:
        raise web.HTTPNotFound
    lang, retention = language_code(request), request.config_dict[keys.RETENTION]
    kinds = kinds_send(view.kinds, retention, lang)
    return render(
        request,
        "public/measured.html",
        max_age=MAX_AGE_S,
        view=view,
        taken_at=snapshot.taken_at,
        synthetic=view.point.synthetic,
        kinds=kinds,
        counts_visitors=any(each.type == "wifi.visitors" for kind in kinds for each in kind.sends),
        all_send=sent_by_all(retention, lang),
        heard_kept=days_words(retention.standard_days, lang),
        refused_kept=days_words(retention.dead_letter_days, lang),
        is_archived=retention.archive_to is not None,
    )
