"""The local endpoint: 202 means on disk; strangers, nonsense and a broken disk get a clear answer."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.agent import Agent, endpoint
from gateway.agent.endpoint import AT_ONCE, BODY_BYTES
from gateway.agent.failures import SpoolBroken
from tests.gateway.agent.agents import at_work
from tests.support.waiting import eventually

ORIGIN = "https://kiosk.example"
JSON = {"Content-Type": "application/json"}
VIEW = {"page": "buss/tider", "lang": "sv", "dwell_s": 3.5}
SESSION = {
    "session": "s-1", "started_at": "2026-11-23T08:00:00Z", "ended_at": "2026-11-23T08:01:00Z",
    "views": 2, "lang": "sv", "end": "idle",
}  # fmt: skip


@asynccontextmanager
async def page(path: Path) -> AsyncIterator[tuple[Agent, aiohttp.ClientSession]]:
    """Run an agent with an endpoint, and a page that knows it."""
    async with at_work(path, endpoint={"port": 0, "origins": [ORIGIN]}) as agent:
        await eventually(lambda: agent.port, within=20)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{agent.port}") as session:
            yield agent, session


async def answer(
    session: aiohttp.ClientSession, method: str = "POST", path: str = "/kiosk.view", **more: object
) -> tuple[int, dict[str, object], Mapping[str, str]]:
    async with session.request(method, path, **more) as got:  # type: ignore[arg-type]
        said = await got.json() if got.content_type == "application/json" else {}
        return got.status, said, got.headers


async def test_a_view_and_a_session_are_on_disk_when_they_are_accepted(tmp_path: Path) -> None:
    async with page(tmp_path) as (agent, session):
        ids = []
        for path, data in (("/kiosk.view", VIEW), ("/kiosk.session", SESSION)):
            status, said, headers = await answer(session, path=path, json=data, headers={"Origin": ORIGIN})
            assert (status, headers["Access-Control-Allow-Origin"]) == (202, ORIGIN)
            ids.append(said["id"])
        rows = await agent.disk.run(lambda spool: spool.next(9, under_way=[], settled_only=False))
        assert [(row.id, row.type) for row in rows] == [(ids[0], "kiosk.view"), (ids[1], "kiosk.session")]


async def test_a_browser_may_ask_first_also_from_a_public_page(tmp_path: Path) -> None:
    async with page(tmp_path) as (_, session):
        asks = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        status, _, headers = await answer(session, "OPTIONS", headers=asks)
        assert (status, headers["Access-Control-Allow-Headers"]) == (204, "content-type")
        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Private-Network" not in headers
        asks["Access-Control-Request-Private-Network"] = "true"
        _, _, headers = await answer(session, "OPTIONS", headers=asks)
        assert headers["Access-Control-Allow-Private-Network"] == "true"
        status, _, headers = await answer(
            session, "OPTIONS", headers=asks | {"Origin": "https://evil.example"}
        )
        assert status == 403
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("status", "why", "asked"),
    [
        (403, "origin", {"json": VIEW, "headers": {"Origin": "https://evil.example"}}),
        (403, "origin", {"json": VIEW, "headers": {"Origin": "null"}}),
        (421, "127.0.0.1", {"json": VIEW, "headers": {"Host": "kiosk.evil.example"}}),
        (415, "application/json", {"data": '{"page":"a","lang":"sv"}', "headers": {"Content-Type": "text/plain"}}),
        (415, "application/json", {"data": {"page": "a"}}),
        (413, "too large", {"json": {"page": "a" * BODY_BYTES, "lang": "sv"}}),
        (422, "empty", {"data": b"", "headers": JSON}),
        (422, "not_json", {"data": b"{", "headers": JSON}),
        (422, "not_utf8", {"data": b"\xff\xfe", "headers": JSON}),
        (422, "nul", {"data": b'{"page":"a\\u0000"}', "headers": JSON}),
        (422, "duplicate_key", {"data": b'{"page":"a","page":"b"}', "headers": JSON}),
        (422, "not_finite", {"data": b'{"page":"a","lang":"sv","dwell_s":1e999}', "headers": JSON}),
        (422, "one object", {"json": [VIEW, VIEW]}),
        (422, "one object", {"json": "view"}),
        (422, "page", {"json": {"lang": "sv"}}),
        (422, "visitor", {"json": VIEW | {"visitor": "somebody"}}),
        (422, "dwell_s", {"json": VIEW | {"dwell_s": "3"}}),
        (404, "not found", {"json": VIEW, "path": "/device.status"}),
        (404, "not found", {"json": VIEW, "path": "/"}),
        (405, "method not allowed", {"method": "GET"}),
    ],
)  # fmt: skip
async def test_nonsense_is_refused_with_its_reason(
    status: int, why: str, asked: dict[str, object], tmp_path: Path
) -> None:
    async with page(tmp_path) as (agent, session):
        got, said, _ = await answer(session, **asked)  # type: ignore[arg-type]
        assert got == status
        assert why in str(said["error"]).lower()
        assert await agent.waiting() == 0


async def test_whoever_names_no_machine_is_turned_away_without_a_look_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(name: str = "") -> str:
        looked_up.append(name)
        return "localhost"

    monkeypatch.setattr(socket, "getfqdn", look_up)
    async with page(tmp_path) as (agent, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        writer.write(b"GET /health HTTP/1.0\r\n\r\n")
        assert b" 421 " in await reader.readline()
        writer.close()
    assert looked_up == []


async def test_bytes_that_are_no_request_hurt_nobody(tmp_path: Path) -> None:
    async with page(tmp_path) as (agent, session):
        for said in (
            b"\0" * 100,
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /kiosk.view HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        ):
            _, writer = await asyncio.open_connection("127.0.0.1", agent.port)
            writer.write(said)
            await writer.drain()
            writer.close()
        status, _, _ = await answer(session, json=VIEW)
        assert status == 202


async def test_a_page_that_stops_in_the_middle_holds_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "BODY_S", 0.1)
    async with page(tmp_path) as (agent, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        head = "POST /kiosk.view HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        async with asyncio.timeout(20):
            assert b"408" in await reader.readline()
        writer.close()


async def test_a_page_that_stops_in_the_middle_keeps_nobody_from_stopping(tmp_path: Path) -> None:
    async with page(tmp_path) as (agent, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        head = "POST /kiosk.view HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Expect: 100-continue\r\nContent-Length: 100\r\n\r\n".encode())
        assert b"100 Continue" in await reader.readline()
        began = time.monotonic()
    assert time.monotonic() - began < endpoint.BODY_S / 2
    writer.close()


async def test_a_broken_disk_is_503_and_never_202(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with page(tmp_path) as (agent, session):

        async def broken(_: object) -> str:
            raise SpoolBroken("database or disk is full")

        monkeypatch.setattr(agent.disk, "keep", broken)
        status, said, _ = await answer(session, json=VIEW)
        assert (status, said["error"]) == (503, "not kept: database or disk is full")
        monkeypatch.setattr(agent.disk, "run", broken)
        status, said, _ = await answer(session, "GET", "/health")
        assert (status, said["connected"]) == (503, False)


async def test_a_crowd_is_asked_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with page(tmp_path) as (agent, session):
        go = asyncio.Event()

        async def slow(_: object) -> str:
            await go.wait()
            return "b-1"

        monkeypatch.setattr(agent.disk, "keep", slow)
        session.connector._limit = 0  # type: ignore[union-attr]
        async with asyncio.TaskGroup() as pages:
            crowd = [pages.create_task(answer(session, json=VIEW)) for _ in range(AT_ONCE + 5)]
            await eventually(lambda: sum(one.done() for one in crowd) == 5, within=20)
            go.set()
        assert sorted(one.result()[0] for one in crowd) == [202] * AT_ONCE + [503] * 5


async def test_a_person_can_ask_how_it_fares(tmp_path: Path) -> None:
    async with page(tmp_path) as (agent, session):
        await answer(session, json=VIEW)
        status, said, _ = await answer(session, "GET", "/health")
        assert status == 200
        assert said["device"] == agent.options.device
        assert (said["events_waiting"], said["connected"], said["clock"], said["spool"]) == (
            1,
            False,
            "sure",
            "ok",
        )


async def test_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    async with page(tmp_path) as (agent, _):
        with socket.socket() as other:
            other.bind(("127.0.0.2", agent.port or 0))  # would be taken if it listened everywhere


async def test_a_port_that_is_taken_stops_nothing_else(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        told = {"port": other.getsockname()[1], "origins": [ORIGIN]}
        async with at_work(tmp_path, endpoint=told) as agent:
            assert await agent.report("kiosk.view", VIEW)
            assert agent.port is None
