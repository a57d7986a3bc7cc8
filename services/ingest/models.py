"""What comes in, and what becomes of it: parcels, and events accepted or refused."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol, Self

from services.events import moment, wire
from services.events.reasons import Reason

__all__ = ["LIMITS", "Accepted", "KnownDevice", "Limits", "Parcel", "Reason", "Refused", "Registry"]


class Parcel(NamedTuple):
    """A message and what the broker vouches for: whose topic it came on.

    `event_type` is None where the topic does not say it (HTTPS, foreign topics); then the event must.
    """

    municipality: str
    device: str
    event_type: str | None
    topic: str
    payload: bytes
    retain: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device as the registry has it; `codec` and `topic_identity` name a foreign route beside the native one."""

    id: str
    kind: str
    lifecycle: str
    codec: str = "native"
    topic_identity: str | None = None


class Registry(Protocol):
    """What judging needs to know of the registry."""

    def device(self, municipality: str, device: str, /) -> KnownDevice | None:
        """Return the device of this municipality by that id."""

    def municipality_of(self, device: str, /) -> str | None:
        """Return the municipality to which a device id belongs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is plausible. Import and history judge by other limits; None means no limit."""

    ahead: timedelta = timedelta(minutes=10)
    oldest: timedelta | None = timedelta(days=30)
    # A clock that was never set says 1970, or the day its firmware was built.
    clocks_set_since: datetime = datetime(2024, 1, 1, tzinfo=UTC)


LIMITS = Limits()


class Accepted(NamedTuple):
    """An event to be stored. `data` is canonical JSON: defaults and absent fields left out, addresses removed.

    `at` is the time that counts: the device's when plausible (`clock` says so), else that of receipt. `own_id` says
    that a repetition would carry the same id: given by the device or derived from what it said.
    """

    municipality: str
    device: str
    id: str
    at: datetime
    received_at: datetime
    time: datetime | None
    type: str
    retention: str
    boot: str | None
    conn: str | None
    seq: int | None
    data: dict[str, Any]
    clock: Literal["device", "receipt"]
    own_id: bool

    @property
    def look_back(self) -> bool:
        """Whether a repetition would have another `at`, so that earlier ids have to be looked up."""
        return self.own_id and self.clock == "receipt"

    @property
    def id_given(self) -> bool:
        """Whether the id is the device's own word, which alone means something to it."""
        return self.own_id and not self.id.startswith(wire.OWN_PREFIX)

    @property
    def is_birth(self) -> bool:
        """Whether the event is a device's birth, which declares anew what the device does."""
        return self.type == "device.status" and self.data.get("state") == "online"

    @property
    def declares_spool(self) -> bool:
        """Whether a birth says that the device keeps its events until their receipt."""
        return bool(self.data.get("spool"))


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that is not stored, and why. Everything in it is scrubbed of addresses, except `raw`.

    `stored` is False where not even a dead letter is kept (suspended and retired devices). `payload` is what the
    event said as JSON text of at most 16 KiB, None when it could not be read. `raw` is only to be hashed with a key.
    """

    municipality: str
    device: str | None
    topic: str
    reason: Reason
    detail: str
    received_at: datetime
    event_id: str | None
    size: int
    payload: str | None
    replayable: bool
    stored: bool
    raw: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, event: Accepted) -> Self:
        """Return an accepted event as one that the database would not store."""
        said = {
            "id": event.id if not event.id.startswith(wire.OWN_PREFIX) else None,
            "time": moment.write(event.time) if event.time else None,
            "boot": event.boot,
            "conn": event.conn,
            "seq": event.seq,
            "data": event.data,
        }
        payload = json.dumps(
            {name: value for name, value in said.items() if value is not None}, ensure_ascii=False
        )
        return cls(
            municipality=event.municipality,
            device=event.device,
            topic=f"bypunkt/v1/{event.municipality}/{event.device}/{event.type}",
            reason=Reason.STORAGE,
            detail="the database refused it",
            received_at=event.received_at,
            event_id=event.id,
            size=len(payload.encode()),
            payload=payload,
            replayable=True,
            stored=True,
            raw=payload.encode(),
        )
