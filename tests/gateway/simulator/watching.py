"""Somebody at the broker who sees all that devices publish, and may receipt it like a gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway import topics
from gateway.embedded import Mosquitto
from gateway.mqtt import Delivery, NotConnected, Session, SessionOptions
from services.events import moment


@dataclass(frozen=True)
class Seen:
    """One event as it came."""

    municipality: str
    device: str
    type: str
    body: dict[str, Any]
    received_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> "list[Seen]":
        topic = topics.NativeTopic.parse(delivery.topic)
        assert topic is not None, delivery.topic
        said = json.loads(delivery.payload)
        whose = (topic.municipality, topic.device, topic.event_type)
        return [
            cls(*whose, body, delivery.received_at) for body in (said if isinstance(said, list) else [said])
        ]

    @property
    def id(self) -> str | None:
        return self.body.get("id")

    @property
    def time(self) -> datetime:
        time = moment.parse(self.body["time"])
        assert time is not None
        return time

    @property
    def state(self) -> str | None:
        return str(self.body["data"]["state"]) if self.type == "device.status" else None

    @property
    def is_will(self) -> bool:
        return self.state == "offline" and self.id is None


@dataclass
class Watcher:
    """What has been seen; receipts what comes when told to."""

    session: Session
    receipts: bool = False
    seen: list[Seen] = field(default_factory=list)

    def of(self, device: str) -> list[Seen]:
        return [event for event in self.seen if event.device == device]

    def reports(self, device: str) -> list[Seen]:
        return [event for event in self.of(device) if event.type != "device.status"]

    def states(self, device: str) -> list[str | None]:
        return ["will" if event.is_will else event.state for event in self.of(device) if event.state]

    async def receipt(self, events: Iterable[Seen], *, refused: bool = False) -> None:
        for event in events:
            ids = [] if refused else [event.id]
            reasons = [{"id": event.id, "reason": "too_old"}] if refused else []
            topic = topics.ack_topic(event.municipality, event.device)
            await self.session.publish(topic, json.dumps({"ids": ids, "refused": reasons}).encode())

    async def watch(self) -> None:
        while True:
            deliveries = await self.session.batch(limit=100, linger_s=0)
            self.session.acknowledge(deliveries)
            fresh = [event for delivery in deliveries for event in Seen.of(delivery)]
            self.seen += fresh
            if self.receipts:
                with suppress(NotConnected):
                    await self.receipt(event for event in fresh if not event.is_will)


@asynccontextmanager
async def watching(broker: Mosquitto, *, receipts: bool = False) -> AsyncIterator[Watcher]:
    """Watch from before the first event."""
    options = SessionOptions(
        host=broker.host, port=broker.port, client_id="watcher", subscriptions=("bypunkt/v1/+/+/+",)
    )
    async with Session(options) as session, asyncio.TaskGroup() as tasks:
        await session.wait_connected()
        watcher = Watcher(session, receipts)
        task = tasks.create_task(watcher.watch())
        try:
            yield watcher
        finally:
            task.cancel()
