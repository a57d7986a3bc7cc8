"""The system: whether everything keeps up, in words and a few figures, in the lanes of one's municipalities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from dashboard.refusal_words import refusal_words
from dashboard.system_view import findings, newest_words, reading_words
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from dashboard.web.times import local
from dashboard.words import in_order
from services.events.text import brief
from services.log.health import LaneHealth, ReadingHealth, read_health, refusals
from services.log.retention import next_drop
from services.status.reading import StatusReading
from services.storage.database import Installation, Role
from services.storage.sql import load_queries
from services.tenants.access import Permission, allows
from services.usage.reading import UsageReading

queries = load_queries(__package__, "system.sql")

routes = Routes()

READINGS = (StatusReading.name, UsageReading.name)
"""The readings that the page tells of, in its order."""


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane as a row: its municipalities, and how old the newest proof is that it is taken in."""

    lane: int
    head: int
    names: Sequence[str]
    sees: bool
    seen_until: datetime | None
    age: timedelta | None
    gateway: str | None
    gateway_since: datetime | None
    worker: str | None
    worker_since: datetime | None


@dataclass(frozen=True, slots=True)
class ReadingView:
    """One reading as a row."""

    name: str
    behind: int
    late: int
    lanes: int
    age: timedelta | None


@routes.get("/staff/system", access=Permission.SEE_SYSTEM)
async def system(request: web.Request) -> web.StreamResponse:
    """Show how the path is doing, from the database alone: true also when the gateway or the worker stands still."""
    scope, now, lang = await guard.tenants(request), request.app[keys.CLOCK](), language_code(request)
    names: dict[int, list[str]] = {}
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        for row in await connection.fetch(queries.municipalities):
            names.setdefault(row["lane"], []).append(row["name"])
        health = await read_health(connection, names.keys(), readings=READINGS, now=now)
    retention = request.app[keys.RETENTION]
    whole = allows(guard.signed_in(request), Permission.MANAGE_INSTALLATION)
    midnight = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    async with request.app[keys.DATABASE].transaction(
        Role.WEB, Installation() if whole else scope
    ) as connection:
        refused = await refusals(connection, midnight)
    return render(
        request,
        "staff/system.html",
        findings=findings(health, names, now, lang),
        newest=newest_words(health, now, lang),
        readings=[_reading_view(reading, now, lang) for reading in health.readings],
        lanes=[_lane_view(lane, names[lane.lane], now) for lane in health.lanes],
        refused=[
            (brief(reason, 60), refusal_words(reason, lang), count) for reason, count in refused.by_reason
        ],
        refused_more=refused.more,
        size=health.size,
        server=health.server,
        retention=retention,
        next_drop=min(
            filter(None, (next_drop(part, retention) for part in health.size.partitions)), default=None
        ),
    )


def _reading_view(reading: ReadingHealth, now: datetime, lang: str) -> ReadingView:
    age = None if reading.read_until is None else max(now - reading.read_until, timedelta())
    return ReadingView(reading_words(reading.reading, lang), reading.behind, reading.late, reading.lanes, age)


def _lane_view(lane: LaneHealth, names: Sequence[str], now: datetime) -> LaneView:
    return LaneView(
        lane=lane.lane,
        head=lane.head,
        names=sorted(names, key=in_order),
        sees=lane.sees(now),
        seen_until=lane.seen_until,
        age=None if lane.seen_until is None else max(now - lane.seen_until, timedelta()),
        gateway=lane.gateway.hex[:8] if lane.gateway else None,
        gateway_since=lane.gateway_since,
        worker=lane.worker.hex[:8] if lane.worker else None,
        worker_since=lane.worker_since,
    )
