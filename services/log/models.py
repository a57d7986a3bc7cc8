"""What the log says of what it took in, and of what it holds."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """What one append did; `new + duplicates` is the number of events given."""

    new: int
    duplicates: int
    dead: int


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the log: one class between two instants. `rows` is PostgreSQL's estimate, `bytes` with indexes."""

    name: str
    retention: str
    starts_at: datetime
    ends_at: datetime
    bytes: int
    rows: int
