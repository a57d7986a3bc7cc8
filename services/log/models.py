"""What the log hands out, and what it says of what it took in."""

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
class Stored:
    """What one append did; `new + duplicates` is the number of events given."""

    new: int
    duplicates: int
    dead: int
