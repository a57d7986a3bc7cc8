"""The demo, as somebody runs it: it shows villages that live, ends however it is told to, and leaves nothing."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from config import demo
from config.demo import Plan
from tests.support import processes
from tests.support.installation import MAIN
from tests.support.waiting import eventually

WITHIN = 40.0
LJUNGBY = ("--municipalities", "0781")


@dataclass
class Demo:
    """A demo that was started, and what it has said so far."""

    process: asyncio.subprocess.Process
    out: Path
    err: Path
    port: int

    @property
    def said(self) -> str:
        return self.out.read_text(encoding="utf-8")

    @property
    def complaint(self) -> str:
        """What it ended with: one line on standard error, and exit code 1."""
        assert self.process.returncode == 1
        (line,) = self.err.read_text(encoding="utf-8").splitlines()
        assert line.startswith("bypunkt: ")
        return line

    async def welcomes(self) -> None:
        await eventually(
            lambda: self.process.returncode is not None or "Ctrl-C ends it." in self.said,
            within=WITHIN,
        )
        assert "Ctrl-C ends it." in self.said, self.err.read_text(encoding="utf-8")

    async def ends(self) -> int:
        return await asyncio.wait_for(self.process.wait(), WITHIN)

    def family(self) -> list[int]:
        return processes.family(self.process.pid)


@pytest.fixture
def temporary(open_directory: Path) -> Path:
    """Where the demo keeps what it throws away; other users can reach it, as servers do that it runs as them."""
    path = open_directory / "temporary"
    path.mkdir()
    path.chmod(0o777)
    return path


@asynccontextmanager
async def _demo(temporary: Path, *arguments: str, port: int = 0) -> AsyncIterator[Demo]:
    """Start a demo as its own process group, as a terminal does; what is left of it is killed at the end."""
    port = port or _free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")}
    env |= {"PYTHONPATH": str(processes.ROOT), "TMPDIR": str(temporary), "COLUMNS": "200"}
    out, err = (temporary.parent / f"{port}.{name}" for name in ("out", "err"))
    ports = () if "--mqtt-port" in arguments else ("--mqtt-port", str(_free_port()))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAIN, "demo", "--port", str(port), *ports, *arguments,
            env=env, cwd=processes.ROOT, stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
    try:
        yield Demo(process, out, err, port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _left(family: list[int], temporary: Path) -> list[object]:
    """Return the processes that are still alive and the files that are still there."""
    return [*(pid for pid in family if processes.alive(pid)), *temporary.iterdir()]


async def test_it_shows_villages_that_live_and_ends_after_its_seconds(temporary: Path) -> None:
    async with (
        _demo(temporary, "--seconds", "6", *LJUNGBY) as demo_of_ljungby,
        aiohttp.ClientSession() as visitor,
    ):
        await demo_of_ljungby.welcomes()
        family, address = demo_of_ljungby.family(), f"http://127.0.0.1:{demo_of_ljungby.port}"
        for line in (f"{address}/", f"{address}/staff", "mqtt://127.0.0.1:", "bypunkt-demo", "mosquitto_pub"):
            assert line in demo_of_ljungby.said
        assert len(family) > 3
        async with visitor.get(f"{address}/") as answer:
            assert answer.status == 200
            assert "Ljungby" in await answer.text()
        await eventually(lambda: _known_states(visitor, address), within=6)
        assert await demo_of_ljungby.ends() == 0
        assert _left(family, temporary) == []
        assert demo_of_ljungby.err.read_text(encoding="utf-8") == ""


async def _known_states(visitor: aiohttp.ClientSession, address: str) -> list[str]:
    """The states of points that are known, once there are any; all points are Ljungby's."""
    async with visitor.get(f"{address}/points.geojson") as answer:
        features = json.loads(await answer.read())["features"]
    assert {feature["properties"]["municipality"] for feature in features} == {"0781"}
    return [state for feature in features if (state := feature["properties"]["state"]) != "unknown"]


async def test_sigterm_and_ctrl_c_end_it_cleanly_whenever_they_come(temporary: Path) -> None:
    """Ctrl-C reaches the whole process group, and SIGTERM may come while the servers are still being started."""
    async with AsyncExitStack() as stack:
        ctrl_c, term, early = [await stack.enter_async_context(_demo(temporary, *LJUNGBY)) for _ in range(3)]
        await eventually(lambda: len(early.family()) > 1, within=WITHIN)
        families = early.family()
        early.process.send_signal(signal.SIGTERM)
        await ctrl_c.welcomes()
        await term.welcomes()
        families += ctrl_c.family() + term.family()
        os.killpg(ctrl_c.process.pid, signal.SIGINT)
        term.process.send_signal(signal.SIGTERM)
        for one in (early, ctrl_c, term):
            assert await one.ends() == 0
            assert one.err.read_text(encoding="utf-8") == ""
        assert _left(families, temporary) == []


async def test_killed_it_leaves_no_server_behind(temporary: Path) -> None:
    async with _demo(temporary, *LJUNGBY) as killed:
        await killed.welcomes()
        family = killed.family()
        assert len(family) > 3
        killed.process.kill()
        await killed.process.wait()
        await eventually(lambda: not any(processes.alive(pid) for pid in family), within=10)


async def test_without_mosquitto_it_runs_on_amqtt(temporary: Path) -> None:
    async with (
        _demo(temporary, "--seconds", "4", "--broker", "amqtt", *LJUNGBY) as small,
        aiohttp.ClientSession() as visitor,
    ):
        await small.welcomes()
        family = small.family()
        assert "Amqtt" in small.said
        await eventually(lambda: _known_states(visitor, f"http://127.0.0.1:{small.port}"), within=4)
        assert await small.ends() == 0
        assert _left(family, temporary) == []


async def test_what_cannot_be_is_one_line_and_leaves_nothing(temporary: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port: int = taken.getsockname()[1]
        async with (
            _demo(temporary, "--municipalities", "0781,9999") as unknown,
            _demo(temporary, "--mqtt-port", str(port), *LJUNGBY) as no_broker,
            _demo(temporary, *LJUNGBY, port=port) as no_web,
        ):
            for one in (unknown, no_broker, no_web):
                await one.ends()
            assert "no municipality 9999" in unknown.complaint
            assert "0781 Ljungby" in unknown.complaint
            for one in (no_broker, no_web):
                assert str(port) in one.complaint
                assert "PostgreSQL" not in one.complaint
    assert _left([], temporary) == []


async def test_what_was_kept_is_there_the_next_time(temporary: Path, open_directory: Path) -> None:
    kept = ("--seconds", "0", "--data", str(open_directory / "kept"), *LJUNGBY)
    for _ in range(2):
        async with _demo(temporary, *kept) as short:
            assert await short.ends() == 0
            assert "Ctrl-C ends it." in short.said
    assert (open_directory / "kept" / "postgres").is_dir()
    assert _left([], temporary) == []


@pytest.mark.parametrize(
    "code", ["2505", "2421", "2482", "2039", "2085", "0482", "0428", "0581", "0583", "0781", "0765"]
)
def test_every_municipality_can_be_shown_alone(code: str) -> None:
    registry = demo._villages(Plan(municipalities={code}))
    assert [record.code for record in registry.municipalities] == [code]
    assert {point.municipality for point in registry.service_points} == {code}
    assert {device.municipality for device in registry.devices} == {code}
    assert any(device.kind == "hotspot" for device in registry.devices)


def test_the_staged_outages_are_of_devices_that_are_there() -> None:
    devices = {device.id for device in demo._villages(Plan()).devices}
    assert {fault.device for fault in demo.STAGED} <= devices
