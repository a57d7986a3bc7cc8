"""The desk's own part: servers come back whoever ended them, and nothing is broken twice."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import pytest

from config import desk
from config.demo import Plan, _villages
from config.desk import DemoDesk, Keeper, Servers
from dashboard.pages.demo_desk import AlreadyBroken, Mishap, Switch
from gateway.simulator import FaultKind, Fleet
from gateway.simulator.faults import Fault
from services.runtime.clock import now
from services.runtime.tasks import running
from tests.support import eventually

AWAY_S = 0.3


@dataclass
class Server:
    """A server that can be ended, and notes how."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    notes: list[str] = field(default_factory=list)

    async def start(self) -> None:
        self.notes.append("start")
        self.ended.clear()

    async def stop(self) -> None:
        self.notes.append("stop")
        self.ended.set()

    async def kill(self) -> None:
        self.notes.append("kill")
        self.ended.set()

    async def wait(self) -> int:
        await self.ended.wait()
        return 0


@asynccontextmanager
async def kept(server: Server) -> AsyncIterator[Keeper]:
    keeper = Keeper(server, away_s=AWAY_S, clock=now)
    async with running({"keeper": keeper.run}):
        yield keeper


@pytest.mark.parametrize(
    ("switch", "how"),
    [(Switch.BROKER_STOP, "stop"), (Switch.BROKER_KILL, "kill"), (Switch.DATABASE_STOP, "stop")],
)
async def test_a_server_comes_back_after_a_while(switch: Switch, how: str) -> None:
    server = Server()
    async with kept(server) as keeper:
        keeper.end(switch)
        assert keeper.back_at is not None
        with pytest.raises(AlreadyBroken):
            keeper.end(switch)
        await eventually(lambda: server.notes == [how, "start"])
        await eventually(lambda: keeper.back_at is None)
        keeper.end(switch)  # it can be broken again
        await eventually(lambda: server.notes == [how, "start", how, "start"])


async def test_a_server_that_somebody_else_ended_comes_back_too() -> None:
    server = Server()
    async with kept(server) as keeper:
        server.ended.set()
        await eventually(lambda: keeper.back_at is not None)
        assert keeper.broken_by is None
        await eventually(lambda: server.notes == ["start"] and keeper.back_at is None)


class Villages:
    """What a desk needs of a fleet."""

    def __init__(self) -> None:
        self.suffers: Mapping[str, tuple[Fault, ...]] = {}
        self.ordered: list[tuple[list[str], FaultKind, float]] = []

    def order(self, devices: Collection[str], kind: FaultKind, *, for_s: float) -> datetime:
        self.ordered.append((list(devices), kind, for_s))
        ends_at = now() + timedelta(seconds=for_s)
        self.suffers = {device: (Fault(now(), ends_at, kind),) for device in devices}
        return ends_at

    def crowd(self, *, for_s: float) -> datetime:
        return now() + timedelta(seconds=for_s)


@pytest.fixture
def villages() -> Villages:
    return Villages()


@pytest.fixture
def demo_desk(villages: Villages) -> DemoDesk:
    servers = Servers(broker=Server(), database=Server())
    return DemoDesk(cast("Fleet", villages), servers, _villages(Plan(municipalities={"0781"})))


async def test_a_fault_takes_every_device_of_a_point_and_is_listed_once(
    demo_desk: DemoDesk, villages: Villages
) -> None:
    await demo_desk.press(Switch.POWER_CUT, place="dp-lidhult")
    devices = ["hs-lidhult-1", "hs-lidhult-2", "ki-lidhult-1"]
    assert villages.ordered == [(devices, FaultKind.POWER_CUT, 60)]
    (mishap,) = {replaced(mishap) for mishap in demo_desk.under_way()}
    assert mishap == (Switch.POWER_CUT, "Digital servicepunkt Lidhult (demo)")
    with pytest.raises(AlreadyBroken):
        await demo_desk.press(Switch.UPLINK_LOST, place="dp-lidhult")
    await demo_desk.press(Switch.UPLINK_LOST, place="dp-lagan")


def replaced(mishap: Mishap) -> tuple[Switch, str | None]:
    return mishap.switch, mishap.place


async def test_everything_lasts_as_long_as_it_says_and_heals_in_that_order(demo_desk: DemoDesk) -> None:
    for switch in (Switch.RUSH, Switch.BROKER_STOP, Switch.DATABASE_STOP):
        await demo_desk.press(switch, place=None)
        with pytest.raises(AlreadyBroken):
            await demo_desk.press(switch, place=None)
    with pytest.raises(AlreadyBroken):
        await demo_desk.press(Switch.BROKER_KILL, place=None)
    found = demo_desk.under_way()
    assert [mishap.switch for mishap in found] == [
        Switch.BROKER_STOP,
        Switch.DATABASE_STOP,
        Switch.RUSH,
    ]
    for mishap in found:
        left_s = (mishap.ends_at - now()).total_seconds()
        assert demo_desk.lasts_s(mishap.switch) - 5 < left_s <= demo_desk.lasts_s(mishap.switch)


def test_what_happens_by_chance_is_listed_too(demo_desk: DemoDesk, villages: Villages) -> None:
    silent = Fault(now(), now() + timedelta(seconds=9), FaultKind.UPLINK_SILENT)
    villages.suffers = {"hs-lagan-1": (silent,), "ki-lagan-1": (silent,)}
    place = "Digital servicepunkt Lagan (demo)"
    assert demo_desk.under_way() == [Mishap(Switch.UPLINK_LOST, place, silent.ends_at)]


def test_only_points_with_devices_can_be_broken(demo_desk: DemoDesk) -> None:
    assert len(demo_desk.places()) == 7
    assert set(desk._LASTS_S) == set(Switch)
