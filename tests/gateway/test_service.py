"""The gateway makes room in the log and works in every lane that has municipalities."""

from datetime import timedelta

import asyncpg

from gateway.embedded import Mosquitto
from gateway.options import MqttOptions
from gateway.service import Gateway
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.gateways import at_work, dead, device, sees, short_form, stored, topic
from tests.support.villages import lane_of, registry
from tests.support.waiting import eventually


async def test_a_new_installation_has_room_in_its_log_and_a_session_a_lane(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    options = MqttOptions(host=mosquitto.host, port=mosquitto.port, canary_s=0.5)
    async with Database.open(database_url) as database:
        await import_registry(database, registry(), only={"0781"})
        gateway = Gateway(database, options, clock=now)
        async with running({"gateway": gateway.run}):
            await eventually(lambda: gateway.lanes)
            assert list(gateway.lanes) == [await lane_of(database, "0781")]
            admin = await asyncpg.connect(admin_url)
            try:
                leaf = f"event_standard_{now() + timedelta(days=34):%Ym%m}"
                assert await admin.fetchval("SELECT to_regclass('bypunkt.' || $1) IS NOT NULL", leaf)
            finally:
                await admin.close()
            await import_registry(database, registry())
            await eventually(lambda: sees(gateway), within=10)  # the second lane as well


async def test_a_change_of_the_registry_reaches_the_lanes_at_once(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, gateway),
        device(mosquitto, "hs-new-1") as newcomer,
    ):
        lane = gateway.lanes[await lane_of(database, "0781")]
        await newcomer.publish(
            topic("device.heartbeat", "hs-new-1"), short_form(id="e-1", data={"uptime_s": 1}), qos=1
        )
        await eventually(lambda: dead(database))
        await import_registry(database, registry({"hs-new-1": "0781"}))
        await eventually(lambda: lane.knows("0781", "hs-new-1") == "active")
        await newcomer.publish(
            topic("device.heartbeat", "hs-new-1"), short_form(id="e-2", data={"uptime_s": 2}), qos=1
        )
        await eventually(lambda: stored(database))
        assert await stored(database) == ["e-2"]


async def test_lanes_end_with_the_gateway_and_say_until_when_they_saw(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    async with at_work(database_url, mosquitto) as (_, gateway):
        sessions = [lane.session for lane in gateway.lanes.values()]
        assert all(session is not None and session.connected for session in sessions)
    assert not any(session is not None and session.connected for session in sessions)
    admin = await asyncpg.connect(admin_url)
    try:
        assert await admin.fetchval("SELECT count(*) FILTER (WHERE closed) = 2 FROM bypunkt.observation")
    finally:
        await admin.close()
