"""Nothing is lost and nothing counts twice: the gateway is killed, the database goes away, five thousand events."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from gateway.embedded import Mosquitto
from gateway.mqtt import Session
from services.log.append import make_partitions
from services.runtime.clock import now
from services.storage.database import Database, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.importing import import_registry
from tests.support.gateways import device, topic
from tests.support.installation import environment, kill, program
from tests.support.villages import registry
from tests.support.waiting import eventually

EVENTS = 5_000
AWAY_S = 30


async def test_no_event_is_lost_or_doubled_when_the_gateway_dies_and_the_database_is_away(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with EmbeddedPostgres() as postgres:
        await migrate(postgres.dsn())
        url = postgres.dsn(user="bypunkt_app")
        async with Database.open(url) as database:
            await import_registry(database, registry())
            async with database.transaction(Role.INGEST, Public()) as connection:
                await make_partitions(connection, now=now())
        env = environment(url, mosquitto)
        log = tmp_path / "gateway.log"
        async with device(mosquitto, "hs-lidhult-1") as publisher:
            async with program("run", "--role", "gateway", env=env, log=log) as gateway:
                await eventually(lambda: _sees(postgres), within=12)  # from now on the broker keeps its queue
                await _publish(publisher, 0, 1_000)
                await eventually(lambda: _stored_at_least(postgres, 300), within=30)
                await _publish(publisher, 1_000, 2_000)
                kill(gateway)
                await gateway.wait()
            await _publish(publisher, 2_000, 2_500)  # nobody listens: the broker keeps them
            async with program("run", "--role", "gateway", env=env, log=log) as gateway:
                await eventually(lambda: _stored_at_least(postgres, 2_200), within=30)
                await postgres.kill()
                sending = asyncio.create_task(_publish(publisher, 2_500, 4_500))
                await asyncio.sleep(AWAY_S)
                await postgres.start()
                await sending
                await eventually(lambda: _stored_at_least(postgres, 3_000), within=60)
                kill(gateway)
                await gateway.wait()
            async with program("run", "--role", "gateway", env=env, log=log):
                await _publish(publisher, 4_500, EVENTS)
                await eventually(lambda: _stored_at_least(postgres, EVENTS), within=60)
                counted = await _stored(postgres)
        assert {name: count for name, count in counted.items() if count > 1} == {}
        assert set(counted) == {f"e-{number}" for number in range(EVENTS)}


async def _publish(publisher: Session, first: int, last: int) -> None:
    """Publish numbered events, twenty at a time under way, each until the broker has it."""
    for start in range(first, last, 20):
        await asyncio.gather(
            *(_publish_one(publisher, number) for number in range(start, min(start + 20, last)))
        )


async def _publish_one(publisher: Session, number: int) -> None:
    time = (now() - timedelta(milliseconds=1)).isoformat()
    payload = json.dumps({"id": f"e-{number}", "time": time, "data": {"uptime_s": number}}).encode()
    await publisher.publish(topic("device.heartbeat"), payload, qos=1)


@asynccontextmanager
async def _looking(postgres: EmbeddedPostgres) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def _sees(postgres: EmbeddedPostgres) -> bool:
    async with _looking(postgres) as connection:
        return bool(await connection.fetchval("SELECT count(*) = 2 FROM bypunkt.observation"))


async def _stored(postgres: EmbeddedPostgres) -> Counter[str]:
    async with _looking(postgres) as connection:
        return Counter(row["id"] for row in await connection.fetch("SELECT id FROM bypunkt.event"))


async def _stored_at_least(postgres: EmbeddedPostgres, count: int) -> bool:
    return sum((await _stored(postgres)).values()) >= count
