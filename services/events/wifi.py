"""How a hotspot is used, seen from the visitor: down is what the visitor downloads. Numbers, no names."""

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from services.events.fields import Counter, Fact, Interval, Label, Number

# As people write it (5 GHz) and as OpenWrt configures it (5g).
_BAND = re.compile(r"(2|2\.4|5|6|60) ?(?:g|ghz)?", re.ASCII | re.IGNORECASE)


def _band(value: object) -> object:
    match = _BAND.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    return "2.4" if match[1] == "2" else match[1]


class WifiUsage(Fact):
    """Clients connected now to one interface, and the bytes that went through.

    `…_total` are the interface's counters as they stand (a reading takes the differences and sees resets);
    without `_total` they are the bytes of the last `interval_s` seconds.
    """

    type: Literal["wifi.usage"] = "wifi.usage"
    iface: Annotated[Label, Field(max_length=32)]
    ssid: Annotated[Label, Field(max_length=32)] | None = None
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


WifiEvent: TypeAlias = WifiUsage
