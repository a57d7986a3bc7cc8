"""A command is carried out at most once and answered once, whenever the agent or the machine goes down."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gateway.agent.desk import WAITING, Desk
from gateway.agent.disk import Disk
from gateway.agent.opening import Place
from gateway.agent.options import CommandOptions
from gateway.agent.spool import Bounds
from gateway.mqtt import Delivery
from services.events import moment
from services.runtime.clock import now
from services.runtime.tasks import running
from tests.gateway.agent.agents import SetClocks
from tests.support.waiting import eventually

ALLOWED = {
    "kiosk.restart_browser": CommandOptions(program=("/bin/restart-browser",), timeout_s=5),
    "device.reboot": CommandOptions(program=("/sbin/reboot",), restarts=True),
}


@dataclass
class Bench:
    """A desk with a made-up machine, whose programs are only counted."""

    path: Path
    clocks: SetClocks = field(default_factory=SetClocks)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    said_restarting: int = 0
    exit_code: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    fails_with: Exception | None = None

    def __post_init__(self) -> None:
        self.hold.set()

    async def run_program(self, arguments: Sequence[str], *, timeout_s: float) -> int:
        assert timeout_s > 0
        self.ran.append(tuple(arguments))
        if self.fails_with is not None:
            raise self.fails_with
        await self.hold.wait()
        return self.exit_code

    async def restarting(self) -> None:
        self.said_restarting += 1

    async def ping(self) -> str | None:
        await self.hold.wait()
        return "pong"

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Desk]:
        """Work until the end of the block, and then stop as if killed: what was begun is left as it is."""
        async with self.waiting() as desk, running({"desk": desk.run}):
            yield desk

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[Desk]:
        """Take commands, and carry none out."""
        place = Place(
            path=self.path / "spool.sqlite",
            bounds=Bounds(events=1_000, bytes=10**7),
            machine=self.clocks.machine,
        )
        async with Disk(place, clocks=self.clocks.clocks()) as disk:
            desk = Desk(
                ALLOWED,
                disk=disk,
                built_in={"device.ping": self.ping},
                run_program=self.run_program,
                before_restart=self.restarting,
                on_answer=lambda: None,
            )
            async with running({"write": disk.write}):
                yield desk

    async def answers(self, desk: Desk, command_id: str = "c-1") -> list[str]:
        """Return the answers to a command, oldest first: state and detail."""
        rows = await desk._disk.run(lambda spool: spool.next(1_000, under_way=[], settled_only=False))
        found = [json.loads(row.data) for row in rows if row.type == "command.result"]
        return [
            " ".join(filter(None, (one["state"], one.get("detail"))))
            for one in found
            if one["command"] == command_id
        ]

    async def final(self, desk: Desk, command_id: str = "c-1") -> list[str]:
        """Wait for the final answer, and return all of them."""

        async def ended() -> list[str]:
            found = await self.answers(desk, command_id)
            return found if found and not found[-1].startswith("accepted") else []

        return await eventually(ended, within=20)


def delivery(name: str = "kiosk.restart_browser", command_id: str = "c-1", **changed: object) -> Delivery:
    told = {"id": command_id, "name": name, "expires_at": moment.write(now() + timedelta(minutes=10))}
    payload = json.dumps(told | changed).encode()
    return Delivery("…/down/command", payload, retain=False, qos=1, mid=1, generation=1, received_at=now())


async def test_a_command_is_accepted_carried_out_and_answered(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.at_work() as desk:
        await desk.take(delivery())
        assert await bench.final(desk) == ["accepted", "done"]
        assert bench.ran == [("/bin/restart-browser",)]
        await desk.take(delivery("device.ping", "c-2"))
        assert await bench.final(desk, "c-2") == ["accepted", "done pong"]


async def test_a_command_that_comes_again_is_not_done_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold.clear()
    async with bench.at_work() as desk:
        await desk.take(delivery())
        await eventually(lambda: bench.ran, within=20)
        for _ in range(3):
            await desk.take(delivery())
        bench.hold.set()
        assert await bench.final(desk) == ["accepted", "done"]
        await desk.take(delivery())
    async with bench.at_work() as desk:
        await desk.take(delivery())
        await desk.take(delivery("device.ping", "c-2"))
        await bench.final(desk, "c-2")
        assert await bench.answers(desk) == ["accepted", "done"]
    assert len(bench.ran) == 1


async def test_what_was_begun_when_the_agent_was_killed_is_never_begun_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold.clear()
    async with bench.at_work() as desk:
        for number in (1, 2):
            await desk.take(delivery(command_id=f"c-{number}"))
        await eventually(lambda: bench.ran, within=20)
    bench.hold.set()
    for _ in range(2):
        async with bench.at_work() as desk:
            await desk.take(delivery())
            for number in (1, 2):
                assert await bench.final(desk, f"c-{number}") == [
                    "accepted",
                    "failed interrupted: it may have been carried out",
                ]
    assert len(bench.ran) == 1


async def test_a_command_that_comes_again_before_its_turn_is_not_taken_for_an_earlier_starts(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    async with bench.waiting() as desk:
        for _ in range(2):
            await desk.take(delivery())
        async with running({"desk": desk.run}):
            assert await bench.final(desk) == ["accepted", "done"]
    assert len(bench.ran) == 1


async def test_a_reboot_is_done_when_the_machine_is_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.at_work() as desk:
        await desk.take(delivery("device.reboot"))
        await eventually(lambda: bench.ran, within=20)
        assert bench.said_restarting == 1
        assert await bench.answers(desk) == ["accepted"]
    bench.clocks.boot("machine-boot-2")
    async with bench.at_work() as desk:
        await desk.take(delivery("device.reboot"))
        assert await bench.final(desk) == ["accepted", "done"]
    assert len(bench.ran) == 1


async def test_a_reboot_that_does_not_come_has_failed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.at_work() as desk:
        desk.restart_s = 0.05
        await desk.take(delivery("device.reboot"))
        assert (await bench.final(desk))[-1].startswith("failed the machine did not restart")
    async with bench.at_work() as desk:
        await desk.take(delivery("device.reboot", "c-2"))
        await eventually(lambda: len(bench.ran) == 2, within=20)
    async with bench.at_work() as desk:  # the agent alone came back
        assert (await bench.final(desk, "c-2"))[-1].startswith("failed interrupted")


async def test_what_may_not_be_done_is_refused_with_its_reason(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    late = moment.write(now() - timedelta(seconds=1))
    async with bench.at_work() as desk:
        for number, (given, why) in enumerate(
            [
                (delivery("device.format", "r-0"), "unknown: this device does not allow it"),
                (delivery("/bin/sh", "r-1"), "unknown: this device does not allow it"),
                (delivery(command_id="r-2", expires_at=late), "expired"),
                (delivery(command_id="r-3", args={"x": 1}), "args.x: is not declared"),
                (delivery("device.ping", "r-4", args={"x": 1}), "args: this command takes none"),
                (delivery(command_id="r-5", args=7), "malformed: args: Input should be an object"),
            ]
        ):
            for _ in range(2):
                await desk.take(given)
            assert await bench.final(desk, f"r-{number}") == [f"refused {why}"]
        await desk.take(
            Delivery("t", b"nonsense", retain=False, qos=1, mid=1, generation=1, received_at=now())
        )
        assert bench.ran == []


async def test_a_retained_command_is_nobodys(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.at_work() as desk:
        old = delivery()
        await desk.take(
            Delivery(old.topic, old.payload, retain=True, qos=1, mid=1, generation=1, received_at=now())
        )
        assert await bench.answers(desk) == []


async def test_a_wrong_clock_does_not_expire_a_command(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clocks.believe_1970()
    async with bench.at_work() as desk:
        await desk.take(delivery(expires_at="1969-01-01T00:00:00Z"))
        assert await bench.final(desk) == ["accepted", "done"]


async def test_how_a_program_fails_is_told_without_what_it_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, exit_code=3)
    async with bench.at_work() as desk:
        await desk.take(delivery())
        assert await bench.final(desk) == ["accepted", "failed exit code 3"]
        for number, (error, why) in enumerate(
            [
                (TimeoutError(), "failed did not end within 5 s"),
                (
                    FileNotFoundError(2, "No such file or directory"),
                    "failed FileNotFoundError: No such file or directory",
                ),
                (ValueError("secret"), "failed ValueError at test_desk.py"),
            ]
        ):
            bench.fails_with = error
            await desk.take(delivery(command_id=f"f-{number}"))
            assert (await bench.final(desk, f"f-{number}"))[-1].startswith(why)


async def test_a_crowd_of_commands_is_turned_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hold.clear()
    async with bench.at_work() as desk:
        for number in range(WAITING + 2):
            await desk.take(delivery(command_id=f"c-{number}"))
            await eventually(lambda: bench.ran, within=20)
        last = f"c-{WAITING + 1}"
        assert await bench.answers(desk, last) == [f"refused busy: {WAITING} commands wait"]
        bench.hold.set()
        assert await bench.final(desk, f"c-{WAITING}") == ["accepted", "done"]
