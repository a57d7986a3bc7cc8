"""One device: how it is and what to do, how it has fared for a day, how much it was used, what it said last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import asyncpg
from aiohttp import web

from dashboard.day_bar import WIDTH, Spent, Stretch, hours_of, spent, stretches
from dashboard.device_words import advice_words, reason_words
from dashboard.live.places import write_places
from dashboard.live.store import clients_at, places
from dashboard.points import text_in
from dashboard.refusal_words import refusal_words
from dashboard.staff_views import MARKS, STATES, device_view, event_view
from dashboard.states import device_words
from dashboard.vital_signs import vital_signs
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from services.events.text import brief
from services.status.models import Reason
from services.storage.database import Connection, Role
from services.storage.sql import load_queries
from services.tenants.access import Permission, allows

queries = load_queries(__package__, "device.sql")

routes = Routes()

NEWEST = 30
LETTERS = 5
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
            return render(request, "staff/no_device.html", status=404)
        name = (row["municipality"], row["device"])
        since = await places(connection, [row["lane"]])
        intervals = await connection.fetch(queries.intervals, *name, now - SHOWN)
        usage = await connection.fetch(queries.usage, *name, now - SHOWN)
        events = await connection.fetch(queries.newest_events, *name, now - _EVENTS_SINCE, NEWEST)
        gaps = await connection.fetchrow(queries.gaps, *name, now - SHOWN)
        clients = await _clients(connection, row, request)
        vital = await _vital(connection, name, now)
        letters = await _letters(connection, name, request)
    drawn = stretches(intervals, first=now - SHOWN, last=now)
    return render(
        request,
        "staff/device.html",
        device=device_view(row, lang, clients),
        advice={reason: advice_words(reason, lang) for reason in Reason},
        facts=row,
        point_name=text_in(row["point_names"] or {}, lang) or row["point"],
        since=write_places(since),
        day=DayView.of(drawn, now, lang),
        vital=vital_signs(vital, lang),
        usage=UsageView.of(usage, row["kind"]),
        gaps=gaps,
        events=[event_view(event, lang) for event in events],
        letters=letters,
    )


@dataclass(frozen=True, slots=True)
class DayView:
    """The device's last day: its stretches, newest first, the time in each state, and the clock under the bar."""

    bar: list[dict[str, object]]
    rows: list[Stretch]
    spent: list[Spent]
    scale: list[str]
    words: dict[str, str]
    reasons: dict[str, str]
    marks: dict[str, str]
    whole: int = WIDTH

    @classmethod
    def of(cls, drawn: tuple[Stretch, ...], now: datetime, lang: str) -> Self:
        """The day before `now`."""
        return cls(
            bar=[{"state": MARKS[part.state], "x": part.x, "width": part.width} for part in drawn],
            rows=list(reversed(drawn))[:MOST_ROWS],
            spent=spent(drawn, STATES),
            scale=hours_of(now - SHOWN, now, every=6),
            words={state: device_words(state, lang) for state in MARKS},
            reasons={part.reason: reason_words(part.reason, lang) for part in drawn},
            marks=MARKS,
        )


@dataclass(frozen=True, slots=True)
class UsageView:
    """The device's use in the last day by hour, newest first, and its sums; only what its kind can count."""

    hours: list[asyncpg.Record]
    wifi: bool
    kiosk: bool
    most: int
    down_bytes: int
    up_bytes: int
    sessions: int
    views: int

    @classmethod
    def of(cls, hours: list[asyncpg.Record], kind: str) -> Self:
        """The use of a device of this kind; a device may count more than its kind says."""
        sums = {
            name: sum(hour[name] for hour in hours)
            for name in ("down_bytes", "up_bytes", "kiosk_sessions", "kiosk_views")
        }
        most = max((hour["clients_max"] for hour in hours), default=0)
        return cls(
            hours,
            wifi=kind != "kiosk" or bool(most or sums["down_bytes"] or sums["up_bytes"]),
            kiosk=kind == "kiosk" or bool(sums["kiosk_sessions"] or sums["kiosk_views"]),
            most=most,
            down_bytes=sums["down_bytes"],
            up_bytes=sums["up_bytes"],
            sessions=sums["kiosk_sessions"],
            views=sums["kiosk_views"],
        )


async def _vital(
    connection: Connection, name: tuple[str, str], now: datetime
) -> dict[str, tuple[datetime, dict[str, Any]]]:
    rows = [
        await connection.fetchrow(queries.last_heartbeat, *name, now - _EVENTS_SINCE),
        await connection.fetchrow(queries.last_health, *name, now - SHOWN),
    ]
    return {row["type"]: (row["at"], row["data"]) for row in rows if row}


async def _letters(
    connection: Connection, name: tuple[str, str], request: web.Request
) -> list[tuple[int, datetime, str, str]] | None:
    """The newest dead letters, or none for those who may not see them."""
    if not allows(guard.signed_in(request), Permission.SEE_DEAD_LETTERS):
        return None
    lang = language_code(request)
    return [
        (row["id"], row["received_at"], refusal_words(row["reason"], lang), brief(row["detail"], 120))
        for row in await connection.fetch(queries.letters, *name, LETTERS)
    ]


async def _clients(connection: Connection, row: asyncpg.Record, request: web.Request) -> int | None:
    if row["kind"] != "hotspot":
        return None
    name = (row["municipality"], row["device"])
    return (await clients_at(connection, [name], now=request.app[keys.CLOCK]()))[name]
