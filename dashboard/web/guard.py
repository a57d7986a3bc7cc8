"""The one guard of every staff page: who is it, may they, and whose rows may they see."""

from urllib.parse import quote, urlsplit

from aiohttp import web

from dashboard.web import keys
from dashboard.web.pages import link
from dashboard.web.sessions import Session
from services.storage.database import Database, Public, Role, Tenants
from services.storage.sql import load_queries
from services.tenants import people
from services.tenants.access import EVERYWHERE, Permission, allows
from services.tenants.people import Person, TokenHash

queries = load_queries(__package__)

SIGN_IN = "/staff/sign-in"
_LONGEST_TOKEN = 100


def cookie_name(app: web.Application) -> str:
    """The session cookie; under https the browser itself then holds it to this host and to https."""
    return "__Host-bypunkt" if app[keys.OPTIONS].https else "bypunkt"


def token_of(request: web.Request) -> TokenHash | None:
    """The token in the request's cookie, if it can be one of ours."""
    token = request.cookies.get(cookie_name(request.app), "")
    return people.token_hash(token) if token.isascii() and 0 < len(token) <= _LONGEST_TOKEN else None


async def find_session(request: web.Request) -> Session | None:
    """The signed-in session that the request's cookie names, looked up once a request."""
    found = request.get(keys.SESSION)
    if found is None:
        token = token_of(request)
        if token is None:
            return None
        found = await request.app[keys.SESSIONS].find(token)
        if found is not None:
            request[keys.SESSION] = found
    return found


async def admit(request: web.Request, permission: Permission) -> None:
    """Let a request pass that may; others are sent to sign in, or told that they may not."""
    session = await find_session(request)
    if session is None:
        if request.path.startswith("/api/") or request.method not in ("GET", "HEAD"):
            raise web.HTTPUnauthorized
        onward = quote(request.path_qs, safe="")
        raise web.HTTPSeeOther(link(request, f"{SIGN_IN}?next={onward}"))
    if not allows(session.person, permission):
        raise web.HTTPForbidden


def signed_in(request: web.Request) -> Person:
    """The person behind a request that a guard has admitted."""
    return request[keys.SESSION].person


async def tenants(request: web.Request) -> Tenants:
    """The rows that the signed-in person may see: their municipality, or all of them."""
    return await tenants_of(request.app[keys.DATABASE], signed_in(request))


async def tenants_of(database: Database, person: Person) -> Tenants:
    """The municipalities that a person works for."""
    if person.role not in EVERYWHERE:
        return Tenants((person.municipality,) if person.municipality else ())
    async with database.transaction(Role.READ, Public()) as connection:
        return Tenants(tuple(row["code"] for row in await connection.fetch(queries.municipalities)))


def narrowed(scope: Tenants, municipality: str | None) -> Tenants:
    """One municipality of those in scope; one that is not in it is as if it did not exist."""
    if not municipality:
        return scope
    if municipality not in scope.codes:
        raise web.HTTPNotFound
    return Tenants((municipality,))


def safe_next(target: str | None) -> str:
    """Where to go after signing in: a staff page of ours, whatever the address says."""
    if not target or "\\" in target or any(ord(character) < 0x20 for character in target):
        return "/staff"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/staff"
    ours = (
        not parts.scheme and not parts.netloc and (parts.path == "/staff" or parts.path.startswith("/staff/"))
    )
    return target if ours and not target.startswith("//") and parts.path != SIGN_IN else "/staff"
