"""The agent as a whole, with a real broker, a real gateway and a real database."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.agent import Agent, NotAnEvent, Source, courier
from gateway.agent.agent import OLDEST_MS
from gateway.agent.clocks import Instant
from gateway.agent.entries import Entry, entry_of
from gateway.embedded import Mosquitto
from services.events import moment
from services.events.device import DeviceHeartbeat
from services.events.fields import Fact
from services.events.wifi import WifiUsage
from services.runtime.clock import now
from services.storage.database import Database, Role
from tests.gateway.agent.agents import WITHIN, SetClocks, at_work, ids_of, options, watching
from tests.gateway.agent.test_spool import opened
from tests.support.gateways import ALL, dead
from tests.support.gateways import at_work as gateway_at_work
from tests.support.mqtt import publish
from tests.support.processes import ROOT
from tests.support.waiting import eventually

COMMANDS = "bypunkt/v1/0781/hs-lidhult-1/down/command"


async def rows(database: Database) -> list[dict[str, Any]]:
    """Return all stored events, in the order in which they were stored."""
    async with database.transaction(Role.WEB, ALL) as connection:
        found = await connection.fetch(
            "SELECT id, type, boot, conn, seq, time, at, received_at, data FROM event ORDER BY position"
        )
    return [{**row, "data": row["data"]} for row in found]


async def test_events_are_stored_and_leave_the_spool_by_their_receipt(
    mosquitto: Mosquitto, database_url: str, tmp_path: Path
) -> None:
    async with (
        gateway_at_work(database_url, mosquitto) as (database, _),
        at_work(tmp_path, mosquitto) as agent,
    ):
        kept = [await agent.report("device.heartbeat", {"uptime_s": number}) for number in range(5)]
        await eventually(lambda: agent.tally.receipted >= 6, within=WITHIN)  # with the birth
        assert await agent.waiting() == 0
        found = await rows(database)
        assert {row["id"] for row in found} > set(kept)
        assert sorted(row["seq"] for row in found) == [1, 2, 3, 4, 5, 6]
        assert all(row["time"] is not None and row["boot"] == agent.disk.boot for row in found)


async def test_what_is_refused_leaves_the_spool_with_its_reason_in_the_log(
    mosquitto: Mosquitto, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def oddly_dated(fact: Fact, present: Instant, *, conn: str | None = None) -> Entry:
        return replace(entry_of(fact, present, conn=conn), time_ms=1_770_000_000_000)

    monkeypatch.setattr("gateway.agent.agent.entry_of", oddly_dated)
    async with gateway_at_work(database_url, mosquitto) as (database, _):
        with capture_logs() as lines:
            async with at_work(tmp_path, mosquitto) as agent:
                kept = await agent.report("kiosk.view", {"page": "start", "lang": "sv"})
                await eventually(lambda: agent.tally.refused, within=WITHIN)
                assert await agent.waiting() == 0
        said = [line for line in lines if line["event"] == "event_refused"]
        assert [(line["id"], line["reason"]) for line in said] == [(kept, "too_old")]
        assert [reason for reason, _ in await dead(database)] == ["too_old"]


async def test_nothing_is_sent_for_ever(mosquitto: Mosquitto, tmp_path: Path) -> None:
    clocks = SetClocks()
    async with at_work(tmp_path, mosquitto, clocks=clocks) as agent:
        await agent.report("kiosk.view", {"page": "start", "lang": "sv"})
        await eventually(lambda: agent.tally.sent >= 2, within=WITHIN)
        await agent.clean_up()
        assert await agent.waiting() == 2
        clocks.later_s = OLDEST_MS / 1000 + 60  # that long on, whatever the clock says
        with capture_logs() as lines:
            await agent.clean_up()
        assert await agent.waiting() == 0
        assert (await agent.health()).expired == 2
        said = [line for line in lines if line["event"] == "events_dropped"]
        assert [(line["reason"], line["count"]) for line in said] == [("too_old", 2)]


async def test_a_wrong_clock_at_the_start_is_put_right_before_anything_is_dated(
    mosquitto: Mosquitto, database_url: str, tmp_path: Path
) -> None:
    clocks = SetClocks()
    clocks.believe_1970()
    async with gateway_at_work(database_url, mosquitto) as (database, _):
        began = now()
        async with at_work(tmp_path, clocks=clocks) as agent:  # no broker
            early = await agent.report("kiosk.view", {"page": "early", "lang": "sv"})
            clocks.later_s += 3_600
        async with at_work(tmp_path, mosquitto, clocks=clocks, clock={"wait_s": 3_000}) as agent:
            waits = await agent.report("kiosk.view", {"page": "waits", "lang": "sv"})
            await eventually(lambda: agent.tally.receipted == 1, within=WITHIN)  # the birth, without a time
            clocks.set_right()
            agent.courier.wake()
            await eventually(lambda: agent.tally.receipted >= 3, within=WITHIN)
        found = {row["id"]: row for row in await rows(database)}
    assert found[early]["time"] < began - timedelta(minutes=59)
    assert found[early]["time"] > began - timedelta(minutes=61)
    assert abs(found[waits]["time"] - began) < timedelta(seconds=60)
    birth = min(found.values(), key=lambda row: row["received_at"])
    assert (birth["data"], birth["time"]) == (birth["data"] | {"state": "online"}, None)
    assert birth["at"] == birth["received_at"]


async def test_a_clock_that_stays_wrong_lets_the_receipt_count_and_the_time_stays_decided(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    clocks = SetClocks()
    clocks.believe_1970()
    async with (
        watching(mosquitto) as said,
        at_work(tmp_path, mosquitto, clocks=clocks, clock={"wait_s": 0.3}) as agent,
    ):
        kept = await agent.report("kiosk.view", {"page": "start", "lang": "sv"})
        await eventually(lambda: kept in ids_of(said), within=WITHIN)
        clocks.set_right()
        agent.cut_off()
        await eventually(lambda: not agent.connected, within=WITHIN)
        agent.reconnect()
        await eventually(lambda: ids_of(said).count(kept) == 2, within=WITHIN)
        assert all("time" not in body for _, body in said if body.get("id") == kept)


async def test_a_jumping_clock_moves_no_timer(mosquitto: Mosquitto, tmp_path: Path) -> None:
    clocks = SetClocks()
    read: list[float] = []

    async def look() -> Sequence[Fact]:
        read.append(asyncio.get_running_loop().time())
        clocks.off_by = timedelta(days=random.Random(len(read)).randrange(-9_000, 9_000))
        return []

    async with at_work(tmp_path, mosquitto, clocks=clocks, sources=[Source("look", 0.05, look)]):
        await eventually(lambda: len(read) >= 10, within=WITHIN)
    assert read[9] - read[0] > 0.25  # nine pauses of 0.05 s: neither skipped nor stuck


async def test_sources_are_read_in_their_rhythm_and_survive_a_fault(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    tries = 0

    async def heartbeat() -> Sequence[Fact]:
        nonlocal tries
        tries += 1
        if tries == 2:
            raise ValueError("a sensor that is broken")
        return [DeviceHeartbeat(uptime_s=tries)]

    async with (
        watching(mosquitto) as said,
        at_work(tmp_path, mosquitto, sources=[Source("beat", 0.1, heartbeat)]),
    ):
        await eventually(lambda: len(said) >= 5, within=WITHIN)
    beats = [body["data"]["uptime_s"] for event_type, body in said if event_type == "device.heartbeat"]
    assert beats[:3] == [1, 3, 4]


async def test_a_full_disk_is_no_silence(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "LOOK_S", 0.05)
    (tmp_path / "folder").write_text("in the way")

    async def heartbeat() -> Sequence[Fact]:
        return [DeviceHeartbeat(uptime_s=1)]

    async with (
        watching(mosquitto) as said,
        at_work(tmp_path / "folder", mosquitto, sources=[Source("beat", 0.2, heartbeat)]) as agent,
    ):
        await eventually(lambda: len(said) >= 3, within=WITHIN)
        assert said[0][1]["data"]["state"] == "online"
        assert said[0][1]["data"]["reason"].startswith("spool broken: ")
        assert {event_type for event_type, _ in said[1:]} == {"device.heartbeat"}
        assert "id" not in said[1][1]
        (tmp_path / "folder").unlink()
        await eventually(lambda: "id" in said[-1][1], within=WITHIN)
        missed = (await agent.health()).missed
        assert missed >= 2
        assert said[-1][1]["seq"] > missed


async def test_cleaning_up_a_spool_that_could_not_be_opened_before_leaves_its_age_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "spool").write_text("in the way")
    async with at_work(tmp_path / "spool") as agent:
        with opened(tmp_path / "away", machine="m0") as spool:
            spool.live(OLDEST_MS, newest_ms=0, expire=(0, 0))
        (tmp_path / "spool").unlink()
        (tmp_path / "away").rename(tmp_path / "spool")
        await agent.clean_up()
        assert (await agent.disk.run(lambda spool: spool.present)).lived_ms >= OLDEST_MS


async def test_a_damaged_spool_is_reported_in_the_birth(mosquitto: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"\x07" * 5_000)
    async with watching(mosquitto) as said, at_work(tmp_path, mosquitto):
        await eventually(lambda: said, within=WITHIN)
    assert said[0][1]["data"]["reason"] == "the spool was damaged and set aside as spool.sqlite.damaged-1"


async def test_commands_are_answered_and_carried_out_once(
    mosquitto: Mosquitto, database_url: str, tmp_path: Path
) -> None:
    async def usage() -> Sequence[Fact]:
        return [WifiUsage(iface="wlan0", clients=3)]

    async def no_beat() -> Sequence[Fact]:
        return [DeviceHeartbeat(uptime_s=1)]

    sources = [Source("usage", 3_000, usage, usage=True), Source("beat", 3_000, no_beat)]
    allowed = {"kiosk.restart": {"program": ["/bin/sh", "-c", f"echo done >> {tmp_path}/done"]}}
    async with (
        gateway_at_work(database_url, mosquitto) as (database, _),
        at_work(tmp_path, mosquitto, sources=sources, commands=allowed) as agent,
    ):
        await eventually(lambda: agent.connected, within=WITHIN)
        names = ["device.ping", "hotspot.report_now", "device.report", "kiosk.restart", "kiosk.format"]
        late = moment.write(now() + timedelta(minutes=10))
        for number, name in enumerate(names):
            said = json.dumps({"id": f"c-{number}", "name": name, "args": {}, "expires_at": late})
            for _ in range(3):
                await publish(mosquitto, COMMANDS, said)

        async def answers() -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for row in await rows(database):
                if row["type"] == "command.result":
                    found.setdefault(row["data"]["command"], []).append(row["data"]["state"])
            return found

        async def all_answered() -> bool:
            found = await answers()
            return len(found) == 5 and all(states[-1] != "accepted" for states in found.values())

        await eventually(all_answered, within=WITHIN)
        assert await answers() == {f"c-{n}": ["accepted", "done"] for n in range(4)} | {"c-4": ["refused"]}
        types = [row["type"] for row in await rows(database)]
        assert (types.count("wifi.usage"), types.count("device.heartbeat")) == (2, 1)
    assert (tmp_path / "done").read_text() == "done\n"


async def test_what_is_no_event_is_not_kept(tmp_path: Path) -> None:
    async with at_work(tmp_path) as agent:
        with pytest.raises(NotAnEvent, match="page"):
            await agent.report("kiosk.view", {"lang": "sv"})
        assert await agent.waiting() == 0


async def test_stopping_is_quick_without_a_broker_and_twice_is_no_error(tmp_path: Path) -> None:
    agent = Agent(options(tmp_path), clocks=SetClocks().clocks())
    async with asyncio.timeout(WITHIN):
        async with agent:
            await agent.report("kiosk.view", {"page": "start", "lang": "sv"})
        await agent.__aexit__(None, None, None)


def test_importing_the_agent_loads_no_database_and_no_pages() -> None:
    code = (
        "import sys, gateway.agent, gateway.agent.main;"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "{'asyncpg', 'config', 'dashboard', 'jinja2', 'uvloop', 'typer', 'argon2'}"
        " or name.startswith(('services.storage.database', 'services.log', 'services.status', 'services.tenants'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
