"""The program, broken on purpose: `python -m benchmarks.faults.variants NAME run --role gateway`.

Each variant replaces one function before the program is loaded. A harness that does not find what each of them loses
or doubles would prove nothing about the program itself. There is no switch for any of this in the product.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.mqtt import Delivery, Session
from gateway.mqtt.link import Link
from services.ingest.models import Accepted
from services.log import append as appending
from services.log.models import Stored
from services.storage import safety
from services.storage.database import UNREACHABLE, Connection, Database


def nothing() -> None:
    """The program as it is: what the same test must find in order."""


def acknowledge_before_commit() -> None:
    """Send the PUBACK when a message comes, as most subscribers do."""
    batch = Session.batch

    async def batch_and_acknowledge(self: Session, *, limit: int, linger_s: float) -> list[Delivery]:
        found = await batch(self, limit=limit, linger_s=linger_s)
        self.acknowledge(found)
        return found

    _replace(Session, "batch", by=batch_and_acknowledge)


def receipt_before_commit() -> None:
    """Take an event for stored when its storing has begun; it goes on, and is tried again, in the background."""
    from services.log import store as storing  # noqa: PLC0415 - before the gateway takes it from there

    store = storing.store
    begun: set[asyncio.Task[None]] = set()

    async def until_stored(database: Database, lane: int, batch: storing.Batch) -> None:
        while True:
            try:
                await store(database, lane, batch)
            except UNREACHABLE:
                await asyncio.sleep(0.2)
            else:
                return

    async def begin(database: Database, lane: int, batch: storing.Batch) -> storing.Kept:
        task = asyncio.create_task(until_stored(database, lane, batch))
        begun.add(task)
        task.add_done_callback(begun.discard)
        return storing.Kept(batch.accepted, batch.refused)

    _replace(storing, "store", by=begin)


def commit_without_waiting() -> None:
    """Work with a PostgreSQL whose `synchronous_commit` is off: the check at the start is not made (rule R11)."""
    safety._SAFE.clear()  # noqa: SLF001 - what is broken lies inside


def key_without_tenant() -> None:
    """Take events of different devices for the same one if id and time are the same."""

    async def append(
        connection: Connection,
        lane: int,
        events: Sequence[Accepted],
        **more: Any,  # noqa: ANN401 - passed on as it is
    ) -> Stored:
        known = {
            (row["id"], row["at"])
            for row in await connection.fetch(
                "SELECT id, at FROM event WHERE (id, at) IN (SELECT * FROM unnest($1::text[], $2::timestamptz[]))",
                [event.id for event in events],
                [event.at for event in events],
            )
        }
        new = {(event.id, event.at): event for event in events if (event.id, event.at) not in known}
        return await properly(connection, lane, list(new.values()), **more)

    properly = appending.append
    _replace(appending, "append", by=append)


def no_dedupe() -> None:
    """Take the time of receipt for the key, so that what comes twice counts twice."""

    async def append(
        connection: Connection,
        lane: int,
        events: Sequence[Accepted],
        **more: Any,  # noqa: ANN401 - passed on as it is
    ) -> Stored:
        as_new = [event._replace(at=event.received_at, clock="device") for event in events]
        return await properly(connection, lane, as_new, **more)

    properly = appending.append
    _replace(appending, "append", by=append)


def quality_of_service_two() -> None:
    """Subscribe with QoS 2, "exactly once": the first half of its handshake goes out before anything is stored."""

    async def subscribe(self: Link, filters: Sequence[str]) -> None:
        how = SubscribeOptions(qos=2, retainAsPublished=True, retainHandling=2)
        _, number = self._client.subscribe([(name, how) for name in filters])
        await self._answer(number, timeout_s=10)

    def acknowledge(self: Link, deliveries: Sequence[Delivery]) -> None:
        acknowledge_once(self, [delivery for delivery in deliveries if delivery.qos == 1])
        for delivery in deliveries:
            if delivery.qos == 2:
                self._client.ack(delivery.mid, 2)

    acknowledge_once = Link.acknowledge
    _replace(Link, "subscribe", by=subscribe)
    _replace(Link, "acknowledge", by=acknowledge)


def stale_acknowledgement() -> None:
    """Acknowledge by message number alone, also what came on an earlier connection; then die at once."""
    acknowledge = Session.acknowledge

    def acknowledge_by_number(self: Session, deliveries: Iterable[Delivery]) -> int:
        given = list(deliveries)
        unacknowledged = self._inbox._open  # noqa: SLF001 - likewise
        of_that_number = [unacknowledged.get(delivery.mid, delivery) for delivery in given]
        count = acknowledge(self, of_that_number)
        if any(one is not other for one, other in zip(given, of_that_number, strict=True)):
            die_after(3)
        return count

    def die_after(turns: int) -> None:
        # A few turns of the loop write the acknowledgements, and are too few to store what they were for.
        if not turns:
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.get_running_loop().call_soon(die_after, turns - 1)

    _replace(Session, "acknowledge", by=acknowledge_by_number)


def sight_without_gaps() -> None:
    """Take it that we saw all the while before a canary came back, as a gateway does that knows no blind time."""
    # Only here: whoever stores must not be loaded before the other variants have changed what it is made of.
    from gateway.canary import Canary  # noqa: PLC0415
    from services.log.store import Sight  # noqa: PLC0415

    see = Canary.see

    def see_all_the_while(self: Canary, canaries: Iterable[Delivery]) -> Sight | None:
        sight = see(self, canaries)
        return sight and Sight(sight.since - timedelta(hours=1), sight.until)

    def sees_since(self: Canary, since: datetime) -> bool:
        return sees_since_then(self, since + timedelta(hours=1))

    sees_since_then = Canary.sees_since
    _replace(Canary, "see", by=see_all_the_while)
    _replace(Canary, "sees_since", by=sees_since)


def _replace(module: object, name: str, *, by: object) -> None:
    setattr(module, name, by)


VARIANTS: dict[str, Callable[[], None]] = {
    variant.__name__: variant
    for variant in (
        nothing,
        acknowledge_before_commit,
        receipt_before_commit,
        commit_without_waiting,
        key_without_tenant,
        no_dedupe,
        quality_of_service_two,
        stale_acknowledgement,
        sight_without_gaps,
    )
}


def main() -> Any:  # noqa: ANN401 - whatever the program returns
    """Break the program and run it."""
    VARIANTS[sys.argv.pop(1)]()
    from config.cli import main as run  # noqa: PLC0415 - after it has been broken

    return run()


if __name__ == "__main__":
    main()
