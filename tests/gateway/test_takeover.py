"""Several gateways share the lanes: added, taken away, killed or frozen under load, every event is stored once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from gateway.embedded import Mosquitto
from gateway.mqtt import Session
from gateway.options import MqttOptions
from gateway.service import Gateway
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Database
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.importing import import_registry
from tests.support.gateways import device, topic
from tests.support.installation import environment, kill, program
from tests.support.processes import freeze, thaw
from tests.support.villages import lane_of, registry, villages
from tests.support.waiting import eventually

HOMES = {"hs-lidhult-1": "0781", "hs-fornasa-1": "0583"}
# The promise; seen: about five seconds.
TAKEN_OVER_WITHIN_S = 15.0


class Load:
    """Devices that publish numbered heartbeats, each until the broker has it."""

    def __init__(self, *devices: tuple[Session, str, str]) -> None:
        self.devices = devices
        self.sent: set[str] = set()

    async def run(self) -> None:
        """Publish for ever, some hundred events a second."""
        number = 0
        while True:
            async with asyncio.TaskGroup() as tasks:
                for session, name, home in self.devices:
                    tasks.create_task(self._say(session, name, home, number))
            number += 1
            await asyncio.sleep(0.005)

    async def _say(self, session: Session, name: str, home: str, number: int) -> None:
        time = (now() - timedelta(milliseconds=1)).isoformat()
        payload = json.dumps({"id": f"e-{number}", "time": time, "data": {"uptime_s": number}}).encode()
        await session.publish(topic("device.heartbeat", name, home), payload, qos=1)
        self.sent.add(f"{name} e-{number}")


@asynccontextmanager
async def _under_load(broker: Mosquitto, homes: dict[str, str] = HOMES) -> AsyncIterator[Load]:
    async with AsyncExitStack() as stack:
        devices = [
            (await stack.enter_async_context(device(broker, name, home)), name, home)
            for name, home in homes.items()
        ]
        load = Load(*devices)
        task = asyncio.create_task(load.run())
        try:
            yield load
        finally:
            task.cancel()
            await asyncio.wait([task])


class Watch:
    """Looks at the database as its owner."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def stored(self) -> Counter[str]:
        """Count every event in the log, by device and id."""
        rows = await self._connection.fetch("SELECT device, id FROM bypunkt.event")
        return Counter(f"{row['device']} {row['id']}" for row in rows)

    async def has(self, load: Load) -> bool:
        """Say whether all that was sent is there."""
        return load.sent <= set(await self.stored())

    async def shares(self, part: str = "gateway") -> list[int]:
        """Return how many lanes each process holds."""
        rows = await self._connection.fetch(
            "SELECT count(*) FROM bypunkt.lane_lease WHERE part = $1 GROUP BY holder ORDER BY 1", part
        )
        return [row["count"] for row in rows]

    async def moment(self) -> object:
        """Return the time as the database has it."""
        return await self._connection.fetchval("SELECT clock_timestamp()")

    async def sees_since(self, moment: object) -> bool:
        """Say whether every lane has proven its way after a moment."""
        return bool(
            await self._connection.fetchval(
                "SELECT count(DISTINCT lane) = 2 FROM bypunkt.observation WHERE seen_until > $1", moment
            )
        )

    async def all_read(self) -> bool:
        """Say whether the readings have come to the end of the log."""
        return bool(
            await self._connection.fetchval(
                "SELECT count(*) = 4 AND bool_and(c.position = l.head) FROM bypunkt.reading_cursor AS c"
                " JOIN bypunkt.lane AS l USING (lane)"
            )
        )

    async def overlaps(self) -> int:
        """Return how many observations of a lane reach into the next one."""
        count: int = await self._connection.fetchval(
            "SELECT count(*) FROM bypunkt.observation AS a JOIN bypunkt.observation AS b"
            " ON a.lane = b.lane AND a.seen_from < b.seen_from AND a.seen_until >= b.seen_from"
        )
        return count


@asynccontextmanager
async def _watch(admin_url: str) -> AsyncIterator[Watch]:
    connection = await asyncpg.connect(admin_url)
    try:
        yield Watch(connection)
    finally:
        await connection.close()


async def _all_once(watch: Watch, load: Load) -> None:
    await eventually(lambda: watch.has(load), within=30)
    assert {name: count for name, count in (await watch.stored()).items() if count > 1} == {}
    assert await watch.overlaps() == 0


async def test_lanes_move_to_a_gateway_that_comes_and_back_when_it_goes(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    options = MqttOptions(host=mosquitto.host, port=mosquitto.port, canary_s=0.5)
    async with (
        villages(database_url, at=now()) as database,
        Database.open(database_url) as another,
        _watch(admin_url) as watch,
    ):
        one, other = Gateway(database, options, clock=now), Gateway(another, options, clock=now)
        async with running({"one": one.run}):
            await eventually(lambda: one.seeing and len(one.lanes) == 2, within=20)
            async with _under_load(mosquitto) as load:
                await eventually(lambda: len(load.sent) > 200, within=20)
                async with running({"other": other.run}):
                    await eventually(lambda: one.seeing and other.seeing, within=20)
                    assert len(one.lanes) == len(other.lanes) == 1
                    enough = len(load.sent) + 200
                    await eventually(lambda: len(load.sent) > enough, within=20)
                await eventually(lambda: one.seeing and len(one.lanes) == 2, within=20)
            await _all_once(watch, load)


async def test_a_municipality_in_another_gateways_lane_is_taken_in_from_its_first_event(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    options = MqttOptions(host=mosquitto.host, port=mosquitto.port, canary_s=0.5)
    async with (
        Database.open(database_url) as database,
        Database.open(database_url) as another,
        _watch(admin_url) as watch,
    ):
        await import_registry(database, registry(HOMES), only={"0781"})
        one, other = Gateway(database, options, clock=now), Gateway(another, options, clock=now)
        async with running({"one": one.run, "other": other.run}):
            await eventually(lambda: one.seeing or other.seeing, within=20)
            idle = other if one.lanes else one
            lane = await lane_of(database, "0583")
            async with _under_load(mosquitto, {"hs-lidhult-1": "0781"}) as load:
                await eventually(lambda: len(load.sent) > 50, within=20)
                await import_registry(database, registry(HOMES))
                await eventually(
                    lambda: lane in idle.lanes and idle.lanes[lane].subscribed_to("0583"), within=20
                )
                async with _under_load(mosquitto, {"hs-fornasa-1": "0583"}) as more:
                    await eventually(lambda: len(more.sent) > 50, within=20)
            await _all_once(watch, load)
            await _all_once(watch, more)


async def test_a_frozen_and_a_killed_process_are_replaced_and_nothing_is_lost_or_doubled(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(EmbeddedPostgres())
        await migrate(postgres.dsn())
        url = postgres.dsn(user="bypunkt_app")
        await stack.enter_async_context(villages(url, at=now()))
        watch = await stack.enter_async_context(_watch(postgres.dsn()))
        env = environment(url, mosquitto, BYPUNKT_MQTT__CANARY_S="0.5")
        one, other = [
            await stack.enter_async_context(
                program("run", "--role", "gateway", "--role", "worker", env=env, log=tmp_path / f"{name}.log")
            )
            for name in ("one", "other")
        ]
        await _all_see(watch, await watch.moment(), processes=2, within=30)
        async with _under_load(mosquitto) as load:
            await eventually(lambda: len(load.sent) > 100, within=20)

            freeze(one.pid)
            await _all_see(watch, await watch.moment(), processes=1, within=TAKEN_OVER_WITHIN_S)
            thaw(one.pid)
            await _all_see(watch, await watch.moment(), processes=2, within=TAKEN_OVER_WITHIN_S)

            kill(other)
            await _all_see(watch, await watch.moment(), processes=1, within=TAKEN_OVER_WITHIN_S)
        await _all_once(watch, load)
        await eventually(watch.all_read, within=15)
    assert "lane_lost" in (tmp_path / "one.log").read_text()


async def _all_see(watch: Watch, moment: object, *, processes: int, within: float) -> None:
    """Wait until so many processes share the lanes evenly, and each lane has proven its way since a moment."""
    shares = [1, 1] if processes == 2 else [2]

    async def done() -> bool:
        shared = await watch.shares() == await watch.shares("worker") == shares
        return shared and await watch.sees_since(moment)

    await eventually(done, within=within)
