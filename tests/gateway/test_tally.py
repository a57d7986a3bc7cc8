"""The gateway's account adds up at every moment, also when an error ends a lane (Q5)."""

import asyncio
import json
from collections.abc import Callable

import asyncpg
import pytest
from prometheus_client import REGISTRY

from gateway import intake
from gateway.embedded import Mosquitto
from gateway.tally import Tally
from services.log.store import Batch, Kept, store
from services.runtime.clock import now
from services.storage.database import Database
from tests.support.gateways import at_work, device, short_form, topic
from tests.support.waiting import eventually

USAGE = {"iface": "wlan0", "clients": 3}
OUTCOMES = ("stored", "duplicate", "dead_lettered", "refused")


def figures() -> dict[str, int]:
    """Return the account of this process as it stands."""
    found = {
        outcome: REGISTRY.get_sample_value("bypunkt_ingest_events_total", {"outcome": outcome})
        for outcome in OUTCOMES
    }
    found["received"] = REGISTRY.get_sample_value("bypunkt_gateway_events_total")
    found["returned"] = REGISTRY.get_sample_value("bypunkt_gateway_events_returned_total")
    found["in_hand"] = REGISTRY.get_sample_value("bypunkt_gateway_events_in_hand")
    return {name: int(value or 0) for name, value in found.items()}


def since(before: dict[str, int]) -> Callable[[], dict[str, int]]:
    """Return what has changed since then, without what has not."""
    return lambda: {name: value - before[name] for name, value in figures().items() if value != before[name]}


def difference(account: dict[str, int]) -> int:
    """Return what of the received is unaccounted for."""
    return account.get("received", 0) - sum(
        account.get(name, 0) for name in (*OUTCOMES, "returned", "in_hand")
    )


def test_what_is_left_in_hand_is_returned_once() -> None:
    account, tally = since(figures()), Tally()
    tally.received(5)
    tally.settled(2)
    assert account() == {"received": 5, "in_hand": 3}
    tally.close()
    tally.close()
    assert account() == {"received": 5, "returned": 3}


async def test_all_that_came_is_accounted_for_at_every_moment_and_the_tables_say_the_same(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (_, gateway),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        account, differences = since(figures()), set[int]()
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute("UPDATE bypunkt.device SET lifecycle = 'suspended' WHERE id = 'hs-lidhult-2'")
            for lane in gateway.lanes.values():
                lane.registry_changed()
            await eventually(
                lambda: any(
                    lane.knows("0781", "hs-lidhult-2") == "suspended" for lane in gateway.lanes.values()
                )
            )
            at = now().isoformat()
            batch = [{"id": f"u{number}", "time": at, "data": USAGE} for number in range(200)]
            await publisher.publish(topic("wifi.usage"), json.dumps(batch).encode(), qos=1)
            await publisher.publish(topic("wifi.usage"), json.dumps(batch[:50]).encode(), qos=1)
            for _ in range(7):
                await publisher.publish(topic("wifi.usage"), b"hello", qos=1)
            for number in range(3):
                refused = short_form(id=f"r{number}", time=at, data=USAGE)
                await publisher.publish(topic("wifi.usage", name="hs-lidhult-2"), refused, qos=1)
            # A stranger's batch is judged once more after a look at the registry.
            await publisher.publish(
                topic("wifi.usage", name="hs-nowhere-1"), json.dumps(batch[:20]).encode(), qos=1
            )

            def done() -> bool:
                differences.add(difference(account()))
                found = account()
                return found.get("received", 0) >= 261 and "in_hand" not in found

            await eventually(done)
            assert differences == {0}
            said = account()
            assert (said["stored"], said["duplicate"], said["refused"]) == (200, 50, 3)
            assert await admin.fetchval("SELECT count(*) FROM bypunkt.event") == said["stored"]
            assert await admin.fetchval("SELECT count(*) FROM bypunkt.dead_letter") == said["dead_lettered"]
        finally:
            await admin.close()


async def test_what_an_error_takes_out_of_our_hands_is_returned_and_comes_again(
    database_url: str, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = asyncio.Event()

    async def store_or_break(database: Database, lane: int, batch: Batch) -> Kept:
        if batch.accepted and not broken.is_set():
            broken.set()
            message = "nobody foresaw it"
            raise LookupError(message)
        return await store(database, lane, batch)

    async with (
        at_work(database_url, mosquitto) as (_, _gateway),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        account = since(figures())
        monkeypatch.setattr(intake, "store", store_or_break)
        payload = short_form(id="u1", time=now().isoformat(), data=USAGE)
        await publisher.publish(topic("wifi.usage"), payload, qos=1)
        await eventually(lambda: account().get("stored") == 1 and "in_hand" not in account(), within=30)
        assert account() == {"received": 2, "returned": 1, "stored": 1}
