"""The reading `usage`: what each radio of each device carried in each hour, in whole numbers.

Figures are added where adding is exact, and counted again from the log where a counter's reading came after a later
one: it takes back what that one had counted. So the table is a function of the set of events, however they came.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.log.follow import Place, Turn
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)

HOURS_AT_A_TIME = 500


class UsageReading:
    """Usage by device, radio and hour (UTC): clients, bytes from the visitor's view, kiosk sessions and views.

    `usage_hour` sums the radios: its `clients_max` is then an upper bound, `clients_mean` the sum of means.
    """

    name = "usage"
    longest_pause = 0.6

    async def apply(self, connection: Connection, place: Place, *, now: datetime) -> Turn:
        """Add what is new, in one statement but for late counters; time alone changes nothing here."""
        del now
        if place.upto > place.after:
            await _add(connection, place)
        return Turn(place)

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Drop the hours that the log still has all of, and count them from it, up to the reading's cursor."""
        del now
        upto = await _cursor(connection, lane)
        await connection.execute(queries.forget_all)
        await _keep(connection, await _all_from_log(connection, lane, upto))

    async def verify(self, connection: Connection, lane: int) -> list[str]:
        """Return one line for each hour in which the table and the log differ."""
        kept = _by_hour(await connection.fetch(queries.hours_kept))
        counted = _by_hour(await _all_from_log(connection, lane, await _cursor(connection, lane)))
        return [
            f"usage {' '.join(map(str, key))}: table {kept.get(key)}, log {counted.get(key)}"
            for key in sorted({*kept, *counted})
            if kept.get(key) != counted.get(key)
        ]


async def _add(connection: Connection, place: Place) -> None:
    late = await connection.fetch(queries.add, place.lane, place.after, place.upto)
    if not late:
        return
    columns = _columns(late, "municipality", "device", "at", "id", "iface")
    hours = await connection.fetch(queries.touched_hours, place.upto, *columns)
    keys = _columns(hours, "municipality", "device", "hour")
    await connection.execute(queries.forget_hours, *keys)
    await _keep(connection, await connection.fetch(queries.count_hours, place.upto, *keys))


async def _all_from_log(connection: Connection, lane: int, upto: int) -> list[Any]:
    hours = await connection.fetch(queries.all_hours, lane, upto)
    counted: list[Any] = []
    for start in range(0, len(hours), HOURS_AT_A_TIME):
        some = hours[start : start + HOURS_AT_A_TIME]
        counted += await connection.fetch(
            queries.count_hours, upto, *_columns(some, "municipality", "device", "hour")
        )
    return counted


async def _keep(connection: Connection, rows: Sequence[Any]) -> None:
    if rows:
        await connection.execute(queries.keep_hours, *_columns(rows, *rows[0].keys()))


async def _cursor(connection: Connection, lane: int) -> int:
    position: int | None = await connection.fetchval(queries.cursor, UsageReading.name, lane)
    return position or 0


def _by_hour(rows: Sequence[Any]) -> dict[tuple[str, ...], tuple[object, ...]]:
    keys = ((row["municipality"], row["device"], row["hour"].isoformat(), row["iface"]) for row in rows)
    return {key: tuple(row)[len(key) :] for key, row in zip(keys, rows, strict=True)}


def _columns(rows: Sequence[Any], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]
