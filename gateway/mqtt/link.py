"""One connection to a broker: paho on the event loop. No other file knows paho.

paho gets a connected socket and does no waiting of its own, so all of it runs on the loop's thread. A link is
used once: whatever goes wrong ends it for good, and with its paho client go the message numbers, the queues and
the half-read packet. That is what keeps an exception in a callback from leaving something that looks connected.

paho takes several system calls and many steps for a packet, which is too much for what comes thousands of times a
second. So three kinds pass it by: messages that come (`frames`), their acknowledgements, and messages that are
posted. All others are its own; it reads them from `stream`, and writes into the buffer of the `wire`, always whole
packets. It does not know of what passes it by, and pings as if it were not there, which is harmless.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.mqtt import dial, frames
from gateway.mqtt.errors import Ended, NotConnected, Refused, Trouble, fault
from gateway.mqtt.negotiation import Version
from gateway.mqtt.options import Delivery, SessionOptions
from gateway.mqtt.stream import Fed
from gateway.mqtt.wire import Wire
from services.runtime.clock import Clock, whole_milliseconds

SESSION_EXPIRY_S = 7 * 24 * 3600
ANSWER_S = 10.0  # for SUBACK and UNSUBACK
FAREWELL_S = 0.3  # for each of: our DISCONNECT written, the broker's end of file
FILTERS_A_PACKET = 50

_REFUSALS = {
    132: Trouble.PROTOCOL,
    133: Trouble.CLIENT_ID,
    134: Trouble.CREDENTIALS,  # Mosquitto answers a wrong password with 135, as it does an unknown user
    135: Trouble.CREDENTIALS,
    138: Trouble.CREDENTIALS,
    136: Trouble.BUSY,
    137: Trouble.BUSY,
    151: Trouble.BUSY,
    159: Trouble.BUSY,
}
_KEEPALIVE_TIMEOUT = 141
_TAKEN_OVER = 142


@dataclass(frozen=True, slots=True)
class Handlers:
    """Called on the loop as packets are read; an exception in one ends the link."""

    on_session: Callable[[bool], None]  # session present; before anything that was queued for us arrives
    on_deliveries: Callable[[list[Delivery]], None]


class Link:
    """A paho client on a socket, from CONNECT to DISCONNECT."""

    def __init__(
        self,
        options: SessionOptions,
        version: Version,
        *,
        sock: socket.socket,
        handlers: Handlers,
        generation: int,
        clock: Clock,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._handlers = handlers
        self._v5 = version == "5"
        self._generation = generation
        self._clock = clock
        self._sock = sock
        self._frames = frames.Frames(v5=self._v5, generation=generation, clock=clock)
        self._wire = Wire(sock, on_bytes=self._take_in)
        self._stream = Fed(sock.fileno(), write=self._wire.write)
        self._ended: asyncio.Future[Ended] = self._loop.create_future()
        self._accepted: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[Sequence[ReasonCode] | None]] = {}
        self._messages_came = False  # in what was read last
        self._client: _Client

    async def connect(self, patience_s: float) -> None:
        """Send CONNECT and wait for a CONNACK that accepts us; raises Ended."""
        durable = self._options.durable
        properties = Properties(PacketTypes.CONNECT) if self._v5 else None  # type: ignore[no-untyped-call]
        if properties is not None:
            properties.ReceiveMaximum = self._options.window
            properties.SessionExpiryInterval = SESSION_EXPIRY_S if durable else 0
        self._client = self._make_client()
        self._client.connect(
            self._options.host,
            self._options.port,
            self._options.keepalive_s,
            clean_start=not durable if self._v5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )
        waiting: set[asyncio.Future[bool] | asyncio.Future[Ended]] = {self._accepted, self._ended}
        await asyncio.wait(waiting, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if self._ended.done():
            raise self._ended.result()
        if not self._accepted.done():
            raise Ended(Trouble.SILENT, f"no CONNACK within {patience_s:g} s")

    async def serve(self) -> NoReturn:
        """Keep the connection alive; raises Ended when it is over."""
        while self.alive:
            await asyncio.wait({self._ended}, timeout=1)
            self._guard(self._tend)
        raise self._ended.result()

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe with QoS 1 and check every SUBACK; raises Refused or NotConnected."""
        handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
        if not self._options.retained:
            handling = SubscribeOptions.RETAIN_DO_NOT_SEND
        how = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=handling) if self._v5 else 1
        codes: list[ReasonCode] = []
        for start in range(0, len(filters), FILTERS_A_PACKET):
            chunk = filters[start : start + FILTERS_A_PACKET]
            _, mid = self._client.subscribe([(name, how) for name in chunk])  # type: ignore[arg-type] # mixed list
            codes += await self._answer(mid, timeout_s=ANSWER_S)
        refused = [str(code) for code in codes if code.value != 1]
        if refused or len(codes) != len(filters):
            reasons = ", ".join(sorted(set(refused)))
            raise Refused(f"{len(refused)} of {len(filters)} subscriptions not granted: {reasons}")

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Unsubscribe, and wait for the UNSUBACK; raises NotConnected."""
        for start in range(0, len(filters), FILTERS_A_PACKET):
            _, mid = self._client.unsubscribe(list(filters[start : start + FILTERS_A_PACKET]))
            await self._answer(mid, timeout_s=ANSWER_S)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, expires_s: int | None
    ) -> None:
        """Return when on its way (QoS 0) or acknowledged (QoS 1); raises NotConnected, Refused or ValueError."""
        await self._wire.room()
        properties = None
        if self._v5 and expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expires_s
        sent = self._client.publish(topic, payload, qos, retain, properties)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            raise NotConnected(paho.error_string(sent.rc))
        codes = await self._answer(sent.mid)
        if any(code.is_failure for code in codes):
            raise Refused(", ".join(map(str, codes)))

    def post(self, topic: str, payload: bytes) -> bool:
        """Send with QoS 0, or return False when too much waits to be sent; raises ValueError."""
        packet = frames.publish(topic, payload, v5=self._v5)
        if self._wire.full:
            return False
        self._wire.write(packet)
        return True

    @property
    def alive(self) -> bool:
        """Whether the connection has not ended."""
        return not self._ended.done()

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Send their PUBACKs, at once and together."""
        self._wire.write(frames.pubacks(deliveries))

    def resume(self) -> None:
        """Read on."""
        if self.alive and self._wire.paused:
            self._wire.resume()

    def pause(self) -> None:
        """Stop reading. Pings go on, so that the broker keeps us, but nobody expects to hear their answers."""
        self._wire.pause()

    def break_off(self) -> None:
        """End at once and say nothing."""
        self._end(Ended(Trouble.LOST, "broken off"))

    async def close(self) -> None:
        """Say goodbye if there is somebody to say it to, and close the socket; takes at most twice FAREWELL_S."""
        alive = self.alive
        try:
            if alive and self._accepted.done():
                self._guard(self._say_goodbye)
                await self._wire.drain(timeout_s=FAREWELL_S)
            self._end(Ended(Trouble.LOST, "left"))
            if alive:
                await dial.hang_up(self._sock, timeout_s=FAREWELL_S)
        finally:
            self._end(Ended(Trouble.LOST, "left"))
            self._sock.close()

    def _make_client(self) -> "_Client":
        options = self._options
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            clean_session=None if self._v5 else not options.durable,
            protocol=paho.MQTTv5 if self._v5 else paho.MQTTv311,
            reconnect_on_failure=False,  # else paho answers a refusal with MQTT 3.1, in a blocking connect
            manual_ack=True,
        )
        client.ready = self._stream
        client.username_pw_set(options.username, options.password)
        if options.will is not None:
            will = options.will
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_socket_open = lambda *_: self.resume()
        client.on_socket_register_write = self._on_something_to_write
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = lambda _client, _data, mid, code, _properties: self._settle(mid, [code])
        client.on_subscribe = lambda _client, _data, mid, codes, _properties: self._settle(mid, codes)
        client.on_unsubscribe = lambda _client, _data, mid, codes, _properties: self._settle(mid, codes)
        return client

    async def _answer(self, mid: int | None, *, timeout_s: float | None = None) -> Sequence[ReasonCode]:
        """Wait for the broker's answer to a packet of ours; a broker that owes one for too long has failed.

        While we do not read it may well have answered.
        """
        if mid is None or not self.alive:
            raise NotConnected("the connection is gone")
        answer = self._answers[mid] = self._loop.create_future()
        try:
            while timeout_s is not None and not answer.done():
                await asyncio.wait({answer}, timeout=timeout_s)
                if not (answer.done() or self._wire.paused):
                    self._end(Ended(Trouble.LOST, f"no answer to a request within {timeout_s:g} s"))
            codes: Sequence[ReasonCode] | None = await answer
        finally:
            self._answers.pop(mid, None)
        if codes is None:
            raise NotConnected("the connection went away before the answer")
        return codes

    def _settle(self, mid: int, codes: Sequence[ReasonCode]) -> None:
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def _take_in(self, data: bytes) -> bool:
        self._messages_came = False
        self._guard(partial(self._hand_on, data) if data else self._close_stream)
        return self._messages_came

    def _hand_on(self, data: bytes) -> None:
        for found in self._frames.feed(data):
            if isinstance(found, bytes):
                self._stream.feed(found)
                self._client.loop_read()
            elif self._accepted.done():
                self._messages_came = True
                self._handlers.on_deliveries(found)
            else:
                raise Ended(Trouble.DROPPED, "a message before CONNACK")
            if not self.alive:
                return

    def _close_stream(self) -> None:
        self._stream.feed(b"")
        self._client.loop_read()
        self._end(Ended(Trouble.CLOSED))  # paho will have said why

    def _write(self) -> None:
        self._guard(self._client.loop_write)

    def _say_goodbye(self) -> None:
        self._client.disconnect()
        self._client.loop_write()

    def _tend(self) -> None:
        if self._wire.stuck_s > 1.5 * self._options.keepalive_s:
            raise Ended(Trouble.LOST, "takes nothing within keepalive")
        if self._wire.paused or self._wire.full:
            self._client.ping_unheard()
        else:
            self._client.loop_misc()

    def _guard(self, step: Callable[[], object]) -> None:
        """Let paho take a step. An error that nobody foresaw ends the link, whatever paho thinks of its state."""
        if not self.alive:
            return
        try:
            step()
        except Ended as end:
            self._end(end)
        except Exception as error:  # noqa: BLE001 - R10: an unknown class ends the connection
            self._end(fault(error, client=self._options.client_id))

    def _on_something_to_write(self, _client: object, _data: object, _socket: object) -> None:
        self._loop.call_soon(self._write)

    def _on_connect(
        self, _client: object, _data: object, flags: paho.ConnectFlags, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            self._end(Ended(_REFUSALS.get(code.value, Trouble.DROPPED), str(code)))
        elif not self._accepted.done():
            self._handlers.on_session(flags.session_present)
            self._accepted.set_result(flags.session_present)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = frames.NOBODYS_TOPIC
        received_at = whole_milliseconds(self._clock())
        payload, retain, qos, mid = bytes(message.payload), message.retain, message.qos, message.mid
        delivery = Delivery(topic, payload, retain, qos, mid, self._generation, received_at)
        self._handlers.on_deliveries([delivery])

    def _on_disconnect(
        self,
        _client: object,
        _data: object,
        flags: paho.DisconnectFlags,
        code: ReasonCode,
        _properties: object,
    ) -> None:
        if not self._accepted.done():
            self._end(Ended(Trouble.DROPPED, "closed before CONNACK"))
        elif flags.is_disconnect_packet_from_server:
            self._end(Ended(Trouble.EVICTED if code.value == _TAKEN_OVER else Trouble.LOST, str(code)))
        elif code.value == _KEEPALIVE_TIMEOUT:
            self._end(Ended(Trouble.LOST, "no answer within keepalive"))
        else:
            self._end(Ended(Trouble.CLOSED))

    def _end(self, why: Ended) -> None:
        if not self.alive:
            return
        self._wire.stop()
        self._ended.set_result(why)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)


class _Client(paho.Client):
    """paho with a socket that is connected already: its own way of connecting blocks."""

    ready: Fed

    def _create_socket(self) -> Fed:  # type: ignore[explicit-override] # typing has it from 3.12
        return self.ready

    def ping_unheard(self) -> None:
        """Send a PINGREQ when one is due, and expect no answer: paho would take its absence for a dead broker."""
        self._ping_t = 0.0
        if time.monotonic() - self._last_msg_out >= self._keepalive / 2:
            self._send_simple_command(paho.PINGREQ)
