"""The state of a service point: the sum of its devices, by one stated rule (docs/status-of-a-point.md).

Pure: the measured state of each active device goes in, one state with its reason comes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.status.models import Reason

_NO_INTERNET = {Reason.UPLINK_LOST, Reason.UPLINK_REPORTED}


class PointState(StrEnum):
    """What can be said of a point as a whole."""

    WORKING = "working"
    PARTLY = "partly"
    DOWN = "down"
    UNKNOWN = "unknown"


class PointReason(StrEnum):
    """Why a point is in its state, so that it can be put into words."""

    ALL_UP = "all_up"
    ALL_UP_NO_WIFI = "all_up_no_wifi"
    WIFI_UNSTEADY = "wifi_unsteady"
    WIFI_PARTLY = "wifi_partly"
    UPLINK_LOST = "uplink_lost"
    WIFI_DOWN = "wifi_down"
    WIFI_UNKNOWN = "wifi_unknown"
    OTHERS_SILENT = "others_silent"
    PARTLY_NO_WIFI = "partly_no_wifi"
    NO_CONTACT = "no_contact"
    NOTHING_KNOWN = "nothing_known"


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The measured layer of one active device: `state` is up, degraded, down or blind."""

    kind: str
    state: str
    reason: str
    since: datetime | None = None
    last_sign_at: datetime | None = None

    @property
    def gives_wifi(self) -> bool:
        """Visitors can reach the internet through it; "late" is unsteady, but without uplink there is no Wi-Fi."""
        return self.state == "up" or (self.state == "degraded" and self.reason not in _NO_INTERNET)


@dataclass(frozen=True, slots=True)
class PointStatus:
    """One state for a point; `since` is the newest change that made it so.

    Two are equal when they say the same; that a device was heard once more is no change.
    """

    state: PointState
    reason: PointReason
    since: datetime | None
    last_sign_at: datetime | None = field(compare=False)


def status_of(devices: Iterable[DeviceState]) -> PointStatus:
    """The state of a point with these active devices.

    All up is working; else any up or degraded is partly; else any down is down; else nothing is known.
    """
    all_of_them = tuple(devices)
    heard = [device.last_sign_at for device in all_of_them if device.last_sign_at]
    state, rests_on = _state(all_of_them)
    changes = [device.since for device in rests_on if device.since]
    return PointStatus(
        state=state,
        reason=_reason(state, all_of_them),
        since=max(changes, default=None),
        last_sign_at=max(heard, default=None),
    )


def _state(devices: Sequence[DeviceState]) -> tuple[PointState, Sequence[DeviceState]]:
    """The state, and the devices whose changes made it so."""
    states = {device.state for device in devices}
    if states == {"up"}:
        return PointState.WORKING, devices
    if states & {"up", "degraded"}:
        return PointState.PARTLY, devices
    if "down" in states:
        return PointState.DOWN, [device for device in devices if device.state == "down"]
    return PointState.UNKNOWN, devices


def _reason(state: PointState, devices: Sequence[DeviceState]) -> PointReason:
    hotspots = [device for device in devices if device.kind == "hotspot"]
    match state:
        case PointState.WORKING:
            return PointReason.ALL_UP if hotspots else PointReason.ALL_UP_NO_WIFI
        case PointState.PARTLY:
            return _reason_for_partly(hotspots)
        case PointState.DOWN:
            return PointReason.NO_CONTACT
        case PointState.UNKNOWN:
            return PointReason.NOTHING_KNOWN


def _reason_for_partly(hotspots: Sequence[DeviceState]) -> PointReason:
    """What a visitor asks first is whether the Wi-Fi works, so that decides the words."""
    states = {hotspot.state for hotspot in hotspots}
    giving = sum(hotspot.gives_wifi for hotspot in hotspots)
    decisions = (
        (not hotspots, PointReason.PARTLY_NO_WIFI),
        (states == {"up"}, PointReason.OTHERS_SILENT),
        (giving == len(hotspots), PointReason.WIFI_UNSTEADY),
        (giving > 0, PointReason.WIFI_PARTLY),
        ("degraded" in states, PointReason.UPLINK_LOST),
        ("down" in states, PointReason.WIFI_DOWN),
        (True, PointReason.WIFI_UNKNOWN),
    )
    return next(reason for holds, reason in decisions if holds)
