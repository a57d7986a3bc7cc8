"""How public points have fared on days that are over, and what work is announced; shared by everyone who asks.

Days that are over hardly change: what was read is kept for a minute, and while the database is away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import structlog
from aiohttp import web

from dashboard.announced import Announced, announced
from dashboard.figure_words import calendar_of, mark_of
from dashboard.live.frames import Row
from dashboard.periods import Period, period_of
from dashboard.web.times import local
from services.availability.figures import Figures, Times
from services.runtime.clock import Clock
from services.storage.database import UNREACHABLE, Connection, Database, Public, Role
from services.storage.sql import load_queries
from services.tenants.maintenance import Work

log = structlog.get_logger()
queries = load_queries(__package__, "public_history.sql")

SHORT, LONG, YEAR = 30, 90, 365
"""The periods that are shown, in whole days."""

_KEEP = timedelta(minutes=1)
_PATIENCE_S = 3.0
# For so long nobody asks again after nobody answered.
_SILENCE = timedelta(seconds=2)
_MOST_POINTS = 256

PointName = tuple[str, str]
"""A municipality and the name of a point in it."""


class Day(NamedTuple):
    """A day that is over, as a cell shows it; `unavailable` and `blind` in milliseconds."""

    day: date
    mark: str
    calendar: str
    unavailable: int
    blind: int
    outages: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a point's last days add up to, and the days themselves, as far as they are counted."""

    short: Times
    long: Times
    days: Sequence[Day]

    def since(self, first: date) -> Sequence[Day]:
        """The days from one on that are counted."""
        return [each for each in self.days if each.day >= first]


@dataclass(frozen=True, slots=True)
class Overview:
    """All points over the long period, and the work that is announced."""

    period: Period
    summaries: Mapping[PointName, Summary]
    work: tuple[Announced, ...]


@dataclass(frozen=True, slots=True)
class PointYear:
    """Every day of a point's last year with its figures, none where it is not counted; `recounted`: changed later."""

    period: Period
    days: Sequence[tuple[date, Figures | None]]
    recounted: int
    work: tuple[Announced, ...]

    def last(self, number: int) -> list[Figures]:
        """The figures of those of the last days that are counted."""
        return [figures for _day, figures in self.days[-number:] if figures]


Key = TypeVar("Key")
Answer = TypeVar("Answer")


@dataclass
class Kept(Generic[Key, Answer]):
    """Answers by what was asked, each read at most once a minute; bounded: what was not asked for longest goes."""

    read: Callable[[Key], Awaitable[Answer]]
    clock: Clock
    _held: OrderedDict[Key, tuple[datetime, Answer]] = field(default_factory=OrderedDict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _silent_at: datetime | None = None

    async def get(self, key: Key) -> Answer | None:
        """The answer, an older one while nobody answers, or none."""
        if self._is_fresh(key):
            return self._last(key)
        async with self._lock:
            # Those who waited behind somebody need not wait for the same answer, nor for the same silence.
            if self._is_fresh(key) or self._is_silent():
                return self._last(key)
            now = self.clock()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    answer = await self.read(key)
            except UNREACHABLE as error:
                self._silent_at = self.clock()
                log.warning("public_history_kept", error=type(error).__name__)
                return self._last(key)
            self._silent_at = None
            self._held[key] = (now, answer)
            while len(self._held) > _MOST_POINTS:
                self._held.popitem(last=False)
            return self._last(key)

    def _is_fresh(self, key: Key) -> bool:
        held, now = self._held.get(key), self.clock()
        if held is None or not timedelta() <= now - held[0] < _KEEP:
            return False
        return local(now).date() == local(held[0]).date()

    def _is_silent(self) -> bool:
        return self._silent_at is not None and timedelta() <= self.clock() - self._silent_at < _SILENCE

    def _last(self, key: Key) -> Answer | None:
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][1]


class PublicHistory:
    """The last days of all points, and the last year of each that is asked for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._overview: Kept[None, Overview] = Kept(self._read_overview, clock)
        self._years: Kept[PointName, PointYear] = Kept(self._read_year, clock)

    async def overview(self) -> Overview | None:
        """All points; none when it was never read and cannot be read now."""
        return await self._overview.get(None)

    async def year(self, municipality: str, point: str) -> PointYear | None:
        """One point; likewise."""
        return await self._years.get((municipality, point))

    async def _read_overview(self, _: None) -> Overview:
        now = self._clock()
        long, short = _period(LONG, now), _period(SHORT, now)
        async with self._database.transaction(Role.READ, Public()) as connection:
            rows = await connection.fetch(queries.summaries, long.first, short.first, _after(long))
            work = await _announced(connection, now)
        days = long.all_days
        return Overview(
            long, {(row["municipality"], row["point"]): summary_of(row, days) for row in rows}, work
        )

    async def _read_year(self, of: PointName) -> PointYear:
        now = self._clock()
        period = _period(YEAR, now)
        async with self._database.transaction(Role.READ, Public()) as connection:
            rows = await connection.fetch(queries.days_of_point, *of, period.first, _after(period))
            work = await _announced(connection, now)
        counted = {row["day"]: _figures(row) for row in rows}
        return PointYear(
            period,
            [(day, counted.get(day)) for day in period.all_days],
            sum(row["version"] > 1 for row in rows),
            tuple(each for each in work if each.concerns(*of)),
        )


HISTORY = web.AppKey("history", PublicHistory)


def nothing_known(now: datetime) -> Overview:
    """The overview of somebody who cannot read anything."""
    return Overview(_period(LONG, now), {}, ())


def summary_of(row: Row, days: Sequence[date]) -> Summary:
    """A point's row of `summaries` over these days."""
    columns = ("numbers", "available", "unavailable", "blind", "maintenance", "closed", "outages")
    return Summary(
        Times(*row["short_times"]),
        Times(*row["long_times"]),
        [
            Day(
                days[number],
                *_look(available, unavailable, blind, maintenance, closed),
                unavailable,
                blind,
                outages,
            )
            for number, available, unavailable, blind, maintenance, closed, outages in zip(
                *(row[name] for name in columns), strict=True
            )
        ],
    )


# Most days of most points are alike.
@lru_cache(maxsize=4096)
def _look(available: int, unavailable: int, blind: int, maintenance: int, is_closed: bool) -> tuple[str, str]:  # noqa: FBT001
    clock = Times(up=available, down=unavailable, blind=blind, maintenance=maintenance)
    service = Times() if is_closed else clock
    return mark_of(clock), calendar_of(Figures(1, clock, service))


def _figures(row: Row) -> Figures:
    kinds = Times._fields
    return Figures(
        1,
        Times(*(row[f"{kind}_ms"] for kind in kinds)),
        Times(*(row[f"open_{kind}_ms"] for kind in kinds)),
        row["hours_known"],
        row["outages"],
    )


async def _announced(connection: Connection, now: datetime) -> tuple[Announced, ...]:
    rows = await connection.fetch(queries.announced, local(now).replace(tzinfo=None) - timedelta(days=1))
    return announced([Work(**row) for row in rows], now)


def _period(days: int, now: datetime) -> Period:
    period = period_of(str(days), now)
    assert period is not None  # noqa: S101 - one of those that can be asked for
    return period


def _after(period: Period) -> date:
    return period.last + timedelta(days=1)
