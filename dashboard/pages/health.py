"""For operators: alive, able to serve, and figures. Nothing here names a municipality, a device or a person."""

import asyncio
import json

from aiohttp import web
from prometheus_client import generate_latest

from dashboard.web import keys
from dashboard.web.readiness import Part, Readiness
from dashboard.web.routes import PUBLIC, Routes

routes = Routes()

CHECK_S = 5.0
_FRESH = {"Cache-Control": "no-store"}
# prometheus_client's own constant spells the character set so that aiohttp takes it for a parameter of its own.
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.get("/healthz", access=PUBLIC)
async def alive(_request: web.Request) -> web.StreamResponse:
    """Answer: the process runs and its event loop turns."""
    return web.json_response({"alive": True}, headers=_FRESH)


@routes.get("/readyz", access=PUBLIC)
async def ready(request: web.Request) -> web.StreamResponse:
    """Say part by part whether we can serve; 503 when one part is not ready."""
    found = await _check(request)
    said = {
        "ready": found.ready,
        "parts": [{"name": part.name, "ready": part.ready, "detail": part.detail} for part in found.parts],
    }
    return web.Response(
        text=json.dumps(said),
        content_type="application/json",
        status=200 if found.ready else 503,
        headers=_FRESH,
    )


@routes.get("/metrics", access=PUBLIC)
async def metrics(_request: web.Request) -> web.StreamResponse:
    """Give all figures of this process as Prometheus text."""
    return web.Response(body=generate_latest(), headers={**_FRESH, "Content-Type": _METRICS_TYPE})


async def _check(request: web.Request) -> Readiness:
    try:
        async with asyncio.timeout(CHECK_S):
            return await request.app[keys.READINESS]()
    except Exception as error:  # noqa: BLE001 - whatever the check stumbles over, the answer is "not ready"
        return Readiness((Part("check", ready=False, detail=type(error).__name__),))
