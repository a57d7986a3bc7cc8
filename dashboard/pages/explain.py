"""How a point's figures were made, as a page and as files from which anyone can make them again."""

from dataclasses import dataclass

import asyncpg
from aiohttp import web

from dashboard import account_files, account_page
from dashboard.account import Account, account_of_days, account_of_now
from dashboard.figure_words import figure_views
from dashboard.log_again import as_stored, judged_again
from dashboard.pages.staff_point import queries
from dashboard.periods import DAYS, Period, period_of, period_words
from dashboard.point_page import days_words, window_words
from dashboard.point_past import last_day, live_of, past_of_point, subject_of
from dashboard.points import text_in
from dashboard.web import guard, keys
from dashboard.web.pages import language_code, link, render
from dashboard.web.routes import Routes
from services.availability.explain import explain
from services.availability.standing import Subject
from services.runtime.spans import Span
from services.status.moments import millis
from services.storage.database import Connection, Role
from services.tenants.access import Permission
from services.tenants.wallclock import swedish

routes = Routes()

# The log of a point's devices has a line a minute and device: more of it than this is for `bypunkt rebuild --verify`.
LOG_DAYS = 30
_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained: a point over days, or over the 24 hours that end at an instant."""

    row: asyncpg.Record
    period: Period
    window: Span | None
    with_log: bool
    account: Account | None


@routes.get("/staff/points/{point}/explain", access=Permission.SEE_DEVICES)
async def page(request: web.Request) -> web.StreamResponse:
    """Show how the figures of `?days=` were made; `?log=1` makes them again from the log."""
    asked = await _asked(request)
    if asked is None:
        return render(request, "staff/no_point.html", status=404)
    lang, account = language_code(request), asked.account
    name = text_in(asked.row["names"], lang) or asked.row["id"]
    here = request.path
    about = {"days": str(asked.period.days), "until": str(asked.window.end) if asked.window else None}
    return render(
        request,
        "staff/explain.html",
        facts=asked.row,
        name=name,
        address=link(request, f"/staff/points/{asked.row['id']}", days=str(asked.period.days)),
        periods=[
            (link(request, here, days=str(days)), period_words(days, lang), days == asked.period.days)
            for days in DAYS
        ],
        span_words=(
            window_words(asked.window, request.app[keys.CLOCK](), lang)
            if asked.window
            else days_words(asked.period, account.figures.days if account else 0, lang)
        ),
        files=[(kind, link(request, f"{here}.{kind.lower()}", **about)) for kind in ("JSON", "CSV")],
        account=account,
        figures=figure_views(account.figures, lang) if account else (),
        sums=account_page.sum_rows(account.figures, lang) if account else (),
        days=account_page.day_rows(account, lang) if account else (),
        spells=account_page.spells(account, lang) if account else None,
        intervals=account_page.interval_spells(account, lang) if account else (),
        works=account_page.work_spells(account, lang) if account else None,
        earlier=account_page.earlier_rows(account, lang) if account else (),
        rules=account_page.rules(account) if account else (),
        log_address=(
            link(request, here, days=str(asked.period.days), log="1")
            if not asked.window and asked.period.days <= LOG_DAYS
            else None
        ),
        from_log=figure_views(account.from_log, lang) if account and account.from_log else (),
    )


@routes.get("/staff/points/{point}/explain.json", access=Permission.SEE_DEVICES)
async def as_json(request: web.Request) -> web.StreamResponse:
    """The same as JSON."""
    asked = await _asked(request)
    if asked is None or asked.account is None:
        raise web.HTTPNotFound
    about = {
        "municipality": asked.row["municipality"],
        "point": asked.row["id"],
        "names": asked.row["names"],
        "synthetic": asked.row["synthetic"],
        "time_zone": "Europe/Stockholm",
        "days": asked.period.days,
    }
    body = account_files.as_json(asked.account, about)
    return _file(asked, body, "application/json", "json")


@routes.get("/staff/points/{point}/explain.csv", access=Permission.SEE_DEVICES)
async def as_csv(request: web.Request) -> web.StreamResponse:
    """The same as CSV: the figure, each day, and the pieces of time of each day."""
    asked = await _asked(request)
    if asked is None or asked.account is None:
        raise web.HTTPNotFound
    body = account_files.as_csv(asked.account, asked.row["id"], language_code(request))
    return _file(asked, body, "text/csv", "csv")


def _file(asked: Asked, body: bytes, media_type: str, ending: str) -> web.Response:
    name = f"{asked.row['id']}-{asked.period.last}-{asked.period.days}.{ending}"
    return web.Response(
        body=body,
        content_type=media_type,
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{name}"'},
    )


async def _asked(request: web.Request) -> Asked | None:
    scope, now = await guard.tenants(request), request.app[keys.CLOCK]()
    period = period_of(request.query.get("days"), now)
    if period is None:
        raise web.HTTPBadRequest
    window = _window(request.query.get("until"), millis(now)) if period.is_live else None
    with_log = request.query.get("log") == "1" and window is None and period.days <= LOG_DAYS
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        row = await connection.fetchrow(queries.point, request.match_info["point"])
        if row is None:
            return None
        subject = subject_of(row["municipality"], row["id"])
        if window is not None:
            account = await _of_now(connection, subject, window)
        else:
            log = judged_again(row["lane"], period.first) if with_log else as_stored()
            explained = await explain(connection, subject, period.first, period.last, from_log=log)
            account = account_of_days(explained, with_log=with_log) if explained.days else None
    return Asked(row, period, window, with_log, account if account and account.parts else None)


async def _of_now(connection: Connection, subject: Subject, window: Span) -> Account | None:
    first, last = swedish(window.start).date(), swedish(window.end - 1).date()
    past = await past_of_point(connection, subject, first, last)
    live = live_of(past, subject, window)
    if live is None:
        return None
    explained = await explain(connection, subject, first, last, from_log=as_stored())
    return account_of_now(live, explained.intervals, explained.works)


def _window(until: str | None, now: int) -> Span:
    """The 24 hours until an instant of the last day, as the point's own page names it; until now when it names none."""
    if until is None:
        return last_day(now)
    if not until.isdecimal() or len(until) > 15 or not now - _DAY <= int(until) <= now:
        raise web.HTTPBadRequest
    return last_day(int(until))
