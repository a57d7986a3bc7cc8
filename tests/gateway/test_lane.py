"""From a device's publish to the log, over a real broker and a real database."""

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.embedded import Mosquitto
from gateway.mqtt import Session
from services.ingest.models import LIMITS
from services.log.lanes import BLIND_AFTER
from services.runtime.clock import now
from services.storage.database import Database, Lane, Role
from services.tenants.importing import import_registry
from tests.support.gateways import at_work, dead, device, sees, short_form, stored, topic
from tests.support.villages import lane_of, registry
from tests.support.waiting import eventually

USAGE: dict[str, Any] = {"iface": "wlan0", "ssid": "by", "clients": 3, "interval_s": 300}


def stamp(**ago: float) -> str:
    """Return a time as devices write it."""
    return (now() - timedelta(**ago)).isoformat()


async def test_the_same_event_ten_times_is_stored_once(database_url: str, mosquitto: Mosquitto) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        payload = short_form(id="u1", time=stamp(), data=USAGE)
        for _ in range(10):
            await publisher.publish(topic("wifi.usage"), payload, qos=1)
        await publisher.publish(topic("wifi.usage"), short_form(id="u2", time=stamp(), data=USAGE), qos=1)
        await eventually(lambda: _ids(database, 2))
        assert await stored(database) == ["u1", "u2"]
        assert await dead(database) == []


async def test_a_batch_of_a_hundred_is_stored_whole(database_url: str, mosquitto: Mosquitto) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        batch = [{"id": f"u{n:03}", "time": stamp(seconds=100 - n), "data": USAGE} for n in range(100)]
        await publisher.publish(topic("wifi.usage"), json.dumps(batch).encode(), qos=1)
        await eventually(lambda: _ids(database, 100))
        assert await stored(database) == [f"u{n:03}" for n in range(100)]


async def test_cloudevents_and_the_short_form_are_the_same_event(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        time = stamp()
        cloud = {
            "specversion": "1.0", "id": "u1", "source": "/0781/hs-lidhult-1", "type": "wifi.usage", "time": time,
            "data": USAGE,
        }  # fmt: skip
        await publisher.publish(topic("wifi.usage"), json.dumps(cloud).encode(), qos=1)
        await publisher.publish(topic("wifi.usage"), short_form(id="u1", time=time, data=USAGE), qos=1)
        await publisher.publish(topic("wifi.usage"), short_form(id="u2", data=USAGE), qos=1)
        await eventually(lambda: _ids(database, 2))
        assert await stored(database) == ["u1", "u2"]


BAD = {
    "nul": (topic("wifi.usage"), b'{"data": {"ssid": "a\\u0000b"}}'),
    "not_finite": (topic("wifi.usage"), b'{"data": {"clients": NaN}}'),
    "invalid_data": (
        topic("wifi.usage"),
        b'{"data": {"iface": "wlan0", "clients": "three", "interval_s": 300}}',
    ),
    "wrong_municipality": (topic("wifi.usage", municipality="0583"), short_form(data=USAGE)),
    "unknown_device": (topic("wifi.usage", name="hs-nowhere-1"), short_form(data=USAGE)),
    "too_large": (topic("wifi.usage"), short_form(data=USAGE, id="x", padding="x" * 20_000)),
    "unknown_type": (topic("wifi.weather"), short_form(data=USAGE)),
    "not_json": (topic("wifi.usage"), b"hello"),
    "too_old": (topic("wifi.usage"), short_form(data=USAGE, time=stamp(days=LIMITS.oldest.days + 1))),  # type: ignore[union-attr]
}


async def test_what_cannot_be_stored_is_one_dead_letter_each_with_its_reason(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        for number, (reason, (where, payload)) in enumerate(BAD.items(), start=1):
            await publisher.publish(where, payload, qos=1)
            good = short_form(id=f"good-{number}", time=stamp(), data=USAGE)
            await publisher.publish(topic("wifi.usage"), good, qos=1)
            await eventually(partial(_ids, database, number))
            await eventually(partial(_letters, database, number))
            assert (await dead(database))[-1][0] == reason
        await publisher.publish(topic("wifi.usage"), short_form(data=USAGE), qos=1, retain=True)
        await eventually(lambda: _letters(database, len(BAD) + 1))
        assert (await dead(database))[-1][0] == "retained"
        assert len(await stored(database)) == len(BAD)


async def test_a_bad_event_in_a_batch_leaves_the_others(database_url: str, mosquitto: Mosquitto) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        good = [{"id": f"u{n}", "time": stamp(seconds=10 - n), "data": USAGE} for n in range(4)]
        batch = [*good[:2], {"id": "bad", "data": {"clients": -1}}, *good[2:]]
        await publisher.publish(topic("wifi.usage"), json.dumps(batch).encode(), qos=1)
        await eventually(lambda: _ids(database, 4))
        assert [reason for reason, _ in await dead(database)] == ["invalid_data"]


async def test_a_device_with_a_spool_gets_receipts_and_others_do_not(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto),
        device(mosquitto, "hs-lidhult-1") as spooling,
        device(mosquitto, "hs-lidhult-2") as other,
    ):
        birth = short_form(id="birth", boot="b1", conn="c1", data={"state": "online", "spool": True})
        await spooling.publish(topic("device.status"), birth, qos=1)
        assert await _receipt(spooling) == {"ids": ["birth"], "refused": []}
        batch = [{"id": "u1", "time": stamp(), "data": USAGE}, {"id": "u2", "data": {"clients": -1}}]
        await other.publish(topic("wifi.usage", name="hs-lidhult-2"), short_form(id="o1", data=USAGE), qos=1)
        await spooling.publish(topic("wifi.usage"), json.dumps(batch).encode(), qos=1)
        assert await _receipt(spooling) == {
            "ids": ["u1"],
            "refused": [{"id": "u2", "reason": "invalid_data"}],
        }
        await spooling.publish(topic("wifi.usage"), json.dumps(batch[:1]).encode(), qos=1)
        assert await _receipt(spooling) == {"ids": ["u1"], "refused": []}  # a repetition is receipted as well
        assert other.waiting == 0


async def test_suspended_devices_are_refused_and_counted_not_stored(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, gateway),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        await import_registry(database, registry(lifecycle="suspended"))
        lane = gateway.lanes[await lane_of(database, "0781")]
        await eventually(lambda: lane.knows("0781", "hs-lidhult-1") == "suspended")
        before = _refused("device_suspended")
        await publisher.publish(topic("wifi.usage"), short_form(id="u1", data=USAGE), qos=1)
        await eventually(lambda: _refused("device_suspended") == before + 1)
        await import_registry(database, registry(lifecycle="active"))
        await eventually(lambda: lane.knows("0781", "hs-lidhult-1") == "active")
        await publisher.publish(topic("wifi.usage"), short_form(id="u2", data=USAGE), qos=1)
        await eventually(lambda: _ids(database, 1))
        assert (await stored(database), await dead(database)) == (["u2"], [])


async def test_a_municipality_that_comes_later_is_served_without_a_restart(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, gateway),
        device(mosquitto, "hs-moskosel-1") as publisher,
    ):
        newcomer = registry({"hs-moskosel-1": "2505"}).model_dump()
        newcomer["municipalities"] = [newcomer["municipalities"][0] | {"code": "2505", "name": "Arvidsjaur"}]
        newcomer["service_points"] = []
        newcomer["devices"] = [newcomer["devices"][0] | {"municipality": "2505", "point": None}]
        await import_registry(database, type(registry()).model_validate(newcomer))
        lane = await lane_of(database, "2505")
        await eventually(lambda: lane in gateway.lanes and gateway.lanes[lane].subscribed_to("2505"))
        await publisher.publish(
            topic("wifi.usage", "hs-moskosel-1", "2505"), short_form(id="m1", data=USAGE), qos=1
        )

        async def there() -> bool:
            async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                return bool(await connection.fetchval("SELECT count(*) FROM event WHERE id = 'm1'"))

        await eventually(there)


async def test_a_stopped_broker_ends_the_sight_and_its_return_begins_another(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with at_work(database_url, mosquitto) as (database, gateway):
        lane = await lane_of(database, "0781")
        await mosquitto.stop()
        await eventually(lambda: _sights(database, lane, [True]))
        await mosquitto.start()
        await eventually(lambda: sees(gateway))
        await eventually(lambda: _sights(database, lane, [True, False]))


async def test_a_foreign_or_late_canary_proves_nothing(database_url: str, mosquitto: Mosquitto) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, gateway),
        device(mosquitto, "hs-lidhult-1") as liar,
    ):
        lane = gateway.lanes[await lane_of(database, "0781")]
        late = int((now() - 2 * BLIND_AFTER).timestamp() * 1000)
        before = lane.seen_at
        for payload in (
            b"",
            b"\xff",
            b"abc:123",
            f"{lane.canary.nonce}:{late}".encode(),
            f"{lane.canary.nonce}:x".encode(),
        ):
            await liar.publish(f"bypunkt/canary/{lane.lane}", payload, qos=1)
        await eventually(lambda: lane.seen_at and before and lane.seen_at > before)  # its own still count
        assert await dead(database) == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_both_versions_of_mqtt_carry_events(
    database_url: str, mosquitto: Mosquitto, protocol: str
) -> None:
    async with (
        at_work(database_url, mosquitto, protocol=protocol) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        await publisher.publish(topic("wifi.usage"), short_form(id="u1", data=USAGE), qos=1)
        await eventually(lambda: _ids(database, 1))


def _refused(reason: str) -> float:
    return REGISTRY.get_sample_value("bypunkt_ingest_refused_total", {"reason": reason}) or 0


async def _ids(database: Database, count: int) -> bool:
    return len(await stored(database)) == count


async def _letters(database: Database, count: int) -> bool:
    return len(await dead(database)) == count


async def _sights(database: Database, lane: int, closed: list[bool]) -> bool:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        rows = await connection.fetch("SELECT closed FROM observation ORDER BY seen_from")
    return [row["closed"] for row in rows] == closed


async def _receipt(session: Session) -> dict[str, object]:
    deliveries = await session.batch(limit=1, linger_s=0)
    session.acknowledge(deliveries)
    receipt: dict[str, object] = json.loads(deliveries[0].payload)
    return receipt


async def test_wide_batches_do_not_hold_the_event_loop(database_url: str, mosquitto: Mosquitto) -> None:
    """Twenty messages of a thousand events each are stored, and meanwhile everybody else gets their turn."""
    async with at_work(database_url, mosquitto) as (database, _), device(mosquitto, "hs-lidhult-1") as wide:
        longest, loop = 0.0, asyncio.get_running_loop()

        async def feel() -> None:
            nonlocal longest
            while True:
                before = loop.time()
                await asyncio.sleep(0.005)
                longest = max(longest, loop.time() - before)

        at = stamp()
        messages = [
            json.dumps(
                [{"id": f"{m}-{n}", "time": at, "data": {"uptime_s": n}} for n in range(1_000)]
            ).encode()
            for m in range(20)
        ]
        feeling = asyncio.create_task(feel())
        try:
            for message in messages:
                await wide.publish(topic("device.heartbeat"), message, qos=1)
            await eventually(lambda: _ids(database, 20_000), within=60)
        finally:
            feeling.cancel()
        assert longest < 1.0  # a thousand events at a time; all at once took several seconds
