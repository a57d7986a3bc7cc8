"""The reading `usage`: what each radio of each device carried in each hour, in whole numbers, and what it adds up to.

Figures are added where adding is exact, and counted again from the log where a counter's reading came after a later
one: it takes back what that one had counted. So the tables are a function of the set of events, however they came.
Days and months follow when a day is over (`days.py`).
"""

from datetime import datetime

from services.log.follow import Place, Turn
from services.storage.database import Connection
from services.usage import days
from services.usage.parts import PARTS, columns, count_again, differences, happenings, keep, queries


class UsageReading:
    """Usage by device, radio and hour (UTC): clients, bytes from the visitor's view, kiosk sessions and views.

    `usage_hour` sums the radios: its `clients_max` is then an upper bound, `clients_mean` the sum of means. Beside it
    stand sessions by hour, what devices counted of their days, views by page and day; and days and months of all.
    """

    name = "usage"
    longest_pause = 0.6

    def __init__(self) -> None:
        self._looks = days.Looks()

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        """Add what is new, in two statements but for late counters; once a minute count the days that are over."""
        if place.upto > place.after:
            await _add(connection, place)
        if not self._looks.due(place.lane, now, abreast=place.abreast):
            return Turn(place)
        left = await days.settle(connection, place.lane, now)
        self._looks.looked(place.lane, now, left=left)
        return Turn(place, now if left else None)

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Count what the log still has all of from it, up to the reading's cursor, and all days from their hours."""
        upto = await _cursor(connection, lane)
        for part in PARTS:
            await count_again(connection, part, lane, upto)
        await days.settle_anew(connection, lane, now)

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        """Return one line for each hour, day or month in which a table and what it is counted from differ."""
        upto = await _cursor(connection, lane)
        found = [line for part in PARTS for line in await differences(connection, part, lane, upto)]
        return found + await days.differences(connection, lane)


async def _add(connection: Connection, place: Place) -> None:
    stretch = place.lane, place.after, place.upto
    await connection.execute(happenings.add, *stretch)
    late = await connection.fetch(queries.add, *stretch)
    if not late:
        return
    of_late = columns(late, "municipality", "device", "at", "id", "iface")
    hours = columns(
        await connection.fetch(queries.touched_hours, place.upto, *of_late), "municipality", "device", "hour"
    )
    await connection.execute(queries.forget_hours, *hours)
    await keep(
        connection, queries.keep_hours, await connection.fetch(queries.count_hours, place.upto, *hours)
    )
    await days.touch(connection, place.lane, hours)


async def _cursor(connection: Connection, lane: int) -> int:
    position: int | None = await connection.fetchval(queries.cursor, UsageReading.name, lane)
    return position or 0
