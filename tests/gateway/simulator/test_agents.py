"""Real agents in a simulated village: the same faults, and a spool on disk that outlives them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.embedded import Mosquitto
from gateway.embedded.mosquitto import MosquittoOptions
from gateway.simulator import BrokerAddress, FaultKind, Fleet, SimulatedDevice
from tests.gateway.simulator.watching import Seen, Watcher, watching
from tests.support import eventually

SPEED = 300
HOTSPOT, KIOSK = (
    SimulatedDevice(
        municipality="0781", id=f"{kind[:2]}-lagan-1", kind=kind, point="dp-lagan", expected_interval_s=60
    )
    for kind in ("hotspot", "kiosk")
)


@asynccontextmanager
async def living(broker: BrokerAddress, directory: Path, *devices: SimulatedDevice) -> AsyncIterator[Fleet]:
    fleet = Fleet(devices, broker=broker, speed=SPEED, agents=len(devices), directory=directory)
    task = asyncio.ensure_future(fleet.run())
    try:
        yield fleet
    finally:
        async with asyncio.timeout(10):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def address(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def beats(watcher: Watcher, device: str) -> list[Seen]:
    return [event for event in watcher.of(device) if event.type == "device.heartbeat"]


def gapless(watcher: Watcher, device: str) -> bool:
    """Whether every number of every boot has been seen."""
    by_boot: dict[str, set[int]] = {}
    for event in watcher.of(device):
        if event.id:
            by_boot.setdefault(event.body["boot"], set()).add(event.body["seq"])
    return all(seqs == set(range(min(seqs), max(seqs) + 1)) for seqs in by_boot.values())


async def test_it_is_born_reports_is_receipted_and_says_goodbye(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with watching(mosquitto, receipts=True) as watcher:
        async with living(address(mosquitto), tmp_path, HOTSPOT, KIOSK) as fleet:
            types = {"device.status", "device.heartbeat", "wifi.usage", "kiosk.health"}
            await eventually(lambda: types <= {event.type for event in watcher.seen}, within=20)
            await eventually(lambda: fleet.receipted > 5, within=20)
            assert fleet.sent >= fleet.receipted
            assert fleet.refused == 0
        both = (HOTSPOT.id, KIOSK.id)
        await eventually(lambda: [watcher.states(name)[-1] for name in both] == ["offline", "offline"])
    assert {"ho-lagan-1.sqlite", "ki-lagan-1.sqlite"} <= names(tmp_path)


async def test_what_it_kept_before_a_power_cut_is_sent_after_it(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with watching(mosquitto) as watcher, living(address(mosquitto), tmp_path, HOTSPOT) as fleet:
        await eventually(lambda: len(beats(watcher, HOTSPOT.id)) >= 3, within=20)
        before = {event.id for event in watcher.of(HOTSPOT.id) if event.id}
        over_at = fleet.order([HOTSPOT.id], FaultKind.POWER_CUT, for_s=1)
        await eventually(lambda: "will" in watcher.states(HOTSPOT.id), within=10)
        assert [fault.ends_at for fault in fleet.suffers[HOTSPOT.id]] == [over_at]
        await watcher.receipt([])
        watcher.receipts = True
        await eventually(lambda: fleet.receipted >= len(before), within=30)
        await eventually(lambda: watcher.states(HOTSPOT.id).count("online") >= 2, within=10)
        again = [event for event in watcher.of(HOTSPOT.id) if event.id in before]
        assert len(again) > len(before)  # nobody had receipted them
        assert len({event.body["boot"] for event in watcher.of(HOTSPOT.id)}) == 2


async def test_what_happens_without_an_uplink_is_told_afterwards(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with (
        watching(mosquitto, receipts=True) as watcher,
        living(address(mosquitto), tmp_path, HOTSPOT) as fleet,
    ):
        await eventually(lambda: beats(watcher, HOTSPOT.id), within=20)
        over_at = fleet.order([HOTSPOT.id], FaultKind.UPLINK_LOST, for_s=4.5)
        await eventually(lambda: "will" in watcher.states(HOTSPOT.id), within=10)

        # What was measured just before, and is told again because its receipt was lost, is true as it stands.
        lost_at = over_at - timedelta(seconds=3.5)

        def late() -> list[Seen]:
            return [event for event in beats(watcher, HOTSPOT.id) if lost_at < event.time < over_at]

        await eventually(lambda: len(late()) >= 2, within=30)
        assert all(event.received_at >= over_at for event in late())
        assert {event.body["data"]["uplink_ok"] for event in late()} == {False}
        await eventually(lambda: gapless(watcher, HOTSPOT.id), within=10)


async def test_its_clock_may_be_unset_and_its_events_are_dated_all_the_same(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with (
        watching(mosquitto, receipts=True) as watcher,
        living(address(mosquitto), tmp_path, HOTSPOT) as fleet,
    ):
        await eventually(lambda: beats(watcher, HOTSPOT.id), within=20)
        fleet.order([HOTSPOT.id], FaultKind.CLOCK_UNSET, for_s=3)

        def births() -> list[str]:
            return [event.body["boot"] for event in watcher.of(HOTSPOT.id) if event.state == "online"]

        await eventually(lambda: len(set(births())) == 2, within=20)
        boot = births()[-1]

        def dated() -> list[Seen]:
            return [event for event in beats(watcher, HOTSPOT.id) if event.body["boot"] == boot]

        await eventually(lambda: len(dated()) >= 3, within=20)
        assert {event.time.year for event in dated()} == {dated()[0].received_at.year}


async def test_it_comes_with_the_account_that_is_given(tmp_path: Path, open_directory: Path) -> None:
    options = MosquittoOptions(accounts={"fleet": "secret"})
    async with Mosquitto(open_directory / "broker", options=options) as broker:
        account = BrokerAddress(broker.host, broker.port, username="fleet", password="secret")
        async with living(account, tmp_path, HOTSPOT) as fleet:
            await eventually(lambda: fleet.sent >= 2, within=20)
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600


def test_agents_need_a_place_for_their_spools() -> None:
    with pytest.raises(ValueError, match="directory"):
        Fleet([HOTSPOT], broker=BrokerAddress("127.0.0.1", 1), agents=1)
