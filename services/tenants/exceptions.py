"""Exceptions of opening hours: a point's local days on which other hours hold (docs/calendars.md)."""

from collections.abc import Sequence

from services.storage.database import Connection
from services.tenants.maintenance import queries
from services.tenants.models import PointRecord


async def keep_exceptions(connection: Connection, points: Sequence[PointRecord]) -> None:
    """Let each point have the exceptions that its record names, and no others."""
    named = [(point, exception) for point in points for exception in point.hours_exceptions]
    days = (
        [point.municipality for point, _exception in named],
        [point.id for point, _exception in named],
        [exception.date for _point, exception in named],
    )
    await connection.execute(
        queries.drop_exceptions,
        [point.municipality for point in points],
        [point.id for point in points],
        *days,
    )
    await connection.execute(
        queries.put_exceptions,
        *days,
        [exception.opening_hours for _point, exception in named],
        [exception.reason for _point, exception in named],
    )
