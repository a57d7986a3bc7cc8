"""What every device says about itself: that it is there, and how it fares."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from services.events.fields import (
    Celsius,
    Decibel,
    Fact,
    Label,
    Load,
    Milliseconds,
    Percent,
    Sentence,
    Uptime,
)


def _nothing(_: object) -> None:
    """Drop a value unread."""


class DeviceStatus(Fact):
    """The device came (birth), went (last will) or restarts. A will is short: only `state` is needed."""

    type: Literal["device.status"] = "device.status"
    state: Literal["online", "offline", "restarting"]
    reason: Sentence | None = None
    firmware: Label | None = None
    uptime_s: Uptime | None = None
    # "I keep events on disk until you receipt them." Each birth says it anew: one that says false, or nothing,
    # takes the declaration back.
    spool: bool | None = None
    # Devices send it; it is an address and therefore dropped whatever it is.
    ip: Annotated[None, BeforeValidator(_nothing), Field(exclude=True)] = None


class DeviceHeartbeat(Fact):
    """The device is alive, with its vital signs. Drives availability."""

    type: Literal["device.heartbeat"] = "device.heartbeat"
    uptime_s: Uptime
    load1: Load | None = None
    mem_used_pct: Percent | None = None
    disk_used_pct: Percent | None = None
    temp_c: Celsius | None = None
    batt_pct: Percent | None = None
    signal_dbm: Decibel | None = None
    uplink_ok: bool | None = None
    rtt_ms: Milliseconds | None = None
    loss_pct: Percent | None = None


DeviceEvent = DeviceStatus | DeviceHeartbeat
