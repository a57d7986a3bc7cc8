"""Agents inside a test: a clock that can be set, options that are complete, and what the broker hears of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.agent import Agent, AgentOptions, Clocks, Source
from gateway.agent.clocks import since_power_up
from gateway.embedded import Mosquitto
from gateway.mqtt import Session, SessionOptions
from services.runtime.clock import now
from tests.support.mqtt import publish

WITHIN = 30
ACKS = "bypunkt/v1/0781/hs-lidhult-1/down/ack"
NINETEEN_SEVENTY = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


@dataclass
class SetClocks:
    """A machine's clocks, to be set by a test; the time since power-up runs on, unless it is moved."""

    off_by: timedelta = timedelta()
    synchronised: bool = True
    machine: str = "machine-boot-1"
    later_s: float = 0.0
    since: float = field(default_factory=since_power_up)

    def clocks(self) -> Clocks:
        return Clocks(
            wall=lambda: now() + self.off_by,
            since_power_up=lambda: since_power_up() - self.since + 100 + self.later_s,
            synchronised=lambda: self.synchronised,
            machine_boot=lambda: self.machine,
        )

    def believe_1970(self) -> None:
        self.off_by, self.synchronised = NINETEEN_SEVENTY - now(), False

    def set_right(self) -> None:
        self.off_by, self.synchronised = timedelta(), True

    def boot(self, name: str) -> None:
        """Start the machine anew."""
        self.machine, self.since = name, since_power_up()


def options(path: Path, mosquitto: Mosquitto | None = None, /, **changed: object) -> AgentOptions:
    """Return the options of `hs-lidhult-1`, whose spool is in the folder."""
    told: dict[str, Any] = {
        "municipality": "0781",
        "device": "hs-lidhult-1",
        "kind": "hotspot",
        "broker": {"host": "127.0.0.1", "port": mosquitto.port if mosquitto else 1},
        "spool": {"path": path / "spool.sqlite"},
    }
    return AgentOptions.model_validate(told | changed)


@asynccontextmanager
async def at_work(
    path: Path,
    mosquitto: Mosquitto | None = None,
    /,
    *,
    clocks: SetClocks | None = None,
    sources: Sequence[Source] = (),
    **changed: object,
) -> AsyncIterator[Agent]:
    """Run an agent."""
    agent = Agent(
        options(path, mosquitto, **changed), sources=sources, clocks=(clocks or SetClocks()).clocks()
    )
    async with agent:
        yield agent


@asynccontextmanager
async def watching(mosquitto: Mosquitto) -> AsyncIterator[list[tuple[str, Any]]]:
    """Collect what the device publishes: type and body, batches taken apart."""
    said: list[tuple[str, Any]] = []
    told = SessionOptions(
        host=mosquitto.host,
        port=mosquitto.port,
        client_id="watcher",
        subscriptions=("bypunkt/v1/0781/hs-lidhult-1/+",),
        durable=False,
    )

    async def listen(session: Session) -> None:
        while True:
            deliveries = await session.batch(limit=100, linger_s=0)
            for delivery in deliveries:
                body = json.loads(delivery.payload)
                event_type = delivery.topic.rpartition("/")[2]
                said.extend((event_type, one) for one in (body if isinstance(body, list) else [body]))
            session.acknowledge(deliveries)

    async with Session(told) as session, asyncio.TaskGroup() as tasks:
        await session.wait_connected()
        listener = tasks.create_task(listen(session))
        yield said
        listener.cancel()


async def receipt(mosquitto: Mosquitto, *ids: str, **refused: str) -> None:
    told = {"ids": ids, "refused": [{"id": name, "reason": why} for name, why in refused.items()]}
    await publish(mosquitto, ACKS, json.dumps(told))


def ids_of(said: Sequence[tuple[str, Any]]) -> list[str]:
    return [body["id"] for _, body in said if "id" in body]
