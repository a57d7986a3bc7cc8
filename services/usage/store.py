"""What other rooms may ask about usage. Long stretches are read from days and months alone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from services.storage.database import Connection
from services.storage.sql import load_queries
from services.usage.suppression import Count, Published

queries = load_queries(__package__, "store.sql")

By: TypeAlias = Literal["device", "point", "municipality"]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Whose usage: of these municipalities, points or devices; None is all that the scope may see."""

    municipalities: Collection[str] | None = None
    points: Collection[str] | None = None
    devices: Collection[str] | None = None

    def arguments(self) -> tuple[list[str] | None, ...]:
        """Return it as the statements take it."""
        return tuple(
            None if one is None else list(one) for one in (self.municipalities, self.points, self.devices)
        )


EVERYTHING = Which()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went over the network, as the visitor sees it; the clients are those at one device at a time."""

    clients_max: int
    client_hours: int
    client_seconds: int
    down_bytes: int
    up_bytes: int
    estimated: bool

    @property
    def clients_mean(self) -> float | None:
        """The mean number of clients at one device, over the hours in which it counted them; None: in none."""
        return self.client_seconds / (3600 * self.client_hours) if self.client_hours else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorDays:
    """The sum of what devices counted by the day, each client once a day and device: approximate, and no people.

    `reported` of `expected` days of devices are in it; `covered` is the same in ten thousandths of a day of a device,
    less the time of the day in which the device was not counting. Nothing is expected of a device before its first day.
    """

    count: Count
    reported: int
    expected: int
    covered: int

    @property
    def coverage(self) -> float | None:
        """How much of what was to be counted was counted, 0 to 1; None when nothing was."""
        return min(1.0, self.covered / (10_000 * self.expected)) if self.expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The use of a subject (device, point or municipality) in a stretch of days.

    What may be published of the counts is their `published`. `kiosk_views` is for staff: `published_pages_of`.
    """

    municipality: str
    subject: str
    traffic: Traffic
    sessions: Count
    session_seconds: int
    visitor_days: VisitorDays
    kiosk_sessions: Count
    kiosk_views: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The use of a subject in an hour that begins at `hour`. For staff."""

    municipality: str
    subject: str
    hour: datetime
    traffic: Traffic
    sessions: int
    session_seconds: int
    kiosk_sessions: int
    kiosk_views: int


@dataclass(frozen=True, slots=True)
class PageViews:
    """How often a page was shown in a language. For staff."""

    municipality: str
    subject: str
    page: str
    lang: str
    views: int


@dataclass(frozen=True, slots=True)
class PublishedViews:
    """How often a page was shown in a language, as everybody may know it."""

    municipality: str
    subject: str
    page: str
    lang: str
    views: Published


async def usage_of(
    connection: Connection, first: date, last: date, *, by: By, which: Which = EVERYTHING
) -> list[Usage]:
    """Return the usage of each subject of which anything is known, from one local day to another, both included.

    Only days that are over and counted are in it: `counted_until` says how far.
    """
    rows = await connection.fetch(queries.usage_of, first, last + _DAY, by, *which.arguments())
    return [
        Usage(
            municipality=row["municipality"],
            subject=row["subject"],
            traffic=_traffic(row),
            sessions=_count(row, "sessions"),
            session_seconds=row["session_seconds"],
            visitor_days=VisitorDays(
                count=_count(row, "visitors"),
                reported=row["visitors_days"],
                expected=row["visitors_expected"],
                covered=row["visitors_coverage"],
            ),
            kiosk_sessions=_count(row, "kiosk_sessions"),
            kiosk_views=row["kiosk_views"],
        )
        for row in rows
    ]


async def hours_of(
    connection: Connection, begins: datetime, ends: datetime, *, by: By, which: Which = EVERYTHING
) -> list[Hour]:
    """Return the usage of each subject by the hour, for the last days; hours without any are left out."""
    rows = await connection.fetch(queries.hours_of, begins, ends, by, *which.arguments())
    return [
        Hour(
            municipality=row["municipality"],
            subject=row["subject"],
            hour=row["hour"],
            traffic=_traffic(row),
            sessions=row["sessions"],
            session_seconds=row["session_seconds"],
            kiosk_sessions=row["kiosk_sessions"],
            kiosk_views=row["kiosk_views"],
        )
        for row in rows
    ]


async def pages_of(
    connection: Connection, first: date, last: date, *, by: By, which: Which = EVERYTHING
) -> list[PageViews]:
    """Return views by page and language from one local day to another, both included."""
    rows = await connection.fetch(queries.pages_of, first, last + _DAY, by, *which.arguments())
    return [PageViews(**row) for row in rows]


async def published_pages_of(
    connection: Connection, first: date, last: date, *, by: By, which: Which = EVERYTHING
) -> list[PublishedViews]:
    """Return the same of the local months from that of `first` to that of `last`, as far as they are over.

    A month of a device, page and language is the smallest cell that is published of views.
    """
    begins, ends = first.replace(day=1), (last.replace(day=1) + 31 * _DAY).replace(day=1)
    rows = await connection.fetch(queries.published_pages_of, begins, ends, by, *which.arguments())
    return [
        PublishedViews(
            row["municipality"], row["subject"], row["page"], row["lang"],
            Count(row["views"], row["views_few"], row["views_few_cells"]).published,
        )
        for row in rows
    ]  # fmt: skip


async def counted_until(connection: Connection, which: Which = EVERYTHING) -> dict[str, date]:
    """Return until which local day (not included) the days of each municipality are counted."""
    municipalities, *_ = which.arguments()
    rows = await connection.fetch(queries.counted_until, municipalities)
    return {row["municipality"]: row["counted_until"] for row in rows}


def _traffic(row: Any) -> Traffic:  # noqa: ANN401 - a row
    return Traffic(
        clients_max=row["clients_max"],
        client_hours=row["client_hours"],
        client_seconds=row["client_seconds"],
        down_bytes=row["down_bytes"],
        up_bytes=row["up_bytes"],
        estimated=row["estimated"],
    )


def _count(row: Any, name: str) -> Count:  # noqa: ANN401 - a row
    return Count(row[name], row[f"{name}_few"], row[f"{name}_few_days"])
