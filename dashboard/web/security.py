"""What every answer says to the browser, and what no other site may make a browser do."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.events.text import SURROGATE

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer, streams and errors too."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "bypunkt"


@web.middleware
async def refuse_foreign_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what changes something and was sent by another site's page; programs without a browser pass."""
    if request.method not in SAFE_METHODS and not comes_from_here(request):
        raise web.HTTPForbidden
    return await handler(request)


def comes_from_here(request: web.BaseRequest) -> bool:
    """Whether the browser says that our own page sent this; browsers say it by one header or the other."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


@web.middleware
async def refuse_odd_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse addresses with characters that no page of ours has and no database takes: NUL and lone surrogates."""
    if any(_is_odd(part) for part in (request.path, *request.query.keys(), *request.query.values())):
        raise web.HTTPBadRequest
    return await handler(request)


def _is_odd(text: str) -> bool:
    return "\0" in text or SURROGATE.search(text) is not None
