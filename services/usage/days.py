"""Days and months: what the hours add up to, once a local day is over.

A day is counted at the first look after its midnight, and again when something late has changed one of its hours: then
it stands in `usage_touched`. A look costs little and comes once a minute, so that an event does not pay for it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.storage.database import Connection
from services.storage.sql import load_queries
from services.usage.parts import Rows, chunks, columns, compare, forget, keep

queries = load_queries(__package__, "days.sql")
months = load_queries(__package__, "months.sql")

ZONE = ZoneInfo("Europe/Stockholm")
AT_A_TIME = 5000
EVERY = timedelta(minutes=1)
_DAY_KEY = ("municipality", "device", "day")
_MONTH_KEY = ("municipality", "device", "month")


class Looks:
    """When each lane was looked at last, and whether something was left: in memory, at most a number a lane."""

    def __init__(self) -> None:
        self._last: dict[int, datetime] = {}
        self._left: set[int] = set()

    def due(self, lane: int, now: datetime, *, abreast: bool) -> bool:
        """Whether it is time to look; what was left waits until all that has come is read."""
        last = self._last.get(lane)
        return last is None or not last <= now < last + EVERY or (abreast and lane in self._left)

    def looked(self, lane: int, now: datetime, *, left: bool) -> None:
        """Remember a look."""
        self._last[lane] = now
        (self._left.add if left else self._left.discard)(lane)


async def settle(connection: Connection, lane: int, now: datetime) -> bool:
    """Count the days that are over, some at a time; return whether some are left."""
    today = now.astimezone(ZONE).date()
    until: date | None = await connection.fetchval(queries.counted_until, lane)
    if until is None:
        await connection.execute(queries.begin_days, lane, today)
    elif until < today:
        await connection.execute(queries.end_days, lane, today, until)
    touched = await connection.fetch(queries.take_touched, AT_A_TIME)
    if touched:
        await _count(connection, lane, touched)
    return len(touched) == AT_A_TIME


async def settle_anew(connection: Connection, lane: int, now: datetime) -> None:
    """Drop all days and months of a lane, and count them from the hours."""
    await connection.execute(queries.forget_everything, lane)
    while await settle(connection, lane, now):
        pass


async def touch(connection: Connection, lane: int, hours: list[list[Any]]) -> None:
    """Note that hours (as columns: municipality, device, hour) were counted again."""
    await connection.execute(queries.touch_hours, lane, *hours)


async def differences(connection: Connection, lane: int) -> list[str]:
    """Return one line for each day and month that differs from what it is made of, and is not about to be counted."""
    found: list[str] = []
    for table in _TABLES:
        counted: list[Any] = []
        for some in chunks(await table.keys(connection, lane)):
            counted += await table.count(connection, lane, some)
        found += compare(table.name, await connection.fetch(table.kept), counted, key=table.key)
    return found


async def _count(connection: Connection, lane: int, touched: Rows) -> None:
    await forget(connection, queries.forget_days, touched, 3)
    await keep(connection, queries.keep_days, await _count_days(connection, lane, touched))
    these = sorted({(row["municipality"], row["device"], row["day"].replace(day=1)) for row in touched})
    of_months = [dict(zip(_MONTH_KEY, month, strict=True)) for month in these]
    await forget(connection, months.forget_months, of_months, 3)
    await keep(connection, months.keep_months, await _count_months(connection, lane, of_months))
    await forget(connection, months.forget_page_months, of_months, 3)
    await keep(connection, months.keep_page_months, await _count_page_months(connection, lane, of_months))


async def _count_days(connection: Connection, lane: int, days: Rows) -> Rows:
    del lane
    return await connection.fetch(queries.count_days, *columns(days, *_DAY_KEY))


async def _count_months(connection: Connection, lane: int, of_months: Rows) -> Rows:
    del lane
    return await connection.fetch(months.count_months, *columns(of_months, *_MONTH_KEY))


async def _count_page_months(connection: Connection, lane: int, of_months: Rows) -> Rows:
    return await connection.fetch(months.count_page_months, lane, *columns(of_months, *_MONTH_KEY))


async def _days_to_compare(connection: Connection, lane: int) -> Rows:
    return await connection.fetch(queries.days_to_compare, lane)


async def _months_to_compare(connection: Connection, lane: int) -> Rows:
    del lane
    return await connection.fetch(months.months_to_compare)


async def _page_months_to_compare(connection: Connection, lane: int) -> Rows:
    del lane
    return await connection.fetch(months.page_months_to_compare)


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    key: int
    keys: Callable[[Connection, int], Awaitable[Rows]]
    count: Callable[[Connection, int, Rows], Awaitable[Rows]]
    kept: str


_TABLES = (
    _Table("day", 3, _days_to_compare, _count_days, queries.days_kept),
    _Table("month", 3, _months_to_compare, _count_months, months.months_kept),
    _Table("views of a month", 5, _page_months_to_compare, _count_page_months, months.page_months_kept),
)
