"""Service points beside each other: the same figures as on their own pages, the worst first."""

from aiohttp import web

from dashboard.comparing import Compared, compared_rows
from dashboard.pages.staff import queries as overview
from dashboard.periods import DAYS, LIVE, period_of, period_words
from dashboard.point_page import days_words
from dashboard.points import text_in
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, link, render
from dashboard.web.routes import Routes
from services.availability.standing import POINT, Key
from services.availability.store import figures_of
from services.storage.database import Role
from services.tenants.access import Permission
from services.usage.store import usage_of

routes = Routes()

CHOICES = tuple(days for days in DAYS if days != LIVE)


@routes.get("/staff/compare", access=Permission.SEE_DEVICES)
async def compare(request: web.Request) -> web.StreamResponse:
    """Show the points of one municipality or of all in scope, over `?days=` that are over."""
    scope, now, lang = await guard.tenants(request), request.app[keys.CLOCK](), language_code(request)
    period = period_of(request.query.get("days"), now, choices=CHOICES)
    if period is None:
        raise web.HTTPBadRequest
    shown = guard.narrowed(scope, request.query.get("municipality"))
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        everywhere = await connection.fetch(overview.municipalities)
    async with request.app[keys.DATABASE].transaction(Role.WEB, shown) as connection:
        points = await connection.fetch(overview.points)
        figures = await figures_of(connection, POINT, period.first, period.last)
        used = await usage_of(connection, period.first, period.last, by="point")
    usage = {(each.municipality, each.subject): each for each in used}
    chosen = next((each for each in everywhere if (each["code"],) == shown.codes), None)
    municipality = chosen["code"] if chosen else None
    return render(
        request,
        "staff/compare.html",
        municipalities=everywhere,
        chosen=chosen,
        names={each["code"]: each["name"] for each in everywhere},
        period=period,
        span_words=days_words(period, period.days, lang),
        periods=[
            (
                link(request, request.path, days=str(days), municipality=municipality),
                period_words(days, lang),
                days == period.days,
            )
            for days in CHOICES
        ],
        rows=compared_rows(
            (
                Compared(
                    point["id"],
                    point["municipality"],
                    text_in(point["names"], lang) or point["id"],
                    figures.get(Key(point["municipality"], point["id"])),
                    usage.get((point["municipality"], point["id"])),
                )
                for point in points
            ),
            lang,
        ),
    )
