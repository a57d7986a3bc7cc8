"""Errors for people as pages, for programs as problem details (RFC 9457); the cause stays in the log."""

import json
import traceback
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from dashboard.web import keys
from dashboard.web.language import language_of
from dashboard.web.pages import render
from services.runtime.tasks import describe
from services.storage.database import UNREACHABLE

log = structlog.get_logger()

_FOR_PROGRAMS = ("/api/", "/feed.", "/points.", "/calendar.", "/healthz", "/readyz", "/metrics", "/live")
_KEPT = ("Allow", "Retry-After", "Location")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into an answer that fits who asked."""
    request[keys.LANGUAGE] = language_of(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        return error_answer(request, error.status, kept)
    except UNREACHABLE as error:
        log.warning("http_database_unreachable", error=describe(error))
        return error_answer(request, 503, {"Retry-After": "5"})
    except Exception as error:  # noqa: BLE001 - the HTTP border, where unknown errors end (style, rule 7)
        log.error("http_failed", error=describe(error), at=_frames(error))  # noqa: TRY400 - a traceback quotes data
        return error_answer(request, 500, {})


def error_answer(request: web.Request, status: int, headers: dict[str, str]) -> web.Response:
    """The answer for an error status."""
    response = problem(status) if request.path.startswith(_FOR_PROGRAMS) else _page(request, status)
    response.headers.update(headers)
    return response


def problem(status: int, detail: str | None = None) -> web.Response:
    """Problem details: what a program needs to know about an error."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        said["detail"] = detail
    return web.Response(
        text=json.dumps(said),
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def _page(request: web.Request, status: int) -> web.Response:
    return render(request, "error.html", status=status, error_status=status)


def _frames(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
