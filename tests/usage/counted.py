"""Days of a year as the reading would have counted them, made at once."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import asyncpg

from services.storage.database import Database, Lane, Role
from services.usage.days import ZONE, settle_anew

DAY = timedelta(days=1)


def local(day: date, hour: int = 0) -> datetime:
    """Return an hour of a local day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


async def sessions(admin: asyncpg.Connection, device: str, cells: Iterable[tuple[date, int]]) -> None:
    """Let sessions of ten minutes end at noon of these days."""
    await admin.executemany(
        "INSERT INTO bypunkt.usage_session VALUES ('0781', $1, $2, $3, $3 * 600)",
        [(device, local(day, 12), number) for day, number in cells],
    )


async def visitors(admin: asyncpg.Connection, device: str, cells: Iterable[tuple[date, int, float]]) -> None:
    """Let a device have told how many clients it had on these days, and how much of the day it counted."""
    await admin.executemany(
        "INSERT INTO bypunkt.usage_visitors VALUES ('0781', $1, $2, $3, $4, $5, 'v')",
        [(device, day, number, round(part * 10_000), local(day + DAY, 1)) for day, number, part in cells],
    )


async def views(admin: asyncpg.Connection, device: str, cells: Iterable[tuple[date, str, str, int]]) -> None:
    """Let pages have been shown."""
    await admin.executemany(
        "INSERT INTO bypunkt.usage_page_day VALUES ('0781', $1, $2, $3, $4, $5)",
        [(device, *cell) for cell in cells],
    )


async def settled(database: Database, lane: int, today: date) -> None:
    """Count all days before this one."""
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        await settle_anew(connection, lane, local(today, 8))
