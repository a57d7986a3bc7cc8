"""A gateway at work inside a test, and a device that talks to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.embedded import EmbeddedBroker
from gateway.mqtt import Session, SessionOptions
from gateway.options import MqttOptions
from gateway.service import Gateway
from gateway.topics import ack_topic
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Database, Role, Tenants
from tests.support.villages import villages
from tests.support.waiting import eventually

ALL = Tenants(("0781", "0583"))


@asynccontextmanager
async def at_work(
    url: str, broker: EmbeddedBroker, **options: object
) -> AsyncIterator[tuple[Database, Gateway]]:
    """Run a gateway on two registered municipalities and wait until it sees."""
    async with villages(url, at=now()) as database:
        told = {"host": broker.host, "port": broker.port, "canary_s": 0.5, **options}
        gateway = Gateway(database, MqttOptions.model_validate(told), clock=now)
        async with running({"gateway": gateway.run}):
            await eventually(lambda: sees(gateway))
            yield database, gateway


def sees(gateway: Gateway) -> bool:
    """Say whether a canary has come the whole way in both lanes."""
    return len(gateway.lanes) == 2 and all(lane.seen_at for lane in gateway.lanes.values())


@asynccontextmanager
async def device(broker: EmbeddedBroker, name: str, municipality: str = "0781") -> AsyncIterator[Session]:
    """Connect as a device that listens for its receipts."""
    options = SessionOptions(
        host=broker.host,
        port=broker.port,
        client_id=name,
        subscriptions=(ack_topic(municipality, name),),
        durable=False,
    )
    async with Session(options) as session:
        await session.wait_connected()
        yield session


def topic(event_type: str, name: str = "hs-lidhult-1", municipality: str = "0781") -> str:
    """Return a native topic."""
    return f"bypunkt/v1/{municipality}/{name}/{event_type}"


def short_form(**fields: object) -> bytes:
    """Return an event in the short form."""
    return json.dumps(fields).encode()


async def stored(database: Database) -> list[str]:
    """Return the ids of all stored events, in the order of their time."""
    async with database.transaction(Role.WEB, ALL) as connection:
        return [row["id"] for row in await connection.fetch("SELECT id FROM event ORDER BY at, id")]


async def dead(database: Database) -> list[tuple[str, str]]:
    """Return (reason, detail) of all dead letters, oldest first."""
    async with database.transaction(Role.WEB, ALL) as connection:
        rows = await connection.fetch("SELECT reason, detail FROM dead_letter ORDER BY id")
    return [(row["reason"], row["detail"]) for row in rows]
