"""What a session is told, and what it hands over."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Protocol = Literal["auto", "5", "3.1.1"]


@dataclass(slots=True, eq=False)  # frozen would cost five times as much, for each message
class Delivery:
    """One PUBLISH as it came, to be read only; `generation` names the connection that it can be acknowledged on.

    `received_at` is that of the read it came in. A payload of more than a mebibyte is cut to what fits.
    """

    topic: str
    payload: bytes
    retain: bool
    qos: int
    mid: int
    generation: int
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes for us when the connection breaks."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How to reach a broker, as whom, and what to subscribe to (QoS 1, on every connect).

    `window` is the most QoS 1 deliveries that may be unacknowledged at a time: the Receive Maximum of MQTT 5.
    A 3.1.1 broker has a limit of its own, usually 20; at twice the window we stop reading. `durable` sessions
    keep their queue at the broker for seven days. `auto` asks for MQTT 5 first. `retained` asks for retained
    messages at subscribing, which a 3.1.1 broker sends in any case. `tls_ca` is a file of certificates and
    turns TLS on. `brief` sessions come and go all day, and their coming is no news for the log.
    """

    host: str
    port: int = 1883
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: bool = False
    tls_ca: Path | None = None
    keepalive_s: int = 30
    subscriptions: tuple[str, ...] = ()
    retained: bool = False
    durable: bool = True
    brief: bool = False
    window: int = 500
    will: Will | None = None
    protocol: Protocol = "auto"

    def __post_init__(self) -> None:
        if not 1 <= self.window <= 65535:
            raise ValueError("the window must be between 1 and 65535, as MQTT 5 can say it")
