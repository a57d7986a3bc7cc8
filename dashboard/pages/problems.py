"""Dead letters: what devices sent and we could not store, with the reason; shown as text, whatever it holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from aiohttp import web

from dashboard.refusal_words import refusal_advice, refusal_words
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from services.events.text import brief
from services.storage.database import Installation, Role, Scope
from services.storage.sql import load_queries
from services.tenants.access import Permission, allows

queries = load_queries(__package__, "problems.sql")

routes = Routes()

PAGE = 50
LATELY = timedelta(days=7)
_LONGEST_SHOWN = 2000
_LONGEST_ID = 18  # digits; a bigint holds more


@dataclass(frozen=True, slots=True)
class LetterView:
    """One dead letter as it may be shown: clean text, cut to a length."""

    id: int
    municipality: str
    device: str
    topic: str
    reason: str
    words: str
    advice: str | None
    detail: str
    received_at: datetime
    size: int
    payload: str | None
    replayable: bool
    device_known: bool


@routes.get("/staff/dead-letters", access=Permission.SEE_DEAD_LETTERS)
async def dead_letters(request: web.Request) -> web.StreamResponse:
    """Show the newest dead letters, `?before=` an id for older ones, of one `?reason=` or `?device=`."""
    lang, before = language_code(request), _before(request)
    reason, device = (brief(request.query.get(name, ""), 64) or None for name in ("reason", "device"))
    since = request.app[keys.CLOCK]() - LATELY
    async with request.app[keys.DATABASE].transaction(Role.WEB, await _scope(request)) as connection:
        rows = await connection.fetch(queries.dead_letters, before, PAGE + 1, reason, device)
        reasons = await connection.fetch(queries.reasons, since, device)
    known = await _known(request, rows[:PAGE])
    letters = [letter_view(row, lang, known=row["device"] in known) for row in rows[:PAGE]]
    return render(
        request,
        "staff/dead_letters.html",
        letters=letters,
        older=letters[-1].id if len(rows) > PAGE else None,
        is_first=before is None,
        chosen_reason=reason,
        chosen_words=refusal_words(reason, lang) if reason else "",
        chosen_device=device,
        reasons=[
            (brief(row["reason"], 60), refusal_words(row["reason"], lang), row["letters"]) for row in reasons
        ],
    )


def letter_view(row: asyncpg.Record, lang: str, *, known: bool) -> LetterView:
    """A dead letter from its row; `known` says that its device has a page."""
    return LetterView(
        id=row["id"],
        municipality=row["municipality"],
        device=brief(row["device"] or "", 64),
        topic=brief(row["topic"]),
        reason=brief(row["reason"], 60),
        words=refusal_words(row["reason"], lang),
        advice=refusal_advice(row["reason"], lang),
        detail=brief(row["detail"], 300),
        received_at=row["received_at"],
        size=row["size"],
        payload=None if row["payload"] is None else brief(row["payload"], _LONGEST_SHOWN),
        replayable=row["replayable"],
        device_known=known,
    )


async def _known(request: web.Request, rows: list[asyncpg.Record]) -> set[str]:
    """The devices that sent these letters and have a page for whoever asks."""
    scope, senders = await guard.tenants(request), [row["device"] for row in rows if row["device"]]
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        return {row["id"] for row in await connection.fetch(queries.known_devices, senders)}


async def _scope(request: web.Request) -> Scope:
    # A letter may name a municipality that is not registered: only who works for the installation sees those.
    if allows(guard.signed_in(request), Permission.MANAGE_INSTALLATION):
        return Installation()
    return await guard.tenants(request)


def _before(request: web.Request) -> int | None:
    asked = request.query.get("before", "")
    if not asked:
        return None
    if not asked.isascii() or not asked.isdecimal() or len(asked) > _LONGEST_ID:
        raise web.HTTPNotFound
    return int(asked)
