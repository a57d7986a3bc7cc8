"""Where a kiosk page leaves its views: HTTP on 127.0.0.1, and nowhere else.

202 means that the event is on disk. A page of another site is kept out three ways: only the origins that are named
may ask, only JSON is taken (so that a browser asks first), and the name that was called must be this machine's own.
At most `AT_ONCE` requests are served; the others are asked to come again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from gateway.agent.failures import NotAnEvent, SpoolBroken, SpoolFull
from gateway.agent.options import EndpointOptions
from services.events import document
from services.events.document import Flaw

if TYPE_CHECKING:
    from gateway.agent.agent import Agent

log = structlog.get_logger()

HOST = "127.0.0.1"
BODY_BYTES = 4_096
AT_ONCE = 64
BODY_S = 10.0
STOP_S = 1.0  # for requests that are being served; a page that stops in the middle keeps nobody
ACCEPTED = ("kiosk.view", "kiosk.session")
_OUR_NAMES = ("127.0.0.1", "localhost")
_REMEMBER_S = 600

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(agent: "Agent", options: EndpointOptions) -> None:
    """Listen until cancelled; raises OSError when the port is taken."""
    runner = web.AppRunner(
        application(agent, options), access_log=None, handle_signals=False, shutdown_timeout=STOP_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, options.port).start()
        agent.port = runner.addresses[0][1]
        log.info("endpoint_listens", port=agent.port)
        await asyncio.Event().wait()
    finally:
        agent.port = None
        await runner.cleanup()


def application(agent: "Agent", options: EndpointOptions) -> web.Application:
    """Return the endpoint as an application."""
    desk = _Counter(agent, frozenset(options.origins))
    app = web.Application(client_max_size=BODY_BYTES, middlewares=[desk.guard])
    for event_type in ACCEPTED:
        app.router.add_post(f"/{event_type}", desk.take)
        app.router.add_options(f"/{event_type}", desk.preflight)
    app.router.add_get("/health", desk.health)
    return app


class _Counter:
    """Where pages hand in."""

    def __init__(self, agent: "Agent", origins: frozenset[str]) -> None:
        self._agent = agent
        self._origins = origins
        self._served = 0

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep strangers out, and say in JSON what is wrong."""
        origin = request.headers.get("Origin")
        # `request.host` would look our own name up, in the middle of the event loop, for who names none.
        if request.headers.get("Host", "").partition(":")[0] not in _OUR_NAMES:
            return _no(421, "call this machine by its own name, 127.0.0.1")
        if origin is not None and origin not in self._origins:
            return _no(403, "this page may not report here: name its origin in endpoint.origins")
        if self._served >= AT_ONCE:
            answer: web.StreamResponse = _no(503, "busy: try again")
        else:
            self._served += 1
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                answer = _no(error.status, error.reason.lower())
            finally:
                self._served -= 1
        if origin is not None:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
        return answer

    async def preflight(self, request: web.Request) -> web.Response:
        """Tell a browser what a page may do; the guard has looked at its origin."""
        if "Origin" not in request.headers:
            return _no(400, "a preflight names its origin")
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": str(_REMEMBER_S),
        }
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            allowed["Access-Control-Allow-Private-Network"] = "true"
        return web.Response(status=204, headers=allowed)

    async def take(self, request: web.Request) -> web.Response:
        """Keep one event; 202 when it is on disk."""
        if request.content_type != "application/json":
            return _no(415, "send JSON, with content-type: application/json")
        try:
            async with asyncio.timeout(BODY_S):
                body = await request.read()
            kept = await self._agent.report(request.path.removeprefix("/"), _object(body))
        except TimeoutError:
            return _no(408, f"nothing more came within {BODY_S:g} s")
        except NotAnEvent as error:
            return _no(422, str(error))
        except (SpoolBroken, SpoolFull) as error:
            return _no(503, f"not kept: {error}")
        return _say(202, {"id": kept})

    async def health(self, _request: web.Request) -> web.Response:
        """Tell a person with curl how the agent fares."""
        try:
            return _say(200, asdict(await self._agent.health()))
        except SpoolBroken as error:
            return _say(503, {"spool": str(error), "connected": self._agent.connected})


def _object(body: bytes) -> dict[str, Any]:
    """Read one JSON object by the rules of the protocol; raises NotAnEvent."""
    found = document.elements(body)
    if isinstance(found, Flaw):
        raise NotAnEvent(f"{found.reason}: {found.detail}")
    value = found[0].value
    if len(found) > 1 or not isinstance(value, dict):
        raise NotAnEvent("send one object")
    if (reason := document.fault(value)) is not None:
        raise NotAnEvent(str(reason))
    return value


def _say(status: int, said: dict[str, Any]) -> web.Response:
    return web.Response(status=status, text=json.dumps(said) + "\n", content_type="application/json")


def _no(status: int, why: str) -> web.Response:
    return _say(status, {"error": why})
