"""The web face as a whole: who may come in where, what every answer says, how it stops."""

import asyncio

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs
from yarl import URL

from dashboard.pages import PAGES
from dashboard.web.access_log import log_answers
from dashboard.web.routes import Public, Routes, add_routes
from dashboard.web.security import CONTENT_SECURITY_POLICY, HEADERS
from dashboard.web.sessions import Sessions
from services.tenants.access import Permission, PersonRole
from tests.dashboard.staffed import Staffed
from tests.support import eventually

STAFF_PATHS = ("/staff", "/staff/devices/hs-lidhult-1", "/staff/dead-letters")


def test_every_route_says_who_may_come_in() -> None:
    routes = [route for page in PAGES for route in page]
    assert routes
    for route in routes:
        staff = route.path.startswith(("/staff", "/api/"))
        signs = route.path in ("/staff/sign-in", "/staff/sign-out")
        assert isinstance(route.access, Permission) == (staff and not signs), route.path
        assert isinstance(route.access, Permission | Public)


async def test_nothing_is_served_but_the_pages_and_the_assets(site: Staffed) -> None:
    declared = {(route.method, route.path) for page in PAGES for route in page}
    served = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert served - declared == {("GET", "/assets/{version}/{name}")}
    assert site.app.middlewares[0] is log_answers  # the outermost sees what really goes out


async def test_without_a_session_nothing_of_staff_is_seen(site: Staffed) -> None:
    async with site.visitor() as http:
        for path in STAFF_PATHS:
            async with http.get(path, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"] == f"/staff/sign-in?next={path}"
        async with http.get("/api/v1/live", allow_redirects=False) as answer:
            assert answer.status == 401
            assert answer.content_type == "application/problem+json"


async def test_every_answer_carries_the_policy_and_public_ones_no_cookie(site: Staffed) -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    async with site.visitor() as http:
        for path in ("/", "/staff/sign-in", "/nowhere", "/api/v1/live", "/healthz", "/live"):
            async with http.get(path) as answer:
                assert {name: answer.headers[name] for name in HEADERS} == HEADERS
                assert answer.headers["Server"] == "bypunkt"
                assert "Set-Cookie" not in answer.headers


async def test_page_that_does_not_exist_says_so_in_the_readers_language(site: Staffed) -> None:
    async with site.visitor() as http:
        swedish = await (await http.get("/nowhere")).text()
        english = await (await http.get("/nowhere", headers={"Accept-Language": "en"})).text()
    assert "Sidan finns inte" in swedish
    assert 'lang="sv"' in swedish
    assert "There is no such page" in english


async def test_programs_get_problem_details(site: Staffed) -> None:
    async with site.visitor() as http, http.get("/api/v1/nothing") as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
        assert await answer.json(content_type=None) == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
        }


async def test_method_that_is_not_there_names_those_that_are(site: Staffed) -> None:
    async with site.visitor() as http, http.post("/healthz") as answer:
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}


async def test_body_larger_than_a_message_is_refused(site: Staffed) -> None:
    async with site.visitor() as http:
        answer = await http.post("/staff/sign-in", data={"login": "a" * 300_000, "password": "x"})
        assert answer.status == 413


async def test_odd_addresses_and_forms_are_refused_and_never_an_error(site: Staffed) -> None:
    form = "application/x-www-form-urlencoded"
    async with site.signed_in() as http:
        for path in (
            "/staff/devices/x%00y",
            "/staff?municipality=%00",
            "/staff?%00=1",
            "/p/%00",
            "/live?point=%00",
        ):
            async with http.get(URL(path, encoded=True)) as answer:
                assert answer.status == 400, path
        for body, content_type in (
            (b"login=%00&password=%00", form),
            (b"\xff=\xff", form),
            (b"login=x", f"{form}; charset=utf-7"),
            (b"login=x", "text/plain"),
            (b"--x", "multipart/form-data; boundary=x"),
            (b"&".join(b"a%d=1" % number for number in range(5000)), form),
        ):
            async with http.post(
                "/staff/sign-in", data=body, headers={"Content-Type": content_type}
            ) as answer:
                assert 400 <= answer.status < 500, body[:20]


async def test_log_lines_name_routes_but_no_visitor_and_no_query(site: Staffed) -> None:
    with capture_logs() as lines:
        async with site.visitor() as http:
            await http.get(
                "/p/sp-fornasa?secret=gunnar", headers={"User-Agent": "gunnar", "Referer": "http://x/gunnar"}
            )
        await eventually(lambda: any(line["event"] == "http_answer" for line in lines))
    answer = next(line for line in lines if line["event"] == "http_answer")
    assert set(answer) == {"event", "log_level", "method", "route", "status", "ms"}
    assert answer["route"] == "/p/{point}"
    assert "gunnar" not in str(lines)
    assert "127.0.0.1" not in str(lines)


async def test_error_nobody_foresaw_tells_neither_visitor_nor_log_what_it_quoted(
    site: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: object, _token: object) -> None:
        raise RuntimeError("first line\npassword=hunter2")

    async with site.signed_in() as http:
        monkeypatch.setattr(Sessions, "find", broken)
        with capture_logs() as lines:
            async with http.get("/staff", headers={"Accept-Language": "en"}) as answer:
                assert answer.status == 500
                text = await answer.text()
        assert "The fault is ours" in text
        assert "hunter2" not in text + str(lines)
        assert any(line["event"] == "http_failed" for line in lines)


async def test_database_that_is_away_is_said_to_be_so(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_self: object, _token: object) -> None:
        raise ConnectionRefusedError

    async with site.signed_in() as http:
        monkeypatch.setattr(Sessions, "find", away)
        async with http.get("/staff") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert "Felet är hos oss" in await answer.text()


async def test_assets_are_kept_for_ever_and_packed(site: Staffed) -> None:
    async with site.visitor() as http:
        page = await (await http.get("/staff/sign-in")).text()
        address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
        async with http.get(address) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.content_type == "text/css"
        async with http.get(address.replace(address.split("/")[2], "older")) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
        for name in ("nothing.css", "..%2fapp.py", "../app.py"):
            async with http.get(f"/assets/x/{name}") as answer:
                assert answer.status == 404


async def test_stopping_ends_open_streams_and_is_quick(site: Staffed) -> None:
    async with site.signed_in(PersonRole.VIEWER) as http, ClientSession(site.url) as anybody:
        staff, public = await http.get("/api/v1/live"), await anybody.get("/live")
        assert (staff.status, public.status) == (200, 200)
        async with asyncio.timeout(3):
            await site.app.shutdown()
            await staff.read()
            await public.read()


def test_routes_cannot_be_made_without_saying_who() -> None:
    with pytest.raises(TypeError):
        Routes().get("/open")  # type: ignore[call-arg]
    assert callable(add_routes)
