"""The production Caddyfile in Debian's Caddy, in front of the web face: what visitors get, and what they do not."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from dashboard.app import LARGEST_BODY
from tests.dashboard.staffed import Staffed, staffed
from tests.dashboard.streaming import stream
from tests.production.proxy import CADDYFILE, HOST, Proxy, caddy
from tests.support.waiting import eventually

YEAR_S = 31_536_000
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "BYPUNKT_HOST": HOST}


@pytest.fixture
async def site(database_url: str, admin_url: str) -> AsyncIterator[Staffed]:
    async with staffed(database_url, admin_url) as running:
        yield running


@pytest.fixture
async def proxy(site: Staffed, open_directory: Path) -> AsyncIterator[Proxy]:
    async with caddy(open_directory, site.url.removeprefix("http://")) as running:
        yield running


@pytest.mark.parametrize("https", ["public", "internal"])
def test_caddy_takes_the_file_and_finds_it_well_formatted(https: str, tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "BYPUNKT_HTTPS": https, "XDG_DATA_HOME": str(tmp_path)}

    def said(*arguments: str) -> str:
        done = subprocess.run(
            ["caddy", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    said("validate", "--config", str(CADDYFILE), "--adapter", "caddyfile")
    assert said("fmt", str(CADDYFILE)) == CADDYFILE.read_text(encoding="utf-8")


async def test_visitors_get_pages_over_https_alone(proxy: Proxy) -> None:
    async with proxy.visitor(scheme="http") as http, http.get("/", allow_redirects=False) as answer:
        assert answer.status == 308
        assert answer.headers["Location"].startswith(f"https://{HOST}")
    async with proxy.visitor() as https, https.get("/") as answer:
        assert answer.status == 200
        assert "Lidhult" in await answer.text()
        assert int(answer.headers["Strict-Transport-Security"].removeprefix("max-age=")) == YEAR_S
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Server" not in answer.headers
        assert "Via" not in answer.headers


async def test_what_is_for_operators_is_shown_to_nobody_here(site: Staffed, proxy: Proxy) -> None:
    """However it is spelled, and whatever a visitor says of where they come from: this one comes from loopback."""
    paths = (
        "/metrics",
        "/readyz",
        "/metrics/",
        "/%6Detrics",
        "/x/../metrics",
        "//metrics",
        "/METRICS",
        "/readyz?x",
    )
    for path in paths:
        status, answer = await _raw(proxy, path, "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 10.0.0.1")
        assert status in {301, 308, 400, 404}, path
        assert "bypunkt_" not in answer
        assert '"ready"' not in answer
    async with site.visitor() as here, here.get("/metrics") as itself:
        assert itself.status == 200
    async with proxy.visitor() as http, http.get("/healthz") as alive:
        assert alive.status == 200


async def test_live_events_arrive_as_soon_as_without_the_proxy(site: Staffed, proxy: Proxy) -> None:
    await site.see()
    async with (
        site.visitor() as here,
        stream(here, "/live?point=dp-lidhult") as direct,
        proxy.visitor() as http,
        stream(http, "/live?point=dp-lidhult") as live,
    ):
        await live.next("point", within=1)
        await direct.next("point")
        for state, reason in (("up", "heartbeat"), ("down", "silent"), ("up", "heartbeat")):
            await site.set_state("hs-lidhult-1", state, reason)
            await direct.next("point", within=20)
            await live.next("point", within=1)


async def test_what_a_visitor_has_already_is_not_sent_again_nor_unpacked(proxy: Proxy) -> None:
    async with proxy.visitor() as http:
        async with http.get("/feed.json") as first:
            seen = {"If-None-Match": first.headers["ETag"]}
            assert first.headers["Content-Encoding"]
        async with http.get("/feed.json", headers=seen) as again:
            assert again.status == 304
            assert await again.read() == b""


async def test_body_that_is_too_large_goes_no_further(open_directory: Path) -> None:
    async with _echo() as (address, bodies), caddy(open_directory, address) as proxy, proxy.visitor() as http:
        async with http.post("/", data=b"x" * LARGEST_BODY) as answer:
            assert answer.status == 200
        async with http.post("/", data=b"x" * 600_000) as answer:
            assert answer.status == 413
        async with http.post("/", data=_dribble()) as answer:  # without a length
            assert answer.status in {413, 502}  # Debian's Caddy says 502
    assert max(bodies) <= 600_000


async def test_program_is_not_told_who_visits_but_how(open_directory: Path) -> None:
    async with (
        _echo() as (address, _),
        caddy(open_directory, address) as proxy,
        proxy.visitor() as http,
        http.get("/", headers={"X-Forwarded-For": "203.0.113.9"}) as answer,
    ):
        headers = (await answer.json())["headers"]
    assert "X-Forwarded-For" not in headers
    assert "203.0.113.9" not in str(headers)
    assert headers["Host"] == f"{HOST}:{proxy.port}"
    assert headers["X-Forwarded-Proto"] == "https"


async def test_request_waits_while_the_program_restarts(open_directory: Path) -> None:
    async with _echo() as (address, _):
        pass
    port = int(address.rpartition(":")[2])
    async with caddy(open_directory, address) as proxy, proxy.visitor() as http, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_status(http, "/"))
        await asyncio.sleep(1)
        assert not asking.done()
        async with _echo(port):
            assert await asking == 200


async def test_program_that_stays_away_is_a_sentence_in_both_languages(open_directory: Path) -> None:
    file = _variant(open_directory, CADDYFILE.read_text(encoding="utf-8"))
    async with _echo() as (address, _):
        pass
    async with (
        caddy(open_directory, address, caddyfile=file) as proxy,
        proxy.visitor() as http,
        http.get("/p/somewhere") as answer,
    ):
        assert answer.status == 502
        said = await answer.text()
    assert "Försök igen om en stund" in said
    assert "Please try again" in said
    assert answer.headers["Retry-After"] == "30"
    assert "Server" not in answer.headers


async def test_what_caddy_writes_down_names_no_visitor_and_no_page(open_directory: Path) -> None:
    """Also when a visitor breaks off, and where our sentence does not answer for an error."""
    text, _, _ = CADDYFILE.read_text(encoding="utf-8").partition("\thandle_errors {")
    file = _variant(open_directory, text + "}\n")
    async with AsyncExitStack() as program:
        address, _ = await program.enter_async_context(_echo())
        async with caddy(open_directory, address, caddyfile=file) as proxy, proxy.visitor() as http:
            leaving = await http.get("/endless?who=somebody")
            await leaving.content.readany()
            leaving.close()
            await eventually(
                lambda: "(address)->(address)" in proxy.log.read_text(encoding="utf-8"), within=20
            )
            await program.aclose()
            assert await _status(http, "/secret-page?who=somebody") == 502
        written = proxy.log.read_text(encoding="utf-8")
    assert "secret-page" not in written
    assert re.findall(r"127\.0\.0\.1:\d+", written.partition("serving initial configuration")[2]) == []
    assert "remote_ip" not in written
    assert "somebody" not in written


def _variant(directory: Path, text: str) -> Path:
    """The Caddyfile, with less patience."""
    assert text.count("lb_try_duration 10s") == 1
    file = directory / "variant"
    file.write_text(text.replace("lb_try_duration 10s", "lb_try_duration 1s"), encoding="utf-8")
    return file


async def _raw(proxy: Proxy, path: str, headers: str) -> tuple[int, str]:
    """Ask for a path as it is written, which no client library does."""
    context = ssl.create_default_context(cafile=str(proxy.root))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=context, server_hostname=HOST)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\nConnection: close\r\n\r\n".encode()
        )
        async with asyncio.timeout(20):
            answer = (await reader.read()).decode(errors="replace")
    finally:
        writer.close()
    return int(answer.split(" ", 2)[1]), answer


async def _status(http: ClientSession, path: str) -> int:
    async with http.get(path) as answer:
        return answer.status


async def _dribble() -> AsyncIterator[bytes]:
    for _ in range(70):
        yield b"x" * 10_000


@asynccontextmanager
async def _echo(port: int = 0) -> AsyncIterator[tuple[str, list[int]]]:
    """A web program that tells what it was told, and counts what came."""
    bodies = [0]

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/endless":
            return await _endless(request)
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            bodies.append(size)
        return web.json_response({"headers": dict(request.headers), "size": size})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}", bodies
    finally:
        await runner.cleanup()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 200_000)
        await asyncio.sleep(0.01)
