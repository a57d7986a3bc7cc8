"""An event before and after it is in the spool, what it is worth there, and what time it gets. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateway.agent.clocks import Instant, from_ms
from gateway.agent.failures import NotAnEvent
from services.events import EVENT_TYPES, canonical, moment
from services.events.fields import Fact
from services.ingest.addresses import scrub_data

# When the spool is full the oldest of what is worth least goes first. A sample goes before all else, since the next
# one says nearly the same and its counters are totals; an answer to a command goes last.
_WORTH = {
    "wifi.usage": 0,
    "kiosk.health": 0,
    "kiosk.view": 1,
    "device.heartbeat": 2,
    "kiosk.session": 3,
    "wifi.session_end": 3,
    "wifi.visitors": 3,
    "device.status": 4,
    "command.result": 5,
}
_WORTH_OF_OTHERS = 1
_ENVELOPE_BYTES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event on its way into the spool; times in milliseconds.

    `power_ms` is when it happened, since power-up: only the spool knows how long the device had lived by then, and it
    may have to be opened first. `time_ms` is the same by the clock, where that is sure; `guess_ms` what the clock said,
    where that is possible.
    """

    type: str
    data: str
    power_ms: int
    time_ms: int | None
    guess_ms: int | None
    urgent: bool = False
    conn: str | None = None

    @property
    def worth(self) -> int:
        """How long it stays in a spool that is full: what is worth least goes first."""
        return _WORTH.get(self.type, _WORTH_OF_OTHERS)

    @property
    def size(self) -> int:
        """Roughly the bytes that it takes up."""
        return len(self.data.encode()) + _ENVELOPE_BYTES


@dataclass(frozen=True, slots=True)
class Row:
    """An event in the spool; `settled` says that its time has been decided, for ever."""

    number: int
    boot: str
    seq: int
    type: str
    conn: str | None
    urgent: bool
    lived_ms: int
    guess_ms: int | None
    time_ms: int | None
    settled: bool
    data: str

    @property
    def id(self) -> str:
        """The event's id, which a receipt names."""
        return event_id(self.boot, self.seq)

    def body(self) -> bytes:
        """Return the event in the short form."""
        said: dict[str, object] = {"id": self.id, "boot": self.boot, "seq": self.seq}
        if self.time_ms is not None:
            said["time"] = moment.write(from_ms(self.time_ms))
        if self.conn is not None:
            said["conn"] = self.conn
        head = json.dumps(said, separators=(",", ":"))
        return f'{head[:-1]},"data":{self.data}}}'.encode()


def time_of(row: Row, present: Instant, *, boot: str, patient: bool) -> int | None:
    """Return the time to give an event that is to be sent now, or None for none: then its receipt counts.

    `patient` says that the clock may still be set soon; only what cannot wait is sent then. An event of an earlier
    start of the machine cannot be counted back to, so it keeps what the clock said at the time.
    """
    if row.boot != boot:
        return row.guess_ms
    if present.sure or (present.usable and not patient):
        return present.wall_ms - max(0, present.lived_ms - row.lived_ms)
    return None


def event_id(boot: str, seq: int) -> str:
    """Return the id of an event."""
    return f"{boot}-{seq}"


def fact_of(event_type: str, data: Mapping[str, Any]) -> Fact:
    """Return what is reported as its canonical event; raises NotAnEvent."""
    kind = EVENT_TYPES.get(event_type)
    if kind is None:
        raise NotAnEvent(f"there is no event type {event_type!r}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise NotAnEvent(_first_fault(error)) from None


def entry_of(fact: Fact, present: Instant, *, conn: str | None = None) -> Entry:
    """Return a fact as it is kept: free of addresses, dated if the clock is sure; raises NotAnEvent."""
    event_type: str = type(fact).model_fields["type"].default
    data = canonical(fact)
    if (scrubbed := scrub_data(data)) is not data:
        data = canonical(fact_of(event_type, scrubbed))
    return Entry(
        type=event_type,
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        power_ms=present.power_ms,
        time_ms=present.wall_ms if present.sure else None,
        guess_ms=present.wall_ms if present.usable else None,
        urgent=event_type == "command.result" or data.get("state") == "online",
        conn=conn,
    )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "data"
    return f"{where}: {fault['msg']}"
