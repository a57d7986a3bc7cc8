"""One log line and one count for each answer; who asked, and with which query, is nobody's business."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from dashboard.web import metrics

log = structlog.get_logger()


@web.middleware
async def log_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log method, route, status and time; the outermost middleware, so it sees what really went out."""
    started = time.perf_counter()
    status = 499  # the visitor left before there was an answer
    streamed = False
    try:
        response = await handler(request)
        status, streamed = response.status, response.content_type == "text/event-stream"
        return response
    except web.HTTPException as redirect:
        status = redirect.status
        raise
    finally:
        route, spent = route_of(request), time.perf_counter() - started
        metrics.REQUESTS.labels(request.method if status != 405 else "other", route, status).inc()
        if not streamed:
            metrics.SECONDS.labels(route).observe(spent)
        log.info("http_answer", method=request.method, route=route, status=status, ms=round(spent * 1000, 1))


def route_of(request: web.Request) -> str:
    """The pattern of the address, as `/p/{point}`: it has no names in it and there are few."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
