"""Service goals for staff: the worst first, with value, coverage, budget, trend and the periods before."""

from aiohttp import web

from dashboard.goal_views import LONGEST_HISTORY, Names, counts, goal_views
from dashboard.points import text_in
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from dashboard.web.times import local
from services.goals.store import standings_of
from services.storage.database import Role
from services.storage.sql import load_queries
from services.tenants.access import Permission

queries = load_queries(__package__, "staff_goals.sql")

routes = Routes()


@routes.get("/staff/goals", access=Permission.SEE_DEVICES)
async def goals(request: web.Request) -> web.StreamResponse:
    """Show the goals of one municipality or of all in scope, as they were last judged."""
    scope, now, lang = await guard.tenants(request), request.app[keys.CLOCK](), language_code(request)
    shown = guard.narrowed(scope, request.query.get("municipality"))
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        everywhere = await connection.fetch(queries.municipalities)
    async with request.app[keys.DATABASE].transaction(Role.WEB, shown) as connection:
        points = await connection.fetch(queries.points)
        standings = await standings_of(connection, periods=LONGEST_HISTORY)
    names = Names(
        {(row["municipality"], row["id"]): text_in(row["names"], lang) or row["id"] for row in points},
        {row["code"]: row["name"] for row in everywhere},
    )
    views = goal_views(standings, names, local(now).date(), lang=lang)
    return render(
        request,
        "staff/goals.html",
        municipalities=everywhere,
        chosen=next((row for row in everywhere if (row["code"],) == shown.codes), None),
        goals=[view for view in views if not view.is_ended],
        ended=[view for view in views if view.is_ended],
        counts=counts(views, lang),
    )
