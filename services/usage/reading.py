"""The reading `usage`: what each device carried in each hour, counted again from the log whenever an hour changes.

Counting again instead of adding up is what makes the table a function of the set of events: a late or repeated
event changes its own hour and, of a counter, the hour of the reading after it, and nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.log.models import LoggedEvent
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)

HOURS_AT_A_TIME = 500
COUNTED = frozenset({"wifi.usage", "kiosk.session", "kiosk.view"})


class UsageReading:
    """Usage by device and hour (UTC): connected devices, bytes from the visitor's view, kiosk sessions and views.

    Of several radios the figures are summed: `clients_max` is then an upper bound, `clients_mean` the sum of means.
    """

    name = "usage"

    async def apply(
        self, connection: Connection, lane: int, events: Sequence[LoggedEvent], *, now: datetime
    ) -> datetime | None:
        """Count the hours again that these events touch; time alone changes nothing here."""
        del lane, now
        counted = [event for event in events if event.type in COUNTED]
        if counted:
            await _count_again(connection, counted, upto=events[-1].position)
        return None

    async def rebuild(self, connection: Connection, lane: int, *, now: datetime) -> None:
        """Drop the lane's hours and count them from the log, up to the reading's cursor."""
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


async def _count_again(connection: Connection, events: Sequence[LoggedEvent], *, upto: int) -> None:
    hours = await connection.fetch(
        queries.touched_hours,
        upto,
        [event.municipality for event in events],
        [event.device for event in events],
        [event.at for event in events],
        [event.id for event in events],
        [_counter_of(event) for event in events],
    )
    keys = _columns(hours, "municipality", "device", "hour")
    await connection.execute(queries.forget_hours, *keys)
    await _keep(connection, await connection.fetch(queries.count_hours, upto, *keys))


def _counter_of(event: LoggedEvent) -> str | None:
    has_counter = "down_bytes_total" in event.data or "up_bytes_total" in event.data
    return str(event.data.get("iface", "")) if has_counter else None


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


def _by_hour(rows: Sequence[Any]) -> dict[tuple[str, str, str], tuple[object, ...]]:
    return {(row["municipality"], row["device"], row["hour"].isoformat()): tuple(row)[3:] for row in rows}


def _columns(rows: Sequence[Any], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]
