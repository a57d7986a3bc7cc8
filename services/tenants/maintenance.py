"""Planned work: on a municipality, a point or a device, once or again and again (docs/calendars.md).

What is planned is shown over what was measured, and changes nothing of it. Nothing is deleted: cancelled work holds
until the moment at which it was cancelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from services.runtime.spans import Span, Spans, common, spans_of
from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.repeating import YEARS, RuleRefused, checked, occurrences
from services.tenants.wallclock import ends_at, milliseconds, starts_at, whole_days

queries = load_queries(__package__, "calendars.sql")

_LONGEST = timedelta(days=366)
_LONGEST_REASON = 200


class MaintenanceError(ValueError):
    """Work cannot be planned or cancelled so; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What somebody plans, in Swedish wall-clock times (naive); neither point nor device: all of the municipality."""

    municipality: str
    starts: datetime
    ends: datetime
    reason: str
    rule: str | None = None
    point: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance(Work):
    """What was planned, when that was written down, and until when it holds at the longest."""

    id: UUID
    created_at: datetime
    cancelled_at: datetime | None


def windows(work: Maintenance, first: date, last: date) -> Spans:
    """The time of the local days from `first` to `last` that lies in the work, each occurrence of it."""
    length = work.ends - work.starts
    begins: Sequence[datetime] = [work.starts]
    if work.rule is not None:
        # A naive day more on both sides, for the hours by which the clock moves.
        after = datetime.combine(first - timedelta(days=1), time()) - length
        before = datetime.combine(last + timedelta(days=1), time())
        begins = list(occurrences(work.rule, work.starts, after=after, before=before))
    planned = spans_of((starts_at(begin), ends_at(begin + length)) for begin in begins)
    window = whole_days(first, last)
    if work.cancelled_at is not None:
        window = Span(window.start, min(window.end, milliseconds(work.cancelled_at)))
    return common(planned, spans_of([window]))


async def plan(connection: Connection, work: Work) -> UUID:
    """Write planned work down, in a transaction of its municipality; raises `MaintenanceError`."""
    rule = _check(work)
    if not await connection.fetchval(queries.has_municipality, work.municipality):
        raise MaintenanceError(f"there is no municipality {work.municipality}")
    if work.point and not await connection.fetchval(queries.has_point, work.municipality, work.point):
        raise MaintenanceError(f"there is no service point {work.point} in municipality {work.municipality}")
    if work.device and not await connection.fetchval(queries.has_device, work.municipality, work.device):
        raise MaintenanceError(f"there is no device {work.device} in municipality {work.municipality}")
    planned: UUID = await connection.fetchval(
        queries.plan,
        work.municipality,
        work.point,
        work.device,
        work.starts,
        work.ends,
        rule,
        work.reason.strip(),
    )
    return planned


async def every(connection: Connection) -> list[Maintenance]:
    """Return all work of the municipalities in scope that was ever planned, the latest beginning first."""
    return [Maintenance(**row) for row in await connection.fetch(queries.every)]


async def cancel(connection: Connection, work: UUID, *, now: datetime) -> Maintenance:
    """Let work hold no longer than until now, and return what was planned; raises `MaintenanceError`."""
    row = await connection.fetchrow(queries.one, work)
    if row is None:
        raise MaintenanceError(f"there is no maintenance {work}: bypunkt maintenance list")
    planned = Maintenance(**row)
    if planned.cancelled_at is not None:
        raise MaintenanceError(f"maintenance {work} was cancelled already")
    if planned.rule is None and ends_at(planned.ends) <= milliseconds(now):
        raise MaintenanceError(f"maintenance {work} is over, and what is past stays as it was")
    await connection.execute(queries.cancel, work, now)
    return planned


def _check(work: Work) -> str | None:
    length = work.ends - work.starts
    reason = work.reason.strip()
    if work.point and work.device:
        raise MaintenanceError("name a point or a device, not both: a point stands for all its devices")
    if length <= timedelta():
        raise MaintenanceError("the work ends before it begins, or as it begins")
    if length > _LONGEST:
        raise MaintenanceError("the work takes longer than a year: plan it in parts")
    if work.starts.year not in YEARS or work.ends.year not in YEARS:
        raise MaintenanceError(f"work is planned in the years {YEARS.start} to {YEARS.stop - 1}")
    if not 1 <= len(reason) <= _LONGEST_REASON or not reason.isprintable():
        raise MaintenanceError(f"give a reason in 1 to {_LONGEST_REASON} characters, in one line")
    try:
        return None if work.rule is None else checked(work.rule, work.starts, length)
    except RuleRefused as refused:
        raise MaintenanceError(str(refused)) from None
