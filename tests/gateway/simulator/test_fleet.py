import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from gateway.embedded import Mosquitto
from gateway.simulator import BrokerAddress, FaultKind, Fleet, SimulatedDevice, StagedFault
from services.runtime.clock import now
from tests.gateway.simulator.watching import Seen, watching
from tests.support import eventually

SPEED = 300  # a heartbeat and a report a second
LATE = timedelta(seconds=0.5)

HOTSPOT = SimulatedDevice(
    municipality="0781", id="hs-lagan-1", kind="hotspot", point="dp-lagan", expected_interval_s=60
)
KIOSK = SimulatedDevice(
    municipality="0781", id="ki-lagan-1", kind="kiosk", point="dp-lagan", expected_interval_s=60
)
LOCKER = SimulatedDevice(
    municipality="2421", id="lk-slussfors-1", kind="locker", point="sp-slussfors", expected_interval_s=60
)


@asynccontextmanager
async def running(
    broker: Mosquitto, *devices: SimulatedDevice, staged: StagedFault | None = None
) -> AsyncIterator[Fleet]:
    address = BrokerAddress(host=broker.host, port=broker.port)
    fleet = Fleet(devices, broker=address, speed=SPEED, staged=() if staged is None else (staged,))
    task = asyncio.ensure_future(fleet.run())
    try:
        yield fleet
    finally:
        await stopped(task)


async def stopped(task: "asyncio.Future[None]") -> None:
    async with asyncio.timeout(2):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_device_is_born_reports_and_says_goodbye(mosquitto: Mosquitto) -> None:
    devices = (HOTSPOT, KIOSK, LOCKER)
    async with watching(mosquitto, receipts=True) as watcher:
        async with running(mosquitto, *devices) as fleet:
            types = {"device.status", "device.heartbeat", "wifi.usage", "kiosk.health"}
            await eventually(lambda: types <= {event.type for event in watcher.seen}, within=10)
            await eventually(lambda: fleet.receipted > 3)
        await eventually(lambda: all(watcher.states(device.id)[-1:] == ["offline"] for device in devices))
        assert [watcher.states(device.id) for device in devices] == 3 * [["online", "offline"]]
        assert [watcher.of(device.id)[0].body["data"]["spool"] for device in devices] == [True, True, False]
        assert watcher.of(HOTSPOT.id)[0].body["seq"] == 1


async def test_a_power_cut_fires_the_will_and_ends_in_a_new_boot(mosquitto: Mosquitto) -> None:
    cut = StagedFault(device=HOTSPOT.id, kind=FaultKind.POWER_CUT, after_s=2, for_s=0.5)
    async with watching(mosquitto) as watcher, running(mosquitto, HOTSPOT, KIOSK, staged=cut):
        await eventually(lambda: watcher.states(HOTSPOT.id) == ["online", "will", "online"], within=8)
        birth, will, again = (event.body for event in watcher.of(HOTSPOT.id) if event.state)
        assert (will["boot"], will["conn"]) == (birth["boot"], birth["conn"])
        assert again["boot"] != birth["boot"]
        assert watcher.states(KIOSK.id) == ["online"]


async def test_a_device_that_was_cut_off_tells_afterwards_what_happened_when(mosquitto: Mosquitto) -> None:
    cut = StagedFault(device=HOTSPOT.id, kind=FaultKind.UPLINK_LOST, after_s=2, for_s=3)
    async with (
        watching(mosquitto, receipts=True) as watcher,
        running(mosquitto, HOTSPOT, staged=cut) as fleet,
    ):
        await eventually(lambda: fleet.spooled >= 2, within=6)
        await eventually(lambda: watcher.states(HOTSPOT.id) == ["online", "will", "online"], within=6)
        await eventually(lambda: fleet.spooled == 0)
        birth, _, again = (event for event in watcher.of(HOTSPOT.id) if event.state)
        assert again.body["boot"] == birth.body["boot"]
        assert again.body["conn"] != birth.body["conn"]
        caught_up = [
            event for event in watcher.of(HOTSPOT.id) if event.id and event.received_at - event.time > LATE
        ]
        assert len(caught_up) >= 2
        assert all(again.received_at <= event.received_at for event in caught_up)
        seqs = sorted(event.body["seq"] for event in watcher.of(HOTSPOT.id) if event.id)
        assert seqs == list(range(1, len(seqs) + 1))


async def test_a_spool_lets_go_only_of_what_is_receipted_stored_or_refused(mosquitto: Mosquitto) -> None:
    async with watching(mosquitto) as watcher, running(mosquitto, HOTSPOT) as fleet:
        await eventually(lambda: len(watcher.reports(HOTSPOT.id)) >= 2, within=8)
        first, second = watcher.reports(HOTSPOT.id)[:2]
        assert fleet.receipted == 0
        assert fleet.spooled >= 3  # with the birth
        await watcher.receipt([first])
        await eventually(lambda: fleet.receipted == 1)
        await watcher.receipt([second], refused=True)
        await eventually(lambda: fleet.refused == 1)


async def test_what_is_not_receipted_is_sent_again_unchanged_after_the_broker_was_away(
    mosquitto: Mosquitto,
) -> None:
    async with watching(mosquitto) as watcher, running(mosquitto, HOTSPOT):
        first = (await eventually(lambda: watcher.reports(HOTSPOT.id), within=8))[0]
        await mosquitto.restart()
        await eventually(
            lambda: [event.body for event in watcher.of(HOTSPOT.id)].count(first.body) == 2, within=10
        )
        births = [event.body for event in watcher.of(HOTSPOT.id) if event.state == "online"]
        assert len({birth["conn"] for birth in births}) == len(births) >= 2


async def test_a_boot_without_the_time_says_1970_at_first(mosquitto: Mosquitto) -> None:
    def years() -> list[int]:
        times = [event.time.year for event in watcher.of(KIOSK.id) if not event.is_will]
        return [year for year, _ in itertools.groupby(times)]

    this_year = now().year
    unset = StagedFault(device=KIOSK.id, kind=FaultKind.CLOCK_UNSET, after_s=2, for_s=2)
    async with watching(mosquitto, receipts=True) as watcher, running(mosquitto, KIOSK, staged=unset):
        await eventually(lambda: years() == [this_year, 1970, this_year], within=8)


async def test_stopping_is_bounded_in_time_without_a_broker(mosquitto: Mosquitto) -> None:
    async with running(mosquitto, HOTSPOT, LOCKER) as fleet:
        await eventually(lambda: fleet.sent >= 3, within=8)
        await mosquitto.stop()
        await eventually(lambda: fleet.lost >= 1, within=8)


async def test_an_uplink_that_falls_silent_is_found_out_late_and_its_events_are_not_lost(
    mosquitto: Mosquitto,
) -> None:
    async with watching(mosquitto, receipts=True) as watcher, running(mosquitto, HOTSPOT, KIOSK) as fleet:
        await eventually(lambda: fleet.receipted >= 4, within=10)
        over_at = fleet.order([HOTSPOT.id], FaultKind.UPLINK_SILENT, for_s=4)
        await eventually(lambda: list(fleet.suffers) == [HOTSPOT.id])
        await eventually(lambda: now() > over_at, within=6)

        def silent() -> list[datetime]:
            """Whatever was heard of the device while it was silent."""
            since = over_at - timedelta(seconds=3.5)
            return [e.received_at for e in watcher.of(HOTSPOT.id) if since < e.received_at < over_at]

        await eventually(lambda: len(watcher.reports(HOTSPOT.id)) > 12, within=20)
        assert silent() == []
        assert watcher.states(HOTSPOT.id) == ["online"]  # four seconds are less than anybody's patience
        told = [e for e in watcher.of(HOTSPOT.id) if e.time < over_at <= e.received_at]
        assert len(told) >= 3
        assert any(e.body["data"].get("uplink_ok") is False for e in told)
        seqs = [event.body["seq"] for event in watcher.of(HOTSPOT.id)]
        assert set(seqs) == set(range(1, max(seqs) + 1))
        assert len(watcher.reports(KIOSK.id)) > 4


async def test_an_ordered_power_cut_takes_those_it_is_for_and_is_listed_while_it_lasts(
    mosquitto: Mosquitto,
) -> None:
    async with watching(mosquitto, receipts=True) as watcher, running(mosquitto, HOTSPOT, LOCKER) as fleet:
        await eventually(lambda: fleet.receipted >= 2, within=10)
        over_at = fleet.order([HOTSPOT.id, "hs-nowhere-1"], FaultKind.POWER_CUT, for_s=1)
        await eventually(lambda: list(fleet.suffers) == [HOTSPOT.id])
        assert fleet.suffers[HOTSPOT.id][0].ends_at == over_at
        await eventually(lambda: watcher.states(HOTSPOT.id) == ["online", "will", "online"], within=8)
        assert fleet.suffers == {}
        assert watcher.states(LOCKER.id) == ["online"]


async def test_a_rush_fills_every_hotspot_for_a_while(mosquitto: Mosquitto) -> None:
    def clients(events: list[Seen]) -> list[int]:
        return [event.body["data"]["clients"] for event in events if event.type == "wifi.usage"]

    async with watching(mosquitto, receipts=True) as watcher, running(mosquitto, HOTSPOT) as fleet:
        await eventually(lambda: len(clients(watcher.of(HOTSPOT.id))) >= 2, within=10)
        before = max(clients(watcher.of(HOTSPOT.id)))
        until = fleet.crowd(for_s=6)
        assert until > now() + timedelta(seconds=5)
        await eventually(lambda: max(clients(watcher.of(HOTSPOT.id))) >= before + 3, within=10)
