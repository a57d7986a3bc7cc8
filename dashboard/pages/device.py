"""One device: what it is, how it has fared for a day, how much it was used, what it said last."""

from datetime import timedelta

import asyncpg
from aiohttp import web

from dashboard.day_bar import WIDTH, stretches
from dashboard.device_words import reason_words
from dashboard.live.places import write_places
from dashboard.live.store import clients_at, places
from dashboard.points import text_in
from dashboard.staff_views import MARKS, device_view, event_view
from dashboard.states import device_words
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from services.storage.database import Connection, Role
from services.storage.sql import load_queries
from services.tenants.access import Permission

queries = load_queries(__package__, "device.sql")

routes = Routes()

NEWEST = 30
# The bar shows every change; of a device that flaps the table shows the newest.
MOST_ROWS = 50
SHOWN = timedelta(hours=24)
# Events older than the log keeps for certain need not be looked for.
_EVENTS_SINCE = timedelta(days=31)


@routes.get("/staff/devices/{device}", access=Permission.SEE_DEVICES)
async def device(request: web.Request) -> web.StreamResponse:
    """Show one device; one of another municipality is as if it did not exist."""
    scope, now, lang = await guard.tenants(request), request.app[keys.CLOCK](), language_code(request)
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        row = await connection.fetchrow(queries.device, request.match_info["device"])
        if row is None:
            raise web.HTTPNotFound
        name = (row["municipality"], row["device"])
        since = await places(connection, [row["lane"]])
        intervals = await connection.fetch(queries.intervals, *name, now - SHOWN)
        usage = await connection.fetch(queries.usage, *name, now - SHOWN)
        events = await connection.fetch(queries.newest_events, *name, now - _EVENTS_SINCE, NEWEST)
        clients = await _clients(connection, row, request)
    drawn = stretches(intervals, first=now - SHOWN, last=now)
    return render(
        request,
        "staff/device.html",
        device=device_view(row, lang, clients),
        facts=row,
        point_name=text_in(row["point_names"] or {}, lang) or row["point"],
        since=write_places(since),
        bar=drawn,
        bar_width=WIDTH,
        most_rows=MOST_ROWS,
        bar_from=now - SHOWN,
        state_words={state: device_words(state, lang) for state in MARKS},
        reasons={stretch.reason: reason_words(stretch.reason, lang) for stretch in drawn},
        marks=MARKS,
        usage=usage,
        events=[event_view(event, lang) for event in events],
    )


async def _clients(connection: Connection, row: asyncpg.Record, request: web.Request) -> int | None:
    if row["kind"] != "hotspot":
        return None
    name = (row["municipality"], row["device"])
    return (await clients_at(connection, [name], now=request.app[keys.CLOCK]()))[name]
