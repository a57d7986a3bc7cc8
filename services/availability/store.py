"""Figures as pages, the API, CSV and reports read them: sums of whole days that are over, exact to the millisecond."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from services.availability.figures import Figures, Times
from services.availability.standing import Key
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__, "store.sql")

_DAY = timedelta(days=1)
_NONE = (date(2000, 1, 2), date(2000, 1, 1))
_CLOCK = ("up_ms", "degraded_ms", "lost_ms", "down_ms", "blind_ms", "maintenance_ms")
_SERVICE = tuple(f"open_{name}" for name in _CLOCK)


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A day as it is stored: its figures, by which rule, in which version, and when they were counted."""

    day: date
    figures: Figures
    rule: int
    version: int
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """What a day said until it was replaced."""

    day: date
    figures: Figures
    rule: int
    version: int
    computed_at: datetime
    replaced_at: datetime


async def figures_of(
    connection: Connection,
    kind: str,
    first: date,
    last: date,
    *,
    subjects: Collection[tuple[str, str]] | None = None,
) -> dict[Key, Figures]:
    """The figures of all devices or points (`kind`) in scope, or of these, over the days from `first` to `last`.

    Exactly the sum of `days_of`; days that are not counted (yet) are left out, and so is who has none.
    """
    columns = _columns(subjects)
    while True:
        until = await connection.fetchval(queries.counted_anywhere)
        parts = parts_of(first, last, until)
        rows = await connection.fetch(
            queries.figures, kind, *parts.head, *parts.months, *parts.tail, *columns
        )
        # Where another day was counted in between, a month may hold one that was not asked for.
        if not rows or rows[0]["counted_until"] == until:
            return {Key(row["municipality"], row["subject"]): _figures(row, days=row["days"]) for row in rows}


class Parts(NamedTuple):
    """A stretch of days: the days before the whole months, those (by their first days), and the days after them.

    Each as the first and the last; none where the last is before the first.
    """

    head: tuple[date, date]
    months: tuple[date, date]
    tail: tuple[date, date]


def parts_of(first: date, last: date, until: date | None) -> Parts:
    """Cut a stretch of days into whole months and the rest, when days are counted until before `until`.

    A month that is not over is whole when its last counted day is asked for.
    """
    after = last + _DAY
    if until is not None and after >= until:
        after = _following(last)
    months_from, months_until = first if first.day == 1 else _following(first), after.replace(day=1)
    if months_from >= months_until:
        return Parts((first, last), _NONE, _NONE)
    return Parts((first, months_from - _DAY), (months_from, months_until - _DAY), (months_until, last))


def _following(day: date) -> date:
    """The first day of the month after that of a day."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


async def days_of(
    connection: Connection, kind: str, municipality: str, *, subject: str, first: date, last: date
) -> list[StoredDay]:
    """The days of one device or point from `first` to `last`, in order; those that are not there are not counted."""
    rows = await connection.fetch(queries.days, municipality, kind, subject, first, last)
    return [
        StoredDay(row["day"], _figures(row, days=1), row["rule"], row["version"], row["computed_at"])
        for row in rows
    ]


async def versions_of(
    connection: Connection, kind: str, municipality: str, *, subject: str, first: date, last: date
) -> list[EarlierVersion]:
    """What the days of one device or point said before something that came late changed them, oldest first."""
    rows = await connection.fetch(queries.versions, municipality, kind, subject, first, last)
    return [
        EarlierVersion(
            row["day"],
            _figures(row["figures"], days=1),
            row["figures"]["rule"],
            row["version"],
            datetime.fromisoformat(row["figures"]["computed_at"]),
            row["replaced_at"],
        )
        for row in rows
    ]


async def counted_until(connection: Connection) -> date | None:
    """The first day that is not counted yet for everybody in scope; None: nothing is counted yet."""
    until: date | None = await connection.fetchval(queries.counted_until)
    return until


def _columns(subjects: Collection[tuple[str, str]] | None) -> tuple[list[str] | None, list[str] | None]:
    if subjects is None:
        return None, None
    return [municipality for municipality, _ in subjects], [name for _, name in subjects]


def _figures(row: asyncpg.Record | Mapping[str, Any], *, days: int) -> Figures:
    return Figures(
        days=days,
        clock=Times(*(row[name] for name in _CLOCK)),
        service=Times(*(row[name] for name in _SERVICE)),
        hours_known=row["hours_known"],
        outages=row["outages"],
    )
