"""Whether the path keeps up, from the database alone: true also when the gateway or the worker stands still."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.log.lanes import BLIND_AFTER
from services.log.models import Partition
from services.log.retention import log_size
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__, "health.sql")

# An idle reading says every five seconds that it has read everything: three times is no hiccup.
LATE_AFTER = timedelta(seconds=15)
# The gateway makes partitions 35 days ahead, every six hours: with less than this nobody has for long.
LEAST_AHEAD = timedelta(days=14)
# Of each lane so many of the newest dead letters are looked at.
MOST_LETTERS = 200
# Below this the empty pages of young partitions count for more than the events.
_ENOUGH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """A lane: its newest position, how it is taken in, and which processes hold it since when.

    `seen_until` is the newest canary that came the whole way, of a connection that is `open` or has ended.
    `newest_at` is when the newest event came, if it is among the last few that one may see. A lease is no sign of
    life: the last process of its part that died still holds its lanes.
    """

    lane: int
    head: int
    seen_until: datetime | None
    open: bool
    gateway: UUID | None
    gateway_since: datetime | None
    worker: UUID | None
    worker_since: datetime | None
    newest_at: datetime | None

    def sees(self, now: datetime) -> bool:
        """Whether events of the lane are taken in."""
        return self.open and self.seen_until is not None and now - self.seen_until <= BLIND_AFTER


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reading is in a lane: `behind` in events, and when it had last read everything."""

    reading: str
    lane: int
    behind: int
    caught_up_at: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether the reading does not keep up."""
        return self.caught_up_at is None or now - self.caught_up_at > LATE_AFTER


@dataclass(frozen=True, slots=True)
class ReadingHealth:
    """One reading in all its lanes: how many, in how many it is late, and by how much at most.

    `read_until` is when it had last read everything in the lane where that is longest ago, None when it never has.
    """

    reading: str
    lanes: int
    late: int
    behind: int
    read_until: datetime | None

    @property
    def stands(self) -> bool:
        """Whether it is late everywhere: then nobody reads."""
        return self.late == self.lanes > 0


@dataclass(frozen=True, slots=True)
class LogSize:
    """The log on disk, by its partitions."""

    partitions: Sequence[Partition]

    @property
    def bytes(self) -> int:
        """Bytes of all of it, with indexes."""
        return sum(partition.bytes for partition in self.partitions)

    @property
    def bytes_an_event(self) -> int | None:
        """Bytes an event, with indexes; None while PostgreSQL has counted too few to say."""
        counted = [partition for partition in self.partitions if partition.rows]
        rows = sum(partition.rows for partition in counted)
        return round(sum(partition.bytes for partition in counted) / rows) if rows >= _ENOUGH_ROWS else None

    @property
    def starts_at(self) -> datetime | None:
        """From when on ordinary events have a place."""
        return min((partition.starts_at for partition in self._ordinary), default=None)

    @property
    def ends_at(self) -> datetime | None:
        """Until when ordinary events have a place."""
        return max((partition.ends_at for partition in self._ordinary), default=None)

    @property
    def _ordinary(self) -> list[Partition]:
        return [partition for partition in self.partitions if partition.retention == "standard"]

    def is_short(self, now: datetime) -> bool:
        """Whether room for events to come is running out."""
        return self.ends_at is None or self.ends_at - now < LEAST_AHEAD


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL that we are connected to."""

    version: str
    synchronous_commit: str

    @property
    def is_safe(self) -> bool:
        """Whether it confirms only what is on disk (rule R11); the rest of that rule is looked at before we start."""
        return self.synchronous_commit in ("on", "remote_apply")


@dataclass(frozen=True, slots=True)
class Health:
    """How the path is doing, in the lanes that were asked about."""

    lanes: Sequence[LaneHealth]
    readings: Sequence[ReadingHealth]
    size: LogSize
    server: Server

    @property
    def newest_at(self) -> datetime | None:
        """When the newest event came that one may see."""
        return max((lane.newest_at for lane in self.lanes if lane.newest_at), default=None)

    def blind(self, now: datetime) -> list[LaneHealth]:
        """Return the lanes whose events nobody takes in."""
        return [lane for lane in self.lanes if not lane.sees(now)]


async def read_health(
    connection: Connection, lanes: Collection[int], *, readings: Sequence[str], now: datetime
) -> Health:
    """Read how these lanes and readings are doing, in the open transaction (role web)."""
    numbers = list(lanes)
    places = [Place(**row) for row in await connection.fetch(queries.places, numbers, list(readings))]
    (server,) = await connection.fetch(queries.server)
    return Health(
        lanes=[LaneHealth(**row) for row in await connection.fetch(queries.lanes, numbers)],
        readings=[
            reading_health(name, [place for place in places if place.reading == name], now)
            for name in readings
        ],
        size=LogSize(await log_size(connection)),
        server=Server(**server),
    )


def reading_health(name: str, places: Iterable[Place], now: datetime) -> ReadingHealth:
    """Sum up one reading over its lanes."""
    known = list(places)
    ends = [place.caught_up_at for place in known]
    return ReadingHealth(
        name,
        lanes=len(known),
        late=sum(place.late(now) for place in known),
        behind=sum(place.behind for place in known),
        read_until=None if None in ends else min((until for until in ends if until), default=None),
    )


@dataclass(frozen=True, slots=True)
class Refusals:
    """Dead letters by reason, most often first, and whether there may be more than were looked at."""

    by_reason: Sequence[tuple[str, int]]
    more: bool


async def refusals(connection: Connection, since: datetime) -> Refusals:
    """Count the dead letters since then, at most `MOST_LETTERS` a lane."""
    await connection.execute(queries.look_by_index)
    rows = await connection.fetch(queries.refusals, since, MOST_LETTERS)
    return Refusals([(row["reason"], row["letters"]) for row in rows], any(row["more"] for row in rows))
