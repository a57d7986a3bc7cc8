"""A session with a broker that is kept up for ever, and tells what it knows of itself.

Two rules make it safe to acknowledge late. Every delivery belongs to a generation, which is raised when a
connection begins and when it ends, and only deliveries of the present one are acknowledged: an acknowledgement
on a later connection would acknowledge another message with the same number. And `connected` means that every
subscription is granted, not merely that a socket is open.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

import structlog

from gateway.mqtt.dial import dial, tls_context
from gateway.mqtt.errors import Ended, NotConnected, Refused, Trouble, fault
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.link import Handlers, Link
from gateway.mqtt.negotiation import Negotiation, Version
from gateway.mqtt.options import Delivery, SessionOptions
from gateway.mqtt.recovery import Recovery
from services.runtime.clock import Clock, now

log = structlog.get_logger()

DIAL_S = 5.0
STOPPED = "stopped"
# Trying again at once cannot change these.
_FINAL = {Trouble.UNREACHABLE, Trouble.TLS, Trouble.CREDENTIALS, Trouble.CLIENT_ID, Trouble.SUBSCRIPTION}


class Session:
    """An async context manager; entering starts connecting, leaving says goodbye (within a second).

    `on_up` is told whether the broker had kept the session, `on_down` why the connection ended. An exception in
    `on_up` ends the connection like any other fault; one in `on_down` is logged.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        clock: Clock = now,
        on_up: Callable[[bool], None] | None = None,
        on_down: Callable[[str], None] | None = None,
    ) -> None:
        self.options = options
        self.generation = 0
        self.trouble: Trouble | None = None
        self.trouble_detail = ""
        self.protocol: Version | None = None
        self.session_lost_count = 0
        self.unposted_count = 0
        self._clock = clock
        self._on_up = on_up
        self._on_down = on_down
        self._tls = tls_context(options)
        self._inbox = Inbox(options.window)
        self._negotiation = Negotiation(options.protocol)
        self._recovery = Recovery()
        self._wanted = options.subscriptions
        self._unwanted: set[str] = set()
        self._subscribing = asyncio.Lock()
        self._up = asyncio.Event()
        self._link: Link | None = None
        self._session_present = False
        self._had_session = False
        self._accepted = False
        self._up_since: float | None = None  # on the loop's clock, from when `on_up` was told
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._run(), name=f"mqtt {self.options.client_id}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await self._tasks.__aexit__(None, None, None)  # what went wrong in the block is not ours to wrap

    @property
    def connected(self) -> bool:
        """True after CONNACK and all SUBACKs."""
        return self._up.is_set() and self._link is not None and self._link.alive

    @property
    def unacknowledged(self) -> int:
        """QoS 1 deliveries of this connection that the broker waits for: at most the window."""
        return self._inbox.unacknowledged

    @property
    def waiting(self) -> int:
        """Deliveries that nobody has taken yet."""
        return len(self._inbox)

    @property
    def dropped_count(self) -> int:
        """QoS 0 deliveries and salvage that a full inbox could not keep."""
        return self._inbox.dropped

    async def wait_connected(self) -> None:
        """Wait until `connected`."""
        await self._up.wait()

    async def settle(self, *, within_s: float) -> bool:
        """Wait until `connected`, or until trying again is no use, and return which; for commands that are run once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self.connected and self.trouble not in _FINAL:  # noqa: ASYNC110 - trouble is no event
                    await asyncio.sleep(0.02)
        return self.connected

    async def batch(self, *, limit: int, linger_s: float) -> list[Delivery]:
        """Wait for a delivery, then for up to `limit`, until `linger_s` has passed or the window is full.

        For one consumer at a time. Deliveries taken while the connection is away are real, only not to be
        acknowledged: they come again.
        """
        deliveries = await self._inbox.take(limit=limit, linger_s=linger_s)
        self._read_on()
        return deliveries

    def acknowledge(self, deliveries: Iterable[Delivery]) -> int:
        """PUBACK those of the present generation, each once, and return how many; the broker repeats the rest."""
        link = self._link
        if link is None or not link.alive:
            return 0
        settled = self._inbox.settle(deliveries)
        if settled:
            link.acknowledge(settled)
            self._read_on()
        return len(settled)

    def post(self, topic: str, payload: bytes) -> bool:
        """Send with QoS 0 and wait for nothing; without a connection or with too much to send drop it and return False.

        The latter is counted in `unposted_count`. Raises ValueError for an impossible topic.
        """
        link = self._link
        if link is None or not self.connected:
            return False
        posted = link.post(topic, payload)
        self.unposted_count += not posted
        return posted

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, expires_s: int | None = None
    ) -> None:
        """Return when on its way (QoS 0) or acknowledged by the broker (QoS 1); `expires_s` needs MQTT 5.

        Raises NotConnected (it may or may not have arrived), Refused, or ValueError for an impossible topic.
        """
        link = self._link
        if link is None or not self.connected:
            raise NotConnected(self.trouble or "not yet connected")
        await link.publish(topic, payload, qos=qos, retain=retain, expires_s=expires_s)

    def break_off(self) -> None:
        """End the connection as a power cut does, without a goodbye, so that the broker publishes the will.

        For whoever rehearses failures. Unless the session is left it connects again, as after any other loss.
        """
        if self._link is not None:
            self._link.break_off()

    async def resubscribe(self, subscriptions: tuple[str, ...]) -> None:
        """Change the subscriptions: the new ones have their SUBACK before the old ones are given up.

        Waits for the connection where there is none. Raises Refused, and then nothing is changed.
        """
        while not await self._change(subscriptions):
            await self._up.wait()

    async def _change(self, subscriptions: tuple[str, ...]) -> bool:
        async with self._subscribing:
            before, self._wanted = self._wanted, subscriptions
            self._unwanted = (self._unwanted | set(before)) - set(subscriptions)
            link = self._link
            if link is None or not self.connected:
                self._up.clear()
                return False
            try:
                await link.subscribe(subscriptions)
                await self._give_up_unwanted(link)
            except NotConnected:
                self._up.clear()
                return False
            except Refused:
                self._wanted = before
                self._unwanted = (self._unwanted | set(subscriptions)) - set(before)
                raise
            return True

    async def _run(self) -> None:
        while True:
            at_once = await self._once()
            if not at_once:
                await asyncio.sleep(self._recovery.pause_s)

    async def _once(self) -> bool:
        """One connection from beginning to end; true when the next one should come at once."""
        self._accepted = False
        link = None
        try:
            sock = await dial(self.options.host, self.options.port, tls=self._tls, timeout_s=DIAL_S)
            self.protocol = self._negotiation.version
            self.generation += 1
            link = self._link = Link(
                self.options,
                self.protocol,
                sock=sock,
                handlers=Handlers(on_session=self._on_session, on_deliveries=self._on_deliveries),
                generation=self.generation,
                clock=self._clock,
            )
            await link.connect(self._negotiation.patience_s)
            if not self._negotiation.answered():
                return True
            await self._subscribe(link)
            self._tell_up()
            await link.serve()
        except Ended as end:
            return self._over(end)
        except Exception as error:  # noqa: BLE001 - R10: whatever it was, it ends this connection only
            return self._over(fault(error, client=self.options.client_id))
        finally:
            if link is not None:
                await self._leave(link)

    async def _subscribe(self, link: Link) -> None:
        async with self._subscribing:
            try:
                await link.subscribe(self._wanted)
                await self._give_up_unwanted(link)
            except Refused as error:
                raise Ended(Trouble.SUBSCRIPTION, str(error)) from None
            except NotConnected:
                await link.serve()  # raises the reason
            self.trouble, self.trouble_detail = None, ""
            self._up.set()

    async def _give_up_unwanted(self, link: Link) -> None:
        await link.unsubscribe(sorted(self._unwanted))
        self._unwanted = set()

    def _tell_up(self) -> None:
        say = log.debug if self.options.brief else log.info
        say(
            "mqtt_connected",
            client=self.options.client_id,
            protocol=self.protocol,
            session_present=self._session_present,
        )
        self._up_since = asyncio.get_running_loop().time()
        if self._on_up is not None:
            self._on_up(self._session_present)

    def _over(self, end: Ended) -> bool:
        client = self.options.client_id
        if not self._accepted and self._negotiation.failed(end.trouble):
            log.info("mqtt_asks_again", client=client, protocol=self._negotiation.version, after=end.trouble)
            return True
        end = self._recovery.judge(end, up_s=self._up_s())
        known = end.trouble is self.trouble and end.detail == self.trouble_detail
        self.trouble, self.trouble_detail = end.trouble, end.detail
        # Said once: a broker that is away for a night is one line in the log, not ten thousand.
        say = log.debug if known else log.warning
        say("mqtt_not_connected", client=client, trouble=end.trouble, detail=end.detail)
        return False

    def _up_s(self) -> float | None:
        return None if self._up_since is None else asyncio.get_running_loop().time() - self._up_since

    async def _leave(self, link: Link) -> None:
        self._up.clear()
        self._link = None
        self.generation += 1
        self._inbox.disconnected()
        up_since, self._up_since = self._up_since, None
        if up_since is not None and self._on_down is not None:
            try:
                self._on_down(self.trouble or STOPPED)
            except Exception as error:  # noqa: BLE001 - the connection is gone already; go on
                fault(error, client=self.options.client_id)
        await link.close()

    def _on_session(self, session_present: bool) -> None:  # noqa: FBT001 - called by the link alone
        if self.options.durable and self._had_session and not session_present:
            self.session_lost_count += 1
            log.warning("mqtt_session_lost", client=self.options.client_id, salvaged=len(self._inbox))
        self._accepted = self._had_session = True
        self._session_present = session_present
        self._inbox.reconnected(session_present=session_present)

    def _on_deliveries(self, deliveries: list[Delivery]) -> None:
        if self._link is None:
            return
        self._inbox.put(deliveries)
        if self._inbox.over:
            self._link.pause()

    def _read_on(self) -> None:
        if self._link is not None and not self._inbox.over:
            self._link.resume()
