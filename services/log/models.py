"""What the log hands out, and what it takes in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with its place in the log.

    `at` is the time that counts (the device's when plausible, else `received_at`); `time` is what the device said.
    """

    lane: int
    position: int
    municipality: str
    device: str
    id: str
    type: str
    at: datetime
    received_at: datetime
    time: datetime | None
    boot: str | None
    conn: str | None
    seq: int | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is to be stored.

    `look_back` says that `at` is the time of receipt although the device gave an id: a repetition then has another
    `at`, so the ids of the last 48 hours are looked up as well.
    """

    municipality: str
    device: str
    id: str
    type: str
    retention: str
    at: datetime
    received_at: datetime
    time: datetime | None
    boot: str | None
    conn: str | None
    seq: int | None
    data: dict[str, Any]
    look_back: bool


@dataclass(frozen=True, slots=True)
class NewDeadLetter:
    """What could not be stored as an event, already scrubbed of addresses."""

    municipality: str
    device: str | None
    topic: str
    reason: str
    detail: str
    event_id: str | None
    received_at: datetime
    size: int
    raw: bytes
    payload: str | None
    replayable: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What one append did; `new + duplicates` is the number of events given."""

    new: int
    duplicates: int
    dead: int
