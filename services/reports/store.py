"""Reports as they are stored: each version once, and never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.reports.models import Content, fingerprint
from services.reports.naming import Kind, ReportPeriod
from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)


@dataclass(frozen=True, slots=True)
class ReportName:
    """Which report: `subject` is a point, or empty for the whole municipality."""

    municipality: str
    kind: Kind
    subject: str
    period: ReportPeriod


@dataclass(frozen=True, slots=True)
class Listed:
    """A version of a report without its content; `revised_by` is the version that took its place."""

    name: ReportName
    municipality_name: str
    version: int
    hash: str
    made_at: datetime
    revised_by: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """A version of a report, as it was made."""

    name: ReportName
    version: int
    hash: str
    canonical: str
    made_at: datetime
    revised_by: int | None

    @property
    def content(self) -> Content:
        """What it holds."""
        return Content.read(self.canonical)


@dataclass(frozen=True, slots=True)
class Made:
    """A version that is new."""

    kind: Kind
    subject: str
    version: int


async def keep(
    connection: Connection,
    municipality: str,
    period: ReportPeriod,
    *,
    contents: Iterable[Content],
    now: datetime,
) -> list[Made]:
    """Store what says something else than the newest version does, as the next one (role worker)."""
    written = [(one.kind, one.point or "", one.canonical) for one in contents]
    rows = await connection.fetch(
        queries.put_reports,
        municipality,
        period.written,
        now,
        [kind.value for kind, _subject, _canonical in written],
        [subject for _kind, subject, _canonical in written],
        [fingerprint(canonical) for _kind, _subject, canonical in written],
        [canonical for _kind, _subject, canonical in written],
    )
    return [Made(Kind(row["kind"]), row["subject"], row["version"]) for row in rows]


async def listed(
    connection: Connection,
    *,
    municipality: str | None = None,
    period: str | None = None,
    kind: Kind | None = None,
    subject: str | None = None,
    most: int = 500,
) -> list[Listed]:
    """All versions of the reports in scope, newest period first, at most so many."""
    rows = await connection.fetch(queries.listed, municipality, period, kind, subject, most)
    return [
        Listed(_name(row), row["name"], row["version"], row["hash"], row["made_at"], row["revised_by"])
        for row in rows
    ]


async def names(connection: Connection, municipality: str) -> dict[str, dict[str, str]]:
    """What the points of a municipality are called, by language."""
    return {row["id"]: row["names"] for row in await connection.fetch(queries.names, municipality)}


async def report(connection: Connection, name: ReportName, version: int | None = None) -> Report | None:
    """A version of a report, the newest one unless it is named; none where there is none in scope."""
    row = await connection.fetchrow(
        queries.report, name.municipality, name.kind, name.subject, name.period.written, version
    )
    if row is None:
        return None
    return Report(_name(row), row["version"], row["hash"], row["content"], row["made_at"], row["revised_by"])


def _name(row: asyncpg.Record) -> ReportName:
    return ReportName(
        row["municipality"], Kind(row["kind"]), row["subject"], ReportPeriod.parse(row["period"])
    )
