"""Signing in: one form, one cookie, nothing given away, and an end that is an end."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from dashboard.options import WebOptions
from dashboard.web.brake import Brake
from dashboard.web.guard import safe_next
from services.storage.database import Installation, Role, savepoint
from services.tenants import passwords, people
from services.tenants.access import PersonRole
from tests.dashboard.staffed import LOGINS, PASSWORD, Staffed, sign_in, staffed

LOGIN = LOGINS[PersonRole.MUNICIPAL_ADMIN]


async def test_right_password_opens_the_page_that_was_asked_for(site: Staffed) -> None:
    async with site.visitor() as http:
        answer = await sign_in(http, f"  {LOGIN.upper()} ", next="/staff/devices/hs-lidhult-1?lang=en")
        assert answer.status == 303
        assert answer.headers["Location"] == "/staff/devices/hs-lidhult-1?lang=en"
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert (await http.get(answer.headers["Location"])).status == 200


async def test_wrong_password_and_unknown_login_look_the_same(site: Staffed) -> None:
    async with site.visitor() as http:
        pages = []
        for login, password in ((LOGIN, "wrong password"), ("nobody@example.org", PASSWORD), ("", "")):
            answer = await sign_in(http, login, password)
            pages.append(
                (
                    answer.status,
                    (await answer.text()).replace(login or "\0", ""),
                    "Set-Cookie" in answer.headers,
                )
            )
        assert pages[0] == pages[1]
        assert {(status, cookie) for status, _, cookie in pages} == {(403, False)}


async def test_unknown_login_costs_the_same_work(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def verify(password_hash: str, password: str) -> bool:
        checked.append(password_hash)
        return real(password_hash, password)

    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", verify)
    async with site.visitor() as http:
        for login in (LOGIN, "nobody@example.org"):
            await sign_in(http, login, "wrong password")
    known, unknown = (each.rpartition("$")[0].rpartition("$")[0] for each in checked)
    assert known == unknown  # the same algorithm with the same cost


async def test_only_a_hash_of_the_token_is_kept(site: Staffed) -> None:
    async with site.visitor() as http:
        cookie = (await sign_in(http, LOGIN)).cookies["bypunkt"].value
    stored = await site.run("SELECT token_hash FROM web_session")
    assert stored == people.token_hash(cookie)
    assert len(cookie) >= 43
    assert cookie.encode() not in stored


async def test_signing_in_gives_a_new_session_and_ends_the_old_one(site: Staffed) -> None:
    async with site.signed_in() as http:
        before = {cookie.value for cookie in http.cookie_jar}
        await sign_in(http, LOGIN)
        after = {cookie.value for cookie in http.cookie_jar}
        assert before.isdisjoint(after)
    assert await site.run("SELECT count(*) FROM web_session") == 1


async def test_token_that_was_foisted_on_the_browser_is_no_session(site: Staffed) -> None:
    async with site.visitor() as http:
        for token in ("x" * 43, "", "x" * 5000):
            async with http.get("/staff", cookies={"bypunkt": token}, allow_redirects=False) as answer:
                assert answer.status == 303


async def test_signing_out_ends_the_session_everywhere(site: Staffed) -> None:
    async with site.signed_in() as http:
        cookies = {cookie.key: cookie.value for cookie in http.cookie_jar}
        stream = await http.get("/api/v1/live")
        answer = await http.post("/staff/sign-out", allow_redirects=False)
        assert answer.status == 303
        async with asyncio.timeout(2):
            await stream.read()
    async with site.visitor() as http, http.get("/staff", cookies=cookies, allow_redirects=False) as answer:
        assert answer.status == 303
    assert await site.run("SELECT count(*) FROM web_session") == 0


async def test_session_expires(site: Staffed) -> None:
    async with site.signed_in() as http:
        assert (await http.get("/staff")).status == 200
        site.skew = timedelta(hours=12, seconds=1)
        assert (await http.get("/staff", allow_redirects=False)).status == 303


@pytest.mark.parametrize("change", ["disable", "set_password"])
async def test_session_dies_with_the_password_and_the_person(site: Staffed, change: str) -> None:
    async with site.signed_in() as http:
        async with site.database.transaction(Role.WEB, Installation()) as connection:
            if change == "disable":
                await people.disable(connection, LOGIN, now=site.now())
            else:
                await people.set_password(connection, LOGIN, "ett annat långt lösenord")
        assert (await http.get("/staff", allow_redirects=False)).status == 303
        assert (await sign_in(http, LOGIN)).status == 403


async def test_form_of_another_site_is_refused(site: Staffed) -> None:
    form = {"login": LOGIN, "password": PASSWORD}
    async with site.visitor() as http:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
        ):
            answer = await http.post("/staff/sign-in", data=form, headers=headers, allow_redirects=False)
            assert answer.status == 403
            assert "Set-Cookie" not in answer.headers
        answer = await http.post(
            "/staff/sign-in", data=form, headers={"Origin": site.url}, allow_redirects=False
        )
        assert answer.status == 303


async def test_behind_https_the_cookie_is_held_to_it(database_url: str, admin_url: str) -> None:
    options = WebOptions(port=0, public_url="https://bypunkt.example")
    async with staffed(database_url, admin_url, options) as site, site.visitor() as http:
        cookie = (await sign_in(http, LOGIN)).headers["Set-Cookie"]
        assert cookie.startswith("__Host-bypunkt=")
        assert "Secure" in cookie


async def test_tries_are_braked_login_by_login(site: Staffed) -> None:
    async with site.visitor() as http:
        answers = [(await sign_in(http, LOGIN, "wrong password")).status for _ in range(10)]
        braked = await sign_in(http, LOGIN, PASSWORD)
        other = await sign_in(http, LOGINS[PersonRole.VIEWER])
    assert set(answers) == {403}
    assert braked.status == 429
    assert 0 < int(braked.headers["Retry-After"]) <= 60
    assert "För många försök" in await braked.text()
    assert other.status == 303


def test_brake_allows_fewer_than_a_hundred_tries_an_hour_and_stays_small() -> None:
    now = 0.0
    brake = Brake(lambda: now, logins=100)
    allowed = 0
    for now in range(3600):  # noqa: B007 - the clock that the brake looks at
        allowed += brake.try_once("somebody") == 0
    assert 60 < allowed < 100
    for number in range(1000):
        brake.try_once(f"login-{number}")
    assert len(brake._spent) <= 100


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/staff", "/staff"),
        ("/staff/devices/x?lang=en", "/staff/devices/x?lang=en"),
        (None, "/staff"),
        ("", "/staff"),
        ("https://evil.example/staff", "/staff"),
        ("//evil.example/staff", "/staff"),
        ("/\\evil.example", "/staff"),
        ("/staff\\..", "/staff"),
        ("javascript:alert(1)", "/staff"),
        ("/staffing", "/staff"),
        ("/staff/sign-in?next=/staff", "/staff"),
        ("/staff/\r\nSet-Cookie: x=1", "/staff"),
        ("/", "/staff"),
        ("http://[x", "/staff"),
    ],
)
def test_after_signing_in_one_stays_on_our_staff_pages(asked: str | None, target: str) -> None:
    assert safe_next(asked) == target


async def test_cookie_that_is_no_token_of_ours_is_nobodys(site: Staffed) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    for line in (b"GET /staff HTTP/1.1", b"POST /staff/sign-out HTTP/1.1"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(line + b"\r\nHost: x\r\nCookie: bypunkt=\xff\xfe\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 303 "), answer
        writer.close()


async def test_person_who_cannot_be_is_refused(site: Staffed) -> None:
    async def add(login: str, role: PersonRole, municipality: str | None, password: str = PASSWORD) -> None:
        async with site.database.transaction(Role.WEB, Installation()) as connection:
            await people.add(connection, login, role=role, municipality=municipality, password=password)

    for login, role, municipality in (
        (LOGIN, PersonRole.VIEWER, "0781"),
        ("new", PersonRole.VIEWER, None),
        ("new", PersonRole.NETWORK, "0781"),
        ("new", PersonRole.VIEWER, "9999"),
        ("n", PersonRole.VIEWER, "0781"),
        ("<b>new</b>", PersonRole.VIEWER, "0781"),
    ):
        with pytest.raises(people.PersonError):
            await add(login, role, municipality)
    with pytest.raises(ValueError, match="12 to 256"):
        await add("new", PersonRole.VIEWER, "0781", "short")
    await add("New@Example.org", PersonRole.EDITOR, "0583")
    async with site.database.transaction(Role.WEB, Installation()) as connection:
        found = await people.find(connection, "new@example.org")
        assert found is not None
        assert (found.role, found.municipality) == (PersonRole.EDITOR, "0583")
        assert found in await people.everyone(connection)
        with pytest.raises(people.PersonError, match="no person"):
            await people.disable(connection, "nobody", now=site.now())
        with pytest.raises(asyncpg.PostgresError):
            async with savepoint(connection):
                await connection.execute("DELETE FROM person")
