"""The live streams: `/api/v1/live` for signed-in people, `/live` for everyone."""

from collections.abc import Iterable

from aiohttp import web

from dashboard.live.frames import device_frame, event_frame
from dashboard.live.hub import Full, Reader
from dashboard.live.mailbox import Frame
from dashboard.live.places import Place, read_places, write_places
from dashboard.live.public import PublicFull
from dashboard.live.store import missed
from dashboard.web import guard, keys
from dashboard.web.pages import language_code
from dashboard.web.routes import PUBLIC, Routes
from dashboard.web.streams import follow
from services.tenants.access import Permission, allows

routes = Routes()

_AGAIN = {"Retry-After": "30"}


@routes.get("/api/v1/live", access=Permission.SEE_DEVICES)
async def live(request: web.Request) -> web.StreamResponse:
    """Stream states, events, usage and our own sight within the person's municipalities.

    `Last-Event-ID`, or `?since=` on the first visit, says what has been told already; `?municipality=` narrows.
    """
    if request.method == "HEAD":
        return web.Response(headers={"Cache-Control": "no-store"})
    session = request[keys.SESSION]
    codes = guard.narrowed(await guard.tenants(request), request.query.get("municipality")).codes
    hub, lang = request.app[keys.HUB], language_code(request)
    try:
        async with hub.reader(codes, session.token) as reader:
            await _put_missed(request, reader, codes)
            return await follow(
                request,
                "staff",
                reader.mailbox,
                _Numbered(reader, lang),
                still_admitted=lambda: _may_stay(request),
            )
    except Full:
        raise web.HTTPServiceUnavailable(headers=_AGAIN) from None


@routes.get("/live", access=PUBLIC)
async def public_live(request: web.Request) -> web.StreamResponse:
    """Stream the public states of points, first as they are now; `?municipality=` and `?point=` narrow."""
    if request.method == "HEAD":
        return web.Response(headers={"Cache-Control": "no-store"})
    lang = language_code(request)
    wanted = {name: request.query.get(name) for name in ("municipality", "point")}
    try:
        async with request.app[keys.HUB].public.reader(**wanted) as reader:
            return await follow(request, "public", reader.mailbox, lambda frames: _plain(frames, lang))
    except PublicFull:
        raise web.HTTPServiceUnavailable(headers=_AGAIN) from None


class _Numbered:
    """Writes frames, each with the place that has been reached after it."""

    def __init__(self, reader: Reader, lang: str) -> None:
        self._places = dict(reader.start)
        self._lang = lang

    def __call__(self, frames: Iterable[Frame]) -> bytes:
        return b"".join(map(self._one, frames))

    def _one(self, frame: Frame) -> bytes:
        if frame.lane in self._places:
            known = self._places[frame.lane]
            self._places[frame.lane] = known.with_news(position=frame.position, revision=frame.revision)
        return frame.texts[self._lang] + f"id: {write_places(self._places)}\n\n".encode()


def _plain(frames: Iterable[Frame], lang: str) -> bytes:
    return b"".join(frame.texts[lang] + b"\n" for frame in frames)


async def _put_missed(request: web.Request, reader: Reader, codes: tuple[str, ...]) -> None:
    word = request.headers.get("Last-Event-ID") or request.query.get("since", "")
    since: dict[int, Place] = read_places(word)
    if not since:
        return
    states, events = await missed(request.app[keys.DATABASE], codes, since, reader.start)
    for frame in (*map(device_frame, states), *map(event_frame, events)):
        reader.mailbox.put(frame)


async def _may_stay(request: web.Request) -> bool:
    known = request[keys.SESSION]
    found = await request.app[keys.SESSIONS].find(known.token)
    same = found is not None and (found.person.role, found.person.municipality) == (
        known.person.role,
        known.person.municipality,
    )
    return same and allows(known.person, Permission.SEE_DEVICES)
