"""Who may publish and read what at the broker. Pure; whatever is not allowed here is denied.

A right stands in a role, and every account has at most one. docs/broker.md has the same table for other brokers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gateway import topics

RESPONSES = "$CONTROL/dynamic-security/v1/response"
COMMANDS = "$CONTROL/dynamic-security/v1"

# A dot is in no device's name, so nothing of ours can ever be named like a device.
OURS = "bypunkt."
ADMIN_ROLE = f"{OURS}rights"
LANE_ROLE = f"{OURS}lane"
READER_ROLE = f"{OURS}reader"
SIMULATE_ROLE = f"{OURS}simulate"
_DEVICE_ROLE = f"{OURS}device."

# Simulated devices of an installation that may sign in together; what an account may do is looked up one by one.
MOST_SIMULATED = 200


class May(StrEnum):
    """The kinds of right, as Mosquitto's dynamic security names them."""

    SEND = "publishClientSend"
    RECEIVE = "publishClientReceive"
    SUBSCRIBE = "subscribePattern"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that is allowed, on the topics that a filter matches."""

    may: May
    topics: str


Rights: TypeAlias = frozenset[Right]

# A message is checked when it is sent, when it is subscribed to, and again when it is handed over. Giving a
# subscription up harms nobody.
DEFAULTS = {May.SEND: False, May.RECEIVE: False, "subscribe": False, "unsubscribe": True}


def device_role(municipality: str, device: str) -> str:
    """Return the name of a device's role."""
    return f"{_DEVICE_ROLE}{municipality}.{device}"


def is_device_role(name: str) -> bool:
    """Whether a role was made for a device."""
    return name.startswith(_DEVICE_ROLE)


def device_rights(municipality: str, device: str) -> Rights:
    """Publish its own events; read what is meant for it."""
    down = topics.down_filter(municipality, device)
    return _send(topics.device_filter(municipality, device)) | _read(down)


def lane_rights() -> Rights:
    """Read all events, tell every device, and send canaries to itself.

    All lanes are one program with one password, so they have one role. It does not follow the registry: taking
    events in must not wait for anybody to allow it.
    """
    canary = topics.ANY_CANARY
    return _read(topics.ANY_MUNICIPALITY, canary) | _send(topics.ANY_DOWN, canary)


def admin_rights() -> Rights:
    """Command the broker's dynamic security, and nothing else."""
    return _send(COMMANDS) | _read(RESPONSES)


def reader_rights() -> Rights:
    """Read the state of every device as we see it."""
    return _read(topics.ANY_STATE)


def simulate_rights(devices: Iterable[tuple[str, str]]) -> Rights:
    """Play devices that are marked as synthetic: publish as they, and read their receipts."""
    rights: Rights = frozenset()
    for municipality, device in sorted(devices)[:MOST_SIMULATED]:
        rights |= _send(topics.device_filter(municipality, device))
        rights |= _read(topics.ack_topic(municipality, device))
    return rights


def _send(*filters: str) -> Rights:
    return frozenset(Right(May.SEND, name) for name in filters)


def _read(*filters: str) -> Rights:
    return frozenset(Right(may, name) for name in filters for may in (May.RECEIVE, May.SUBSCRIBE))
