"""A demo is broken by hand, switch by switch, over the web; its pages say so, and heal."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from config import demo, desk
from config.demo import Plan
from dashboard.pages.demo_desk import PAGE, Switch
from tests.support.processes import alive
from tests.support.waiting import eventually

WITHIN = 60.0
SHORT_S = {
    Switch.POWER_CUT: 8.0,
    Switch.UPLINK_LOST: 8.0,
    Switch.CLOCK_UNSET: 3.0,
    Switch.BROKER_STOP: 10.0,
    Switch.BROKER_KILL: 10.0,
    Switch.DATABASE_STOP: 8.0,
    Switch.RUSH: 15.0,
}
STAGED = {"dp-tannaker"}


class Viewer:
    """Somebody signed in as the demo's administrator."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.seen: set[str] = set()

    async def states(self) -> dict[str, str]:
        """The public state of every point that is not broken anyway."""
        async with self.http.get("/points.geojson") as answer:
            assert answer.status == 200
            features = (await answer.json(content_type=None))["features"]
        found = {feature["id"]: feature["properties"]["state"] for feature in features}
        found = {point: state for point, state in found.items() if point not in STAGED}
        self.seen.update(found.values())
        return found

    async def sees(self, is_so: Callable[[dict[str, str]], bool]) -> None:
        """Wait for the states of all points to be so; what was seen meanwhile is in `seen`."""
        self.seen.clear()

        async def look() -> bool:
            states = await self.states()
            await asyncio.sleep(0.1)
            return is_so(states)

        await eventually(look, within=WITHIN)

    async def all_work(self) -> None:
        await self.sees(lambda states: set(states.values()) == {"working"})

    async def press(self, switch: Switch, point: str = "dp-lidhult") -> str:
        """The page after the press."""
        async with self.http.post(PAGE, data={"switch": switch, "point": point}) as answer:
            assert answer.status == 200
            return await answer.text()

    async def status(self, path: str) -> int:
        async with self.http.get(path) as answer:
            return answer.status

    async def text(self, path: str) -> str:
        async with self.http.get(path) as answer:
            return await answer.text()

    async def clients(self, device: str) -> int:
        """The most that its newest events speak of."""
        found = re.findall(r"(\d+) anslutna nu", await self.text(f"/staff/devices/{device}"))
        return max(map(int, found), default=0)


@asynccontextmanager
async def broken_demo(directory: Path) -> AsyncIterator[Viewer]:
    """A demo of Ljungby, with two real agents; it ends within ten seconds however broken it is."""
    with socket.socket() as web, socket.socket() as mqtt:
        web.bind(("127.0.0.1", 0))
        mqtt.bind(("127.0.0.1", 0))
        port, mqtt_port = web.getsockname()[1], mqtt.getsockname()[1]
    plan = Plan(port=port, mqtt_port=mqtt_port, data=directory, municipalities={"0781"})
    running = asyncio.ensure_future(demo.run(plan))
    jar = aiohttp.CookieJar(unsafe=True)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as http:
            await eventually(lambda: signed_in(http, running), within=WITHIN)
            yield Viewer(http)
    finally:
        running.cancel()
        async with asyncio.timeout(20):
            with suppress(asyncio.CancelledError):
                await running


async def signed_in(http: aiohttp.ClientSession, running: "asyncio.Future[None]") -> bool:
    assert not running.done(), running.exception()
    form = {"login": demo.ADMIN, "password": demo.PASSWORD}
    try:
        async with http.post("/staff/sign-in", data=form, allow_redirects=False) as answer:
            return answer.status == 303
    except aiohttp.ClientError:
        return False


def broker_pid(out: str) -> int:
    found = re.search(r"kill -9 (\d+)", out)
    assert found is not None
    return int(found[1])


async def test_every_switch_breaks_what_it_says_and_heals(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desk, "_LASTS_S", SHORT_S)
    async with broken_demo(open_directory / "demo") as viewer:
        await viewer.all_work()
        out = capsys.readouterr().out
        assert PAGE in out

        text = await viewer.press(Switch.POWER_CUT)
        assert re.search(r"Strömavbrott</th>.*Lidhult", text)
        await viewer.sees(lambda states: states["dp-lidhult"] == "down")
        assert (await viewer.states())["dp-lagan"] == "working"
        await viewer.all_work()

        text = await viewer.press(Switch.UPLINK_LOST, "dp-agunnaryd")
        assert re.search(r"Internet borta</th>.*Agunnaryd", text)
        await viewer.sees(lambda states: states["dp-agunnaryd"] == "down")
        await viewer.all_work()

        text = await viewer.press(Switch.CLOCK_UNSET, "dp-lagan")
        assert re.search(r"Fel klocka</th>.*Lagan", text)
        await eventually(lambda: not_listed(viewer, "Fel klocka"), within=WITHIN)
        await viewer.all_work()

        before = await viewer.clients("hs-ryssby-1")
        await viewer.press(Switch.RUSH)
        await eventually(lambda: more_than(viewer, before + 2), within=WITHIN)

        for switch in (Switch.BROKER_STOP, Switch.BROKER_KILL):
            text = await viewer.press(switch)
            assert "meddelandeservern</th>" in text
            await viewer.sees(lambda states: set(states.values()) == {"unknown"})
            assert "down" not in viewer.seen, "what we cannot see is not down"
            await viewer.all_work()
            assert "down" not in viewer.seen

        await viewer.press(Switch.DATABASE_STOP)
        await eventually(lambda: answers(viewer, "/staff", 503), within=WITHIN)
        assert await viewer.status("/") == 200
        assert await viewer.status("/readyz") == 503
        await eventually(lambda: answers(viewer, "/staff", 200), within=WITHIN)
        await viewer.all_work()
        assert "down" not in viewer.seen

        await viewer.press(Switch.DATABASE_STOP)  # it ends well with the database away
        await eventually(lambda: answers(viewer, "/staff", 503), within=WITHIN)
    assert not alive(broker_pid(out))


async def not_listed(viewer: Viewer, words: str) -> bool:
    return f"{words}</th>" not in await viewer.text(PAGE)


async def more_than(viewer: Viewer, clients: int) -> bool:
    return await viewer.clients("hs-ryssby-1") > clients


async def answers(viewer: Viewer, path: str, status: int) -> bool:
    return await viewer.status(path) == status


async def test_a_broker_that_is_killed_from_a_terminal_comes_back(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desk, "_LASTS_S", SHORT_S)
    async with broken_demo(open_directory / "demo") as viewer:
        await viewer.all_work()

        os.kill(broker_pid(capsys.readouterr().out), signal.SIGKILL)
        await eventually(lambda: listed(viewer, "Slå ut meddelandeservern"), within=WITHIN)
        await viewer.sees(lambda states: set(states.values()) == {"unknown"})
        await eventually(lambda: not_listed(viewer, "Slå ut meddelandeservern"), within=WITHIN)
        await viewer.all_work()


async def listed(viewer: Viewer, words: str) -> bool:
    return not await not_listed(viewer, words)
