"""A message below an unregistered municipality is a dead letter, and nothing else is stored twice."""

import asyncpg

from gateway.embedded import Mosquitto
from services.runtime.clock import now
from tests.support.gateways import at_work, device, short_form, stored, topic
from tests.support.waiting import eventually

USAGE = {"iface": "wlan0", "clients": 3}


async def test_unregistered_municipalities_leave_dead_letters(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto, strays=True) as (database, _),
        device(mosquitto, "hs-lidhult-1") as publisher,
    ):
        payload = short_form(id="u1", time=now().isoformat(), data=USAGE)
        await publisher.publish(topic("wifi.usage", municipality="9999"), payload, qos=1)
        await eventually(lambda: _letters(admin_url, [("9999", "wrong_municipality")]))
        stranger = topic("wifi.usage", name="hs-nowhere-1", municipality="9999")
        await publisher.publish(stranger, payload, qos=1)
        await publisher.publish(topic("wifi.usage"), payload, qos=1)
        await eventually(
            lambda: _letters(admin_url, [("9999", "wrong_municipality"), ("9999", "unknown_device")])
        )
        await eventually(lambda: stored(database))
        assert await stored(database) == ["u1"]


async def _letters(admin_url: str, expected: list[tuple[str, str]]) -> bool:
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch("SELECT municipality, reason FROM bypunkt.dead_letter ORDER BY id")
        return [tuple(row) for row in rows] == expected
    finally:
        await connection.close()
