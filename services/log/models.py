"""What the log says of what it took in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """What one append did; `new + duplicates` is the number of events given."""

    new: int
    duplicates: int
    dead: int
