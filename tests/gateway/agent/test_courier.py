"""The courier: what it says first and last, what it takes for a receipt, and what it sends again."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from gateway.agent import Source, courier
from gateway.agent.disk import Disk
from gateway.agent.entries import Entry
from gateway.agent.failures import SpoolBroken
from gateway.embedded import Mosquitto
from services.events.device import DeviceHeartbeat
from services.events.fields import Fact
from tests.gateway.agent.agents import ACKS, WITHIN, SetClocks, at_work, ids_of, receipt, watching
from tests.support.mqtt import publish
from tests.support.waiting import eventually


def reached(said: Sequence[object], count: int) -> bool:
    return len(said) == count


async def test_the_birth_comes_first_and_names_boot_and_connection_as_the_will_does(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto) as agent:
        await eventually(lambda: said, within=WITHIN)
        for number in range(3):
            await agent.report("kiosk.view", {"page": f"p{number}", "lang": "sv"})
        await eventually(lambda: len(said) >= 4, within=WITHIN)
        agent.cut_off()
        await eventually(lambda: said[-1][1]["data"].get("state") == "offline", within=WITHIN)
        agent.reconnect()
        await eventually(lambda: len(said) >= 10, within=WITHIN)  # all again, since nobody receipts
    births = [body for event_type, body in said if body["data"].get("state") == "online"]
    will = said[4][1]
    assert said[0] == ("device.status", births[0])
    assert births[0]["data"]["spool"] is True
    assert births[0]["data"]["uptime_s"] >= 100
    assert will == {
        "boot": births[0]["boot"], "conn": births[0]["conn"], "data": {"state": "offline", "reason": "lost"},
    }  # fmt: skip
    assert len({birth["conn"] for birth in births}) == 2
    assert [body["data"].get("state") for _, body in said[5:7]] == ["online", "online"]  # before all others
    assert said[-1][1]["data"] == {"state": "offline", "reason": "stopped"}
    again = {body["id"]: body for _, body in said[:4]}
    assert all(again[body["id"]] == body for _, body in said[5:] if body.get("id") in again)


async def test_the_birth_is_said_first_without_a_disk_too(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def heartbeat() -> Sequence[Fact]:
        return [DeviceHeartbeat(uptime_s=1)]

    async def slowly(_: Disk, entry: Entry) -> str:
        await asyncio.sleep(0.5 if entry.type == "device.status" else 0)
        raise SpoolBroken("a slow card")

    monkeypatch.setattr(Disk, "keep", slowly)
    async with (
        watching(mosquitto) as said,
        at_work(tmp_path, mosquitto, sources=[Source("beat", 0.1, heartbeat)]),
    ):
        await eventually(lambda: len(said) >= 3, within=WITHIN)
    assert said[0][1]["data"]["state"] == "online"


async def test_a_farewell_that_nobody_hears_is_not_the_next_connections(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with at_work(tmp_path) as agent:  # no broker
        await eventually(lambda: agent.courier.session, within=WITHIN)
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto):
        await eventually(lambda: len(said) >= 2, within=WITHIN)
    birth, farewell = said[0][1], said[1][1]
    assert (birth["data"]["state"], farewell["data"]["state"]) == ("online", "offline")
    assert farewell["conn"] not in {birth["conn"], None}


async def test_receipts_that_are_none_do_no_harm(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto) as agent:
        kept = await agent.report("kiosk.view", {"page": "start", "lang": "sv"})
        await eventually(lambda: kept in ids_of(said), within=WITHIN)
        for nonsense in (
            "",
            "[]",
            "\0",
            '{"ids": [7]}',
            '{"ids": ["' + "x" * 9_000 + '"]}',
            '{"refused": 1}',
        ):
            await publish(mosquitto, ACKS, nonsense)
        await receipt(mosquitto, kept, other="invalid_data")
        await eventually(lambda: agent.tally.receipted == 1, within=WITHIN)
        assert (agent.tally.refused, agent.connected) == (0, True)


async def test_at_most_a_window_is_without_receipt_and_the_rest_follows(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto) as agent:
        await eventually(lambda: said, within=WITHIN)
        async with asyncio.TaskGroup() as tasks:
            for number in range(300):
                tasks.create_task(agent.report("kiosk.view", {"page": f"p{number}", "lang": "sv"}))
        await eventually(lambda: len(said) == 100, within=WITHIN)
        assert len(set(ids_of(said))) == 100
        await receipt(mosquitto, *ids_of(said)[:60])
        await eventually(lambda: len(said) == 160, within=WITHIN)
        assert len(set(ids_of(said))) == 160


async def test_what_has_no_receipt_is_sent_again_when_the_time_has_come(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is there and nobody answers, for an hour by the clock of the machine."""
    monkeypatch.setattr(courier, "LOOK_S", 0.05)
    clocks = SetClocks()
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto, clocks=clocks):
        await eventually(lambda: len(said) == 1, within=WITHIN)
        for expected, later_s in enumerate((34, 67, 133, 265, 529, 661, 661, 661), start=2):
            clocks.later_s += later_s
            await eventually(partial(reached, said, expected), within=WITHIN)
        assert len(set(ids_of(said))) == 1
        assert clocks.later_s > 2_900
