import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from gateway.simulator.faults import Fault, FaultKind
from gateway.simulator.fortune import Agenda, Fortune
from gateway.simulator.uplink import BrokerAddress
from services.runtime.clock import now
from tests.support import eventually

NOON = datetime(2026, 6, 3, 10, tzinfo=UTC)


def fault(after_s: float, for_s: float = 10, kind: FaultKind = FaultKind.POWER_CUT) -> Fault:
    return Fault(NOON + timedelta(seconds=after_s), NOON + timedelta(seconds=after_s + for_s), kind)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_fault_is_taken_when_it_begins_and_only_once() -> None:
    agenda = Agenda(iter([fault(5), fault(30)]))
    assert agenda.take(at(4)) is None
    assert agenda.take(at(5)) == fault(5)
    assert agenda.take(at(6)) is None
    assert agenda.take(at(31)) == fault(30)
    assert agenda.take(at(1_000)) is None


def test_what_is_over_before_its_turn_comes_is_left_out() -> None:
    agenda = Agenda(fault(20 * number) for number in itertools.count())
    assert agenda.take(at(65)) == fault(60)


def test_an_order_comes_beside_what_is_planned_and_a_newer_one_replaces_it() -> None:
    agenda = Agenda(iter([fault(5)]))
    agenda.order(fault(7))
    agenda.order(fault(1))
    assert [agenda.take(at(2)), agenda.take(at(5)), agenda.take(at(8))] == [fault(1), fault(5), None]


async def test_an_order_is_noticed_by_who_waits() -> None:
    agenda = Agenda(iter([]))
    began = now()
    waiting = asyncio.ensure_future(agenda.due(now))
    await asyncio.sleep(0)
    ordered = Fault(began, began + timedelta(seconds=5), FaultKind.CLOCK_UNSET)
    agenda.order(ordered)
    async with asyncio.timeout(5):
        assert await waiting == ordered


class Body:
    """Notes what befalls it."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def boot(self, now: datetime, *, clock_unset_until: datetime | None) -> None:
        assert now.tzinfo
        self.notes.append("boot" if clock_unset_until is None else "boot in 1970")

    async def live(self, broker: BrokerAddress) -> None:
        assert broker.port
        self.notes.append("live")
        try:
            await asyncio.Event().wait()
        finally:
            self.notes.append("end")

    def die(self) -> None:
        self.notes.append("die")

    def set_uplink(self, *, up: bool) -> None:
        self.notes.append("up" if up else "down")

    def crowd(self, until: datetime) -> None:
        raise AssertionError(until)


async def led(fortune: Fortune, until: Callable[[Body], object]) -> list[str]:
    """What has befallen a body when the condition holds."""
    body = Body()
    task = asyncio.ensure_future(fortune.run(body))
    try:
        await eventually(lambda: until(body), within=10)
        return list(body.notes)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert body.notes[-1] == "end"


def soon(after_s: float, for_s: float, kind: FaultKind) -> Fault:
    starts_at = now() + timedelta(seconds=after_s)
    return Fault(starts_at, starts_at + timedelta(seconds=for_s), kind)


async def test_a_power_cut_kills_and_power_may_come_back_to_a_clock_that_is_unset() -> None:
    cut = soon(0.1, 0.2, FaultKind.POWER_CUT)
    unset = Fault(cut.ends_at, cut.ends_at + timedelta(seconds=5), FaultKind.CLOCK_UNSET)
    fortune = Fortune(BrokerAddress("127.0.0.1", 1), iter([cut, unset]), clock=now)
    notes = await led(fortune, lambda body: body.notes.count("live") == 2)
    assert notes == ["boot", "live", "die", "end", "boot in 1970", "live"]
    assert fortune.suffers == (unset,)


@pytest.mark.parametrize("kind", [FaultKind.UPLINK_LOST, FaultKind.UPLINK_SILENT])
async def test_a_lost_uplink_leaves_the_body_alive(kind: FaultKind) -> None:
    lost = soon(0.1, 0.3, kind)
    fortune = Fortune(BrokerAddress("127.0.0.1", 1), iter([lost]), clock=now)
    notes = await led(fortune, lambda body: "up" in body.notes)
    assert notes == ["boot", "live", "down", "up"]
    assert fortune.suffers == ()


async def test_power_and_uplink_may_fail_at_the_same_time() -> None:
    faults = [soon(0.1, 0.4, FaultKind.UPLINK_LOST), soon(0.2, 0.1, FaultKind.POWER_CUT)]
    fortune = Fortune(BrokerAddress("127.0.0.1", 1), iter(faults), clock=now)
    notes = await led(fortune, lambda body: "up" in body.notes)
    assert notes == ["boot", "live", "down", "die", "end", "boot", "live", "up"]
