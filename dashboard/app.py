"""The web face, put together: what lives in it, what every request passes, and how it starts and stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from dashboard.live.hub import Hub
from dashboard.options import WebOptions
from dashboard.pages import DEMO_PAGES, PAGES
from dashboard.pages.demo_desk import DESK, Desk
from dashboard.points import POINTS, PublicPoints
from dashboard.public_history import HISTORY, PublicHistory
from dashboard.web import keys
from dashboard.web.access_log import log_answers
from dashboard.web.assets import load_assets
from dashboard.web.errors import answer_errors
from dashboard.web.readiness import ReadinessCheck
from dashboard.web.routes import add_routes
from dashboard.web.security import add_headers, refuse_foreign_sites, refuse_odd_addresses
from dashboard.web.sessions import Sessions
from dashboard.web.templates import load_templates
from services.log.options import RetentionOptions
from services.runtime.clock import Clock
from services.storage.database import Database
from services.tenants.public import read_villages

# No form or event of ours is larger than a message of the broker (protocol, payload).
LARGEST_BODY = 256 * 1024


class PortTaken(Exception):
    """The web face cannot listen where it was told to."""


def web_app(
    database: Database,
    *,
    options: WebOptions,
    clock: Clock,
    readiness: ReadinessCheck,
    desk: Desk | None = None,
    retention: RetentionOptions | None = None,
) -> web.Application:
    """Put the web face together; nothing runs before it is served. Only a demo has a `desk`."""
    app = web.Application(
        middlewares=[log_answers, answer_errors, refuse_odd_addresses, refuse_foreign_sites],
        client_max_size=LARGEST_BODY,
    )
    assets = load_assets()
    points = PublicPoints(partial(read_villages, database, clock=clock), clock)
    app[keys.DATABASE] = database
    app[keys.OPTIONS] = options
    app[keys.CLOCK] = clock
    app[keys.READINESS] = readiness
    app[keys.ASSETS] = assets
    app[keys.TEMPLATES] = load_templates()
    app[keys.SESSIONS] = Sessions(database, clock=clock, hours=options.session_hours)
    app[keys.HUB] = Hub(database, points, clock=clock, options=options)
    app[keys.RETENTION] = retention or RetentionOptions()
    app[keys.IS_DEMO] = desk is not None
    app[POINTS] = points
    app[HISTORY] = PublicHistory(database, clock)
    for routes in PAGES:
        add_routes(app, routes)
    if desk is not None:
        app[DESK] = desk
        for routes in DEMO_PAGES:
            add_routes(app, routes)
    app.router.add_get("/assets/{version}/{name:.+}", assets.answer)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_hub_runs)
    app.on_shutdown.append(_end_streams)
    return app


@asynccontextmanager
async def serve(app: web.Application, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve for as long as this is open, and yield the address; port 0 takes any free one.

    At the end open streams are ended, and answers under way get `stop_seconds`.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        # An open page that goes away ends its handler at once, so its place among the streams is free.
        handler_cancellation=True,
        shutdown_timeout=app[keys.OPTIONS].stop_seconds,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from None
        bound = next(address for address in runner.addresses)[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        await runner.cleanup()


async def _hub_runs(app: web.Application) -> AsyncIterator[None]:
    async with app[keys.HUB].running():
        yield


async def _end_streams(app: web.Application) -> None:
    app[keys.HUB].end_all()
