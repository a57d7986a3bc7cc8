"""A past for a device on a staffed site, counted by the day as the worker does."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from dashboard.web.times import STOCKHOLM, local
from services.availability.rolling import DayCounter
from tests.dashboard.staffed import Staffed

State = tuple[int, int, str, str]
"""Minutes from its day's midnight until, state and reason; the time between is up."""


def midnight(site: Staffed, days_ago: int) -> datetime:
    """When a local day began."""
    return datetime.combine(local(site.now()).date() - timedelta(days=days_ago), time(), STOCKHOLM)


async def lived(
    site: Staffed, device: tuple[str, str], *, days: int, befell: Iterable[tuple[int, State]] = ()
) -> None:
    """Let a device have been up for so many whole days until now, but for what befell it so many days ago."""
    at = midnight(site, days)
    rows: list[tuple[datetime, datetime | None, str, str]] = []
    for ago, (first, last, state, reason) in sorted(befell, key=lambda each: (-each[0], each[1])):
        starts, ends = (midnight(site, ago) + timedelta(minutes=minute) for minute in (first, last))
        if at < starts:
            rows.append((at, starts, "up", "heard"))
        rows.append((starts, ends, state, reason))
        at = ends
    rows.append((at, None, "up", "heard"))
    await site.run("DELETE FROM status_interval WHERE device = $1", device[1])
    await site.run(_PUT, *device, *(list(column) for column in zip(*rows, strict=True)))


async def counted(site: Staffed) -> None:
    """Count the days that are over, as if all lanes had been judged until now."""
    await site.run(_JUDGED, site.now())
    await site.run(_READ, site.now())
    await DayCounter(site.database, clock=site.now).once()


_PUT = """
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
"""
_JUDGED = """
INSERT INTO status_lane (lane, as_of) SELECT lane, $1 FROM lane_in_use
ON CONFLICT (lane) DO UPDATE SET as_of = excluded.as_of
"""
_READ = """
INSERT INTO reading_cursor (reading, lane, position, caught_up_at)
SELECT 'status', l.lane, l.head, $1 FROM lane AS l
ON CONFLICT (reading, lane) DO UPDATE SET caught_up_at = excluded.caught_up_at
"""
