"""The program, broken on purpose: `python -m benchmarks.faults.variants NAME run --role gateway`.

Each variant replaces one function before the program is loaded. A harness that does not find what each of them loses
or doubles would prove nothing about the program itself. There is no switch for any of this in the product.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.mqtt import Delivery, Session
from services.ingest.models import Accepted, Refused
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

    Session.batch = batch_and_acknowledge  # type: ignore[method-assign]


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

    storing.store = begin


def commit_without_waiting() -> None:
    """Work with a PostgreSQL whose `synchronous_commit` is off: the check at the start is not made (rule R11)."""
    safety._SAFE.clear()  # noqa: SLF001 - what is broken lies inside


def key_without_tenant() -> None:
    """Take events of different devices for the same one if id and time are the same."""

    async def append(
        connection: Connection, lane: int, events: Sequence[Accepted], *, dead: Sequence[Refused] = ()
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
        return await properly(connection, lane, list(new.values()), dead=dead)

    properly = appending.append
    appending.append = append


def no_dedupe() -> None:
    """Take the time of receipt for the key, so that what comes twice counts twice."""

    async def append(
        connection: Connection, lane: int, events: Sequence[Accepted], *, dead: Sequence[Refused] = ()
    ) -> Stored:
        as_new = [event._replace(at=event.received_at, clock="device") for event in events]
        return await properly(connection, lane, as_new, dead=dead)

    properly = appending.append
    appending.append = append


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

    Session.acknowledge = acknowledge_by_number  # type: ignore[method-assign]


VARIANTS: dict[str, Callable[[], None]] = {
    variant.__name__: variant
    for variant in (
        nothing,
        acknowledge_before_commit,
        receipt_before_commit,
        commit_without_waiting,
        key_without_tenant,
        no_dedupe,
        stale_acknowledgement,
    )
}


def main() -> Any:  # noqa: ANN401 - whatever the program returns
    """Break the program and run it."""
    VARIANTS[sys.argv.pop(1)]()
    from config.cli import main as run  # noqa: PLC0415 - after it has been broken

    return run()


if __name__ == "__main__":
    main()
