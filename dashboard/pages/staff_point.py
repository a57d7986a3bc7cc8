"""One service point for staff: how it is, how much of the time it was there, its outages, its use, planned work."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
from aiohttp import web

from dashboard import plain_words, states
from dashboard.live.store import clients_at
from dashboard.outages import outages
from dashboard.periods import DAYS, Period, period_of, period_words
from dashboard.point_page import MOST_OUTAGES, days_view, live_view, outage_views, planned_views
from dashboard.point_past import Live, last_day, line_of, live_of, past_of_point, planned_for, subject_of
from dashboard.point_use import use_of
from dashboard.points import text_in
from dashboard.staff_views import DeviceView, device_view
from dashboard.web import guard, keys
from dashboard.web.language import language
from dashboard.web.pages import language_code, link, render
from dashboard.web.routes import Routes
from dashboard.web.times import local
from dashboard.words import kind_words
from services.availability.standing import POINT, Subject
from services.availability.store import days_of
from services.runtime.spans import Span
from services.status.moments import millis
from services.status.points import DeviceState, PointStatus, status_of
from services.storage.database import Connection, Role
from services.storage.sql import load_queries
from services.tenants.access import Permission
from services.tenants.hours import opening_at
from services.tenants.wallclock import midnight

queries = load_queries(__package__, "staff_point.sql")

routes = Routes()


@dataclass(frozen=True, slots=True)
class Present:
    """The devices of a point now, the state that they add up to, and how many are connected to them."""

    devices: list[DeviceView]
    status: PointStatus
    connected: int | None


@routes.get("/staff/points/{point}", access=Permission.SEE_DEVICES)
async def point(request: web.Request) -> web.StreamResponse:
    """Show one point over `?days=`; one of another municipality is as if it did not exist."""
    scope, now, lang = await guard.tenants(request), request.app[keys.CLOCK](), language_code(request)
    period = period_of(request.query.get("days"), now)
    if period is None:
        raise web.HTTPBadRequest
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        row = await connection.fetchrow(queries.point, request.match_info["point"])
        if row is None:
            return render(request, "staff/no_point.html", status=404)
        subject = subject_of(row["municipality"], row["id"])
        present = await _present(connection, subject, lang, now)
        past = await past_of_point(connection, subject, period.first, local(now).date())
        stored = await days_of(
            connection, POINT, row["municipality"], subject=row["id"], first=period.first, last=period.last
        )
        window = _window(period, now)
        usage = await use_of(connection, subject, period, window, lang=lang)
        planned = await planned_for(connection, subject, [device.id for device in present.devices], now)
    live = live_of(past, subject, window) if period.is_live else None
    found = outages(line_of(past, subject, window), until=window.end)
    opening = None if row["status"] == "paused" else opening_at(row["opening_hours"], now)
    return render(
        request,
        "staff/point.html",
        facts=row,
        name=text_in(row["names"], lang) or row["id"],
        place=text_in(row["locality_names"] or {}, lang),
        kind=kind_words(row["kind"], lang),
        standing_words=_standing_words(row["status"], lang),
        present=present.status,
        state_words=states.point_words(present.status, now, lang),
        state_advice=plain_words.advice_words(present.status.reason, lang),
        connected=present.connected,
        opening=opening,
        opening_words=states.opening_words(opening, now, lang),
        periods=[
            (link(request, request.path, days=str(days)), period_words(days, lang), days == period.days)
            for days in DAYS
        ],
        availability=live_view(live, now, lang)
        if period.is_live
        else days_view(period, {each.day: each.figures for each in stored}, lang),
        explain=explain_link(request, period, live),
        outages=outage_views(found, lang),
        more_outages=max(0, len(found) - MOST_OUTAGES),
        usage=usage,
        planned=planned_views(planned, now, lang),
        devices=present.devices,
    )


def _window(period: Period, now: datetime) -> Span:
    """The 24 hours until now, or the days of a period and all that has been since."""
    live = last_day(millis(now))
    return live if period.is_live else Span(midnight(period.first), live.end)


def explain_link(request: web.Request, period: Period, live: Live | None) -> str:
    """Where it stands how the figures of this period were made."""
    until = str(live.window.end) if live and period.is_live else None
    return link(request, f"{request.path}/explain", days=str(period.days), until=until)


async def _present(connection: Connection, subject: Subject, lang: str, now: datetime) -> Present:
    rows = await connection.fetch(queries.devices, *subject.key)
    hotspots = [(row["municipality"], row["device"]) for row in rows if row["kind"] == "hotspot"]
    clients = await clients_at(connection, hotspots, now=now)
    views = [device_view(row, lang, clients.get((row["municipality"], row["device"]))) for row in rows]
    known = [view.clients for view in views if view.clients is not None]
    return Present(
        sorted(views, key=lambda view: (view.rank, view.id)),
        status_of(_state(row) for row in rows if row["lifecycle"] == "active"),
        sum(known) if known else None,
    )


def _state(row: asyncpg.Record) -> DeviceState:
    return DeviceState(row["kind"], row["state"], row["reason"], row["since"], row["last_sign_at"])


def _standing_words(status: str, lang: str) -> str:
    _ = language(lang).gettext
    words = {"planned": _("planerad"), "pilot": _("på prov"), "paused": _("pausad"), "closed": _("stängd")}
    return words.get(status, "")
