"""Takes what is in the spool to the broker and lets go of what comes back receipted.

Nothing piles up here: at most a window of events is on its way (`outbox`), the rest stays on disk.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from gateway.agent.clocks import Clocks
from gateway.agent.disk import Disk
from gateway.agent.entries import Row, entry_of, time_of
from gateway.agent.failures import SpoolBroken, SpoolFull
from gateway.agent.options import AgentOptions
from gateway.agent.outbox import Outbox
from gateway.mqtt import Delivery, NotConnected, Refused, Session, Will
from gateway.receipts import read_receipt
from gateway.topics import NativeTopic, ack_topic
from services.events.device import DeviceStatus
from services.events.fields import Fact

log = structlog.get_logger()

ANSWER_S = 30.0  # for a PUBACK; without one the connection is not worth keeping
FAREWELL_S = 1.0
LOOK_S = 5.0  # at least so often: a machine that slept has missed its timers
MESSAGE_BYTES = 64 * 1024
_DELIVERIES_A_TURN = 50


@dataclass(slots=True)
class Tally:
    """What has been counted since the start: sent (also again), receipted as stored, receipted as refused."""

    sent: int = 0
    receipted: int = 0
    refused: int = 0


class Courier:
    """One device at its broker; `birth` says what it says first, `on_command` takes a command's payload."""

    def __init__(
        self,
        options: AgentOptions,
        *,
        disk: Disk,
        clocks: Clocks,
        birth: Callable[[], DeviceStatus],
        on_command: Callable[[Delivery], Awaitable[None]],
        rng: random.Random,
    ) -> None:
        self.tally = Tally()
        self.session: Session | None = None
        self._options = options
        self._disk = disk
        self._clocks = clocks
        self._birth = birth
        self._on_command = on_command
        self._outbox = Outbox(rng)
        self._news = asyncio.Event()
        self._allowed = asyncio.Event()
        self._forbidden = asyncio.Event()
        self._allowed.set()
        self._conn = ""  # of the connection that is tried or up
        self._up: str | None = None  # of the one that is up
        self._greeted: str | None = None  # of the one on which the birth has been said
        self._up_at = 0.0
        self._boot = ""

    @property
    def connected(self) -> bool:
        """Whether the broker is reached and everything is subscribed to."""
        return self.session is not None and self.session.connected

    def wake(self) -> None:
        """Say that there is something to send."""
        self._news.set()

    def cut_off(self) -> None:
        """Break the connection without a goodbye and stay away, as when the uplink is lost."""
        self._allowed.clear()
        self._forbidden.set()
        if self.session is not None:
            self.session.break_off()

    def reconnect(self) -> None:
        """End a cut-off."""
        self._forbidden.clear()
        self._allowed.set()

    async def run(self) -> None:
        """Be connected until cancelled, then say goodbye, which takes at most `FAREWELL_S` and a second."""
        while True:
            await self._allowed.wait()
            await self._be_there()

    async def _be_there(self) -> None:
        """Keep a session until it is forbidden."""
        options = self._options.session()
        session = self.session = Session(
            options, clock=self._clocks.wall, on_up=self._on_up, on_down=self._on_down
        )
        self._begin_connection()
        try:
            async with session:
                try:
                    async with asyncio.TaskGroup() as tasks:
                        parts = [
                            tasks.create_task(part(session), name=f"agent {part.__name__.strip('_')}")
                            for part in (self._listen, self._pump)
                        ]
                        await self._forbidden.wait()
                        for task in parts:
                            task.cancel()
                except asyncio.CancelledError:
                    await self._say_goodbye(session)
                    raise
        finally:
            self.session, self._up = None, None

    def _begin_connection(self) -> None:
        """Give the next connection a name, which its will has to know."""
        self._conn = secrets.token_hex(4)
        will = b'{"boot":"%b","conn":"%b","data":{"state":"offline","reason":"lost"}}'
        payload = will % (self._disk.boot.encode() or b"-", self._conn.encode())
        if self.session is not None:
            self.session.options = replace(
                self.session.options, will=Will(topic=self._topic("device.status"), payload=payload)
            )

    def _on_up(self, _session_present: bool) -> None:  # noqa: FBT001 - the shape of the session's callback
        self._up, self._up_at = self._conn, self._clocks.since_power_up()
        self._news.set()

    def _on_down(self, _reason: str) -> None:
        self._up = None
        self._begin_connection()
        self._news.set()

    async def _pump(self, session: Session) -> None:
        while True:
            self._news.clear()
            conn = self._up
            if conn is None:
                await self._news.wait()
                continue
            try:
                if conn != self._greeted:
                    await self._greet(session, conn)
                    self._greeted = conn
                if await self._send_some(session):
                    continue
            except NotConnected:
                await self._news.wait()
                continue
            except SpoolBroken:
                await asyncio.sleep(LOOK_S)
            await self._until_news()

    async def _greet(self, session: Session, conn: str) -> None:
        """Say first of all on a connection that we are here; without a disk at least the broker hears it."""
        self._outbox.connection_lost()
        birth = self._birth()
        try:
            await self._disk.keep(entry_of(birth, self._disk.now(), conn=conn))
        except (SpoolBroken, SpoolFull) as error:
            said = birth.model_copy(update={"reason": f"spool broken: {error}"[:200]})
            await self._say(session, said, conn=conn)

    async def say_unkept(self, fact: Fact) -> None:
        """Publish something that could not be kept, after the birth: it counts at its receipt, if it arrives.

        Raises NotConnected.
        """
        session, conn = self.session, self._up
        if session is None or conn is None or conn != self._greeted:
            raise NotConnected("not connected, or the birth has not been said")
        await self._say(session, fact, conn=conn)

    async def _say(self, session: Session, fact: Fact, *, conn: str) -> None:
        entry = entry_of(fact, self._disk.now())
        headers = {"boot": self._disk.boot, "conn": conn}
        said = "".join(f'"{name}":"{value}",' for name, value in headers.items() if value)
        await self._publish(session, entry.type, f'{{{said}"data":{entry.data}}}'.encode())

    async def _send_some(self, session: Session) -> bool:
        """Send what is due again and what there is room for; false when that was nothing."""
        if self._boot != self._disk.boot:
            # Another file, whose numbers mean other events.
            self._outbox.connection_lost()
            self._boot = self._disk.boot
        now = self._clocks.since_power_up()
        patient = self._is_patient(now)
        due, room, under_way = self._outbox.due(now), self._outbox.room, self._outbox.numbers
        again = await self._disk.run(lambda spool: spool.again(due)) if due else []
        self._outbox.drop(set(due) - {row.number for row in again})
        fresh = await self._disk.run(
            lambda spool: spool.next(room, under_way=under_way, settled_only=patient)
        )
        await self._send(session, again + fresh, patient=patient)
        return bool(again or fresh)

    async def _send(self, session: Session, rows: Sequence[Row], *, patient: bool) -> None:
        present, boot = self._disk.now(), self._disk.boot
        times = {
            row.number: time_of(row, present, boot=boot, patient=patient) for row in rows if not row.settled
        }
        if times:
            # Before it is sent, so that it is the same event when it is sent again, whatever happens.
            await self._disk.run(lambda spool: spool.settle(times))
        settled = [replace(row, time_ms=times.get(row.number, row.time_ms)) for row in rows]
        for batch in _batches(settled):
            for row in batch:
                self._outbox.add(row.id, row.number, self._clocks.since_power_up())
            bodies = [row.body() for row in batch]
            payload = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
            await self._publish(session, batch[0].type, payload)
            self.tally.sent += len(batch)

    async def _publish(self, session: Session, event_type: str, payload: bytes) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await session.publish(self._topic(event_type), payload, qos=1)
        except Refused as error:
            # By the broker's rules; it is tried again like anything that gets no receipt.
            log.warning("publish_refused", type=event_type, reason=str(error))
        except TimeoutError:
            session.break_off()
            raise NotConnected("no PUBACK") from None

    async def _until_news(self) -> None:
        due_at = self._outbox.due_at
        left = LOOK_S if due_at is None else due_at - self._clocks.since_power_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(left, 0.01), LOOK_S)):
                await self._news.wait()

    def _is_patient(self, now: float) -> bool:
        """Whether the clock may still be set: for some time after the connection came up."""
        return not self._disk.now().sure and now - self._up_at < self._options.clock.wait_s

    async def _listen(self, session: Session) -> None:
        acks = ack_topic(self._options.municipality, self._options.device)
        while True:
            deliveries = await session.batch(limit=_DELIVERIES_A_TURN, linger_s=0)
            for delivery in deliveries:
                if delivery.topic == acks:
                    await self._take_receipt(delivery.payload)
                else:
                    await self._on_command(delivery)
            session.acknowledge(deliveries)

    async def _take_receipt(self, payload: bytes) -> None:
        try:
            stored, refused = read_receipt(payload)
        except ValueError:
            log.warning("receipt_unreadable", bytes=len(payload))
            return
        try:
            gone = set(await self._disk.run(lambda spool: spool.release([*stored, *refused])))
        except SpoolBroken:
            return  # it comes again when the events are sent again
        for name in refused.keys() & gone:
            log.warning("event_refused", id=name, reason=refused[name][:64])
        self.tally.receipted += len(gone - refused.keys())
        self.tally.refused += len(gone & refused.keys())
        self._outbox.receipted([*stored, *refused])
        self._news.set()

    async def _say_goodbye(self, session: Session) -> None:
        """Say that we leave in order; what is not heard in time is said afterwards.

        It always names a connection, if only one that never came up: without a name it would be taken for the end of
        the next one, on which it may be heard after the birth.
        """
        if self._forbidden.is_set():
            return
        farewell = DeviceStatus(state="offline", reason="stopped")
        with suppress(SpoolBroken, SpoolFull, NotConnected, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                kept = await self._disk.keep(entry_of(farewell, self._disk.now(), conn=self._conn))
                if session.connected:
                    rows = await self._disk.run(lambda spool: spool.again([spool.number_of(kept) or 0]))
                    await self._send(session, rows, patient=False)

    def _topic(self, event_type: str) -> str:
        return NativeTopic(self._options.municipality, self._options.device, event_type).topic


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield rows of one type that follow each other, as many as a message should hold."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        more = len(row.data.encode())
        if batch and (row.type != batch[0].type or size + more > MESSAGE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch
