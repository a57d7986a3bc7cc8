"""Signing in and out; works without script."""

from urllib.parse import urlsplit

import structlog
from aiohttp import web

from dashboard.web import guard, keys
from dashboard.web.forms import read_form
from dashboard.web.pages import link, render
from dashboard.web.routes import PUBLIC, Routes
from dashboard.web.sessions import SignedIn, TooManyTries, WrongPassword

log = structlog.get_logger()

routes = Routes()


@routes.get(guard.SIGN_IN, access=PUBLIC)
async def ask(request: web.Request) -> web.StreamResponse:
    """Show the form, or go on for those who are signed in already."""
    onward = guard.safe_next(request.query.get("next"))
    if await guard.find_session(request):
        raise web.HTTPSeeOther(link(request, onward))
    return _form(request, onward)


@routes.post(guard.SIGN_IN, access=PUBLIC)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check login and password, and give the browser a new session."""
    form = await read_form(request)
    login, password, onward = (form.get(name, "") for name in ("login", "password", "next"))
    target = guard.safe_next(onward)
    match await request.app[keys.SESSIONS].sign_in(login, password):
        case SignedIn(token):
            await _end_session(request)  # whoever was signed in here before is not any more
            log.info("signed_in")
            answer = web.HTTPSeeOther(target if "lang=" in urlsplit(target).query else link(request, target))
            _set_cookie(request.app, answer, token)
            raise answer
        case WrongPassword():
            log.info("sign_in_refused")
            return _form(request, target, login=login, problem="wrong", status=403)
        case TooManyTries(wait_s):
            log.warning("sign_in_braked")
            refused = _form(request, target, login=login, problem="too_many", wait_s=wait_s, status=429)
            refused.headers["Retry-After"] = str(wait_s)
            return refused


@routes.post("/staff/sign-out", access=PUBLIC)
async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session here and in the database, and its open streams."""
    await _end_session(request)
    answer = web.HTTPSeeOther(link(request, guard.SIGN_IN, signed_out="1"))
    answer.del_cookie(guard.cookie_name(request.app), path="/", secure=request.app[keys.OPTIONS].https)
    raise answer


async def _end_session(request: web.Request) -> None:
    token = guard.token_of(request)
    if token is not None:
        await request.app[keys.SESSIONS].sign_out(token)
        request.app[keys.HUB].end_session(token)


def _set_cookie(app: web.Application, answer: web.Response, token: str) -> None:
    answer.set_cookie(
        guard.cookie_name(app),
        token,
        max_age=int(app[keys.SESSIONS].life.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=app[keys.OPTIONS].https,
    )


def _form(
    request: web.Request,
    onward: str,
    *,
    login: str = "",
    problem: str = "",
    wait_s: int = 0,
    status: int = 200,
) -> web.Response:
    return render(
        request,
        "staff/sign_in.html",
        status=status,
        onward=onward,
        login=login[:128],
        problem=problem,
        wait_minutes=-(-wait_s // 60),
        signed_out="signed_out" in request.query,
    )
