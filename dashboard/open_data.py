"""How feeds go out: open to every site, kept ready in memory, and not sent again to those who have them.

Which points a feed shows is asked with `?municipality=` and `?point=`, in which language with `?lang=`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from dashboard.kept_bodies import Body
from dashboard.points import POINTS, PointView, Snapshot
from dashboard.public_words import PublicWords
from dashboard.web.pages import language_code, site_address

_MAX_AGE_S = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a feed is asked for: the points that fit, the reader's words, and the addresses to name."""

    views: tuple[PointView, ...]
    words: PublicWords
    base: str
    address: str

    @property
    def lang(self) -> str:
        """The reader's language."""
        return self.words.lang

    def page(self, view: PointView) -> str:
        """The address of a point's page."""
        return f"{self.base}/p/{view.id}"


async def answer(
    request: web.Request, media_type: str, make: Callable[[Asked], bytes], *, filename: str | None = None
) -> web.Response:
    """Answer a feed for `?municipality=`, `?point=` and `?lang=`; one that does not exist is not found."""
    points = request.config_dict[POINTS]
    snapshot = await points.current()
    base = site_address(request)
    asked = Asked(
        views=_selected(request, snapshot),
        words=PublicWords(language_code(request), snapshot.taken_at),
        base=base,
        address=f"{base}{request.rel_url.with_query(_wanted(request))}",
    )
    # Words like "tomorrow" depend on the time too, to the minute.
    state_of_things = (snapshot.version, snapshot.taken_at.replace(second=0, microsecond=0))
    body = points.bodies.get(
        (asked.address, asked.lang), state_of_things, lambda: make(asked), now=snapshot.taken_at
    )
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": f"public, max-age={_MAX_AGE_S}",
        "Content-Language": asked.lang,
        "ETag": body.etag,
        "Last-Modified": format_datetime(body.modified, usegmt=True),
        "Vary": "Accept-Language, Accept-Encoding",
    }
    if _is_known(request, body):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = media_type
    if filename:
        headers["Content-Disposition"] = f'inline; filename="{filename}"'
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=body.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=body.plain, headers=headers)


def _wanted(request: web.Request) -> dict[str, str]:
    """The part of the address that decides what comes."""
    return {
        name: request.query[name] for name in ("municipality", "point", "lang") if request.query.get(name)
    }


def _selected(request: web.Request, snapshot: Snapshot) -> tuple[PointView, ...]:
    municipality = request.query.get("municipality") or None
    point = request.query.get("point") or None
    known = {each.code for each in snapshot.municipalities}
    if (municipality and municipality not in known) or (point and point not in snapshot.by_id):
        raise web.HTTPNotFound
    return tuple(view for view in snapshot.of_municipality(municipality) if point in (None, view.id))


def _is_known(request: web.Request, body: Body) -> bool:
    """Whether the reader has this body already; the tag counts before the time (RFC 9110, 13.2.2)."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return "*" in known or body.etag.removeprefix("W/") in known
    since = request.headers.get("If-Modified-Since")
    if since is None:
        return False
    try:
        return body.modified <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False
