"""The native topics (docs/protocol.md): what a device publishes below, and what it is sent."""

import re
from dataclasses import dataclass
from typing import Self

_ROOT = "bypunkt/v1"
ANY_MUNICIPALITY = f"{_ROOT}/+/+/+"
ANY_DOWN = f"{_ROOT}/+/+/down/#"
ANY_STATE = f"{_ROOT}/+/+/down/state"
ANY_CANARY = "bypunkt/canary/+"
_MUNICIPALITY = re.compile(r"[0-9]{4}")
_DEVICE = re.compile(r"[a-z0-9-]{3,64}")
_EVENT_TYPE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+){0,3}")
_LONGEST_TYPE = 64
_NATIVE = re.compile(f"{_ROOT}/({_MUNICIPALITY.pattern})/({_DEVICE.pattern})/({_EVENT_TYPE.pattern})")


@dataclass(frozen=True, slots=True)
class NativeTopic:
    """Where a device publishes events of one type; it cannot be made of parts that are not well-formed."""

    municipality: str
    device: str
    event_type: str

    def __post_init__(self) -> None:
        _check_device(self.municipality, self.device)
        if len(self.event_type) > _LONGEST_TYPE or not _EVENT_TYPE.fullmatch(self.event_type):
            raise ValueError(f"not an event type: {self.event_type!r}")

    @classmethod
    def parse(cls, topic: str) -> Self | None:
        """Read a topic; None when it is not one on which a device publishes."""
        parts = native_parts(topic)
        return cls(*parts) if parts else None

    @property
    def topic(self) -> str:
        """The topic as the broker knows it."""
        return f"{_ROOT}/{self.municipality}/{self.device}/{self.event_type}"


def native_parts(topic: str) -> tuple[str, str, str] | None:
    """Return (municipality, device, event type) of a topic on which a device publishes, None for any other."""
    match = _NATIVE.fullmatch(topic)
    if match is None or len(match[3]) > _LONGEST_TYPE:
        return None
    return match[1], match[2], match[3]


def native_filter(municipality: str) -> str:
    """Return the filter for all events of a municipality; `down/…` has a level more and stays outside."""
    _check_municipality(municipality)
    return f"{_ROOT}/{municipality}/+/+"


def device_filter(municipality: str, device: str) -> str:
    """Return the filter for all events of a device, and for nothing below `down/`."""
    _check_device(municipality, device)
    return f"{_ROOT}/{municipality}/{device}/+"


def down_filter(municipality: str, device: str) -> str:
    """Return the filter for all that a device is sent."""
    return _down(municipality, device, "#")


def ack_topic(municipality: str, device: str) -> str:
    """Return the topic of a device's receipts."""
    return _down(municipality, device, "ack")


def command_topic(municipality: str, device: str) -> str:
    """Return the topic of a device's commands."""
    return _down(municipality, device, "command")


def content_topic(municipality: str, device: str) -> str:
    """Return the topic, retained, of a kiosk's content version."""
    return _down(municipality, device, "content")


def state_topic(municipality: str, device: str) -> str:
    """Return the topic, retained, of a device's state as we see it."""
    return _down(municipality, device, "state")


def canary_topic(lane: int) -> str:
    """Return the topic of a lane's canary."""
    if lane < 0:
        raise ValueError(f"not a lane: {lane}")
    return f"bypunkt/canary/{lane:d}"


def _down(municipality: str, device: str, what: str) -> str:
    _check_device(municipality, device)
    return f"{_ROOT}/{municipality}/{device}/down/{what}"


def _check_municipality(municipality: str) -> None:
    if not _MUNICIPALITY.fullmatch(municipality):
        raise ValueError(f"not a municipality code: {municipality!r}")


def _check_device(municipality: str, device: str) -> None:
    _check_municipality(municipality)
    if not _DEVICE.fullmatch(device):
        raise ValueError(f"not a device id: {device!r}")
