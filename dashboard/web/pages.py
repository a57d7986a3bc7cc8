"""A page is a template in the reader's language."""

import hashlib
from urllib.parse import urlencode

from aiohttp import web

from dashboard.web import keys
from dashboard.web.language import asked_language
from dashboard.words import role_words
from services.tenants.access import Permission, allows

# Less than this fits into one packet anyway.
_WORTH_PACKING = 1024


def render(
    request: web.Request, template: str, *, status: int = 200, max_age: int | None = None, **context: object
) -> web.Response:
    """Answer with a template; `max_age` is in seconds, and without it nobody may keep the page.

    A page that may be kept is the same for everyone: it is sent packed, and not again to those who have it. Others
    are not packed, for their size would tell what they hold.

    Templates find `lang`, `asked_lang`, `now`, `request_path`, `link(path)`, `other_language()`, `signed_in` (a
    person or none), `role_words(role)`, `is_demo`, `may(permission)` and the context given.
    """
    chosen = request[keys.LANGUAGE]
    session = request.get(keys.SESSION)
    text = request.config_dict[keys.TEMPLATES].render(
        template,
        chosen.code,
        {
            "now": request.config_dict[keys.CLOCK](),
            "request_path": request.path,
            "link": lambda path, **query: link(request, path, **query),
            "other_language": lambda: other_language(request),
            "asked_lang": asked_language(request),
            "signed_in": session.person if session else None,
            "role_words": lambda role: role_words(role, chosen.code),
            "is_demo": request.config_dict[keys.IS_DEMO],
            "may": lambda permission: session is not None and allows(session.person, Permission(permission)),
            **context,
        },
    )
    headers = {"Cache-Control": "no-store", "Content-Language": chosen.code, "Vary": "Accept-Language"}
    if max_age is not None and status == 200:
        headers["Cache-Control"] = f"public, max-age={max_age}"
        return _for_everyone(request, text.encode(), headers)
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _for_everyone(request: web.Request, body: bytes, headers: dict[str, str]) -> web.Response:
    # Weak: packed and plain are two representations of one meaning (RFC 9110, 8.8.1).
    tag = hashlib.sha256(body).hexdigest()[:24]
    headers |= {"ETag": f'W/"{tag}"', "Vary": "Accept-Language, Accept-Encoding"}
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)
    if len(body) > _WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def link(request: web.BaseRequest, path: str, **query: str | None) -> str:
    """An address within this site that keeps the language, when one was asked for."""
    wanted = {name: value for name, value in query.items() if value is not None}
    asked = asked_language(request)
    if asked and "lang" not in wanted:
        wanted["lang"] = asked
    if not wanted:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(wanted)}"


def other_language(request: web.BaseRequest) -> str:
    """This very page in the other language."""
    query = {name: value for name, value in request.query.items() if name != "lang"}
    query["lang"] = "sv" if language_code(request) == "en" else "en"
    return f"{request.path}?{urlencode(query)}"


def site_address(request: web.Request) -> str:
    """Where people find this site: as set for a proxy in front, else as asked for."""
    return request.config_dict[keys.OPTIONS].public_url or f"{request.scheme}://{request.host}"


def language_code(request: web.BaseRequest) -> str:
    """The code of the request's language."""
    return request[keys.LANGUAGE].code
