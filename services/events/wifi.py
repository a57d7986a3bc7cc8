"""How a hotspot is used, seen from the visitor: down is what the visitor downloads. Numbers, no names."""

import re
from datetime import date
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from services.events.fields import Counter, Fact, Interval, Label, Moment, Number, Percent, Retention

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# As people write it (5 GHz) and as OpenWrt configures it (5g).
_BAND = re.compile(r"(2|2\.4|5|6|60) ?(?:g|ghz)?", re.ASCII | re.IGNORECASE)


def _band(value: object) -> object:
    match = _BAND.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    return "2.4" if match[1] == "2" else match[1]


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _DAY.fullmatch(value) is None:
        raise ValueError("is not a day as YYYY-MM-DD")
    return date.fromisoformat(value)


# A local day in Sweden (Europe/Stockholm).
LocalDay = Annotated[date, BeforeValidator(_day)]
Ssid = Annotated[Label, Field(max_length=32)]
SessionLength = Annotated[int, Field(ge=0, le=2_592_000)]  # seconds, up to thirty days


class WifiUsage(Fact):
    """Clients connected now to one interface, and the bytes that went through.

    `…_total` are the interface's counters as they stand (a reading takes the differences and sees resets);
    without `_total` they are the bytes of the last `interval_s` seconds.
    """

    type: Literal["wifi.usage"] = "wifi.usage"
    iface: Annotated[Label, Field(max_length=32)]
    ssid: Ssid | None = None
    band: Annotated[Literal["2.4", "5", "6", "60"], BeforeValidator(_band)] | None = None
    clients: Number
    clients_max: Number | None = None
    down_bytes_total: Counter | None = None
    up_bytes_total: Counter | None = None
    interval_s: Interval | None = None
    down_bytes: Counter | None = None
    up_bytes: Counter | None = None
    estimated: bool = False

    @model_validator(mode="after")
    def _bytes_have_their_interval(self) -> Self:
        if self.interval_s is None and (self.down_bytes is not None or self.up_bytes is not None):
            raise ValueError("down_bytes and up_bytes need interval_s")
        return self


class WifiVisitors(Fact):
    """How many different clients a device has counted on a local day, as a number and nothing else.

    Approximate: one person may be several clients, since phones change their address. `coverage_pct` is how much of the
    day the device was counting. The newest report of a day counts.
    """

    type: Literal["wifi.visitors"] = "wifi.visitors"
    day: LocalDay
    distinct: Number
    coverage_pct: Percent


class WifiSessionEnd(Fact):
    """Somebody's visit to the network has ended: a length and a volume, and nobody's name or pseudonym."""

    # The reading `usage` keeps how many there were and how long, by the hour; the single visit goes.
    retention: ClassVar[Retention] = "short"

    type: Literal["wifi.session_end"] = "wifi.session_end"
    ssid: Ssid | None = None
    started_at: Moment
    ended_at: Moment
    duration_s: SessionLength
    down_bytes: Counter | None = None
    up_bytes: Counter | None = None
    end_reason: Literal["user", "idle", "timeout", "quota", "shutdown", "unknown"]

    @model_validator(mode="after")
    def _ends_after_it_started(self) -> Self:
        if self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self


WifiEvent: TypeAlias = WifiUsage | WifiVisitors | WifiSessionEnd
