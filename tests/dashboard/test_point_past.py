"""A point's line is whole: cut to what was asked for, blind where it had no day, and equal neighbours are one."""

from datetime import timedelta

from dashboard.point_past import last_day, line_of, live_of, past_of_point, subject_of
from services.availability.conditions import Condition, Stretch
from services.availability.figures import Times
from services.runtime.spans import Span
from services.status.moments import millis
from services.storage.database import Role, Tenants
from services.tenants.wallclock import whole_days
from tests.dashboard.lived import lived, midnight
from tests.dashboard.staffed import LIDHULT, Staffed

HOUR = 3_600_000
SUBJECT = subject_of("0781", "dp-lidhult")


def test_last_day_ends_with_a_minute() -> None:
    assert last_day(90_000_000 + 59_999) == Span(3_600_000, 90_000_000)


async def test_line_is_cut_and_joined_over_midnight(site: Staffed) -> None:
    await lived(site, LIDHULT, days=2, befell=[(1, (1380, 1380 + 120, "down", "silent"))])
    await site.run("UPDATE device SET lifecycle = 'retired' WHERE id = 'hs-lidhult-2'")
    first, today = midnight(site, 3).date(), midnight(site, 0).date()
    start, edge = millis(midnight(site, 1)), millis(midnight(site, 0))
    async with site.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        past = await past_of_point(connection, SUBJECT, first, today)
    window = Span(start + 12 * HOUR, edge + 12 * HOUR)
    assert line_of(past, SUBJECT, window) == [
        Stretch(start + 12 * HOUR, edge - HOUR, Condition.UP),
        Stretch(edge - HOUR, edge + HOUR, Condition.DOWN),
        Stretch(edge + HOUR, edge + 12 * HOUR, Condition.UP),
    ]
    live = live_of(past, SUBJECT, window)
    assert live is not None
    assert live.figures.clock == Times(up=window.end - window.start - 2 * HOUR, down=2 * HOUR)
    assert (live.figures.service, live.figures.outages, live.closed) == (live.figures.clock, 1, ())
    unknown = whole_days(first, first)
    assert line_of(past, SUBJECT, unknown) == [Stretch(*unknown, Condition.BLIND)]
    assert live_of(past, SUBJECT, unknown) is None


async def test_whole_window_adds_up_also_on_the_first_day(site: Staffed) -> None:
    await site.run(_SEEN, midnight(site, 0))
    async with site.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        past = await past_of_point(connection, SUBJECT, midnight(site, 1).date(), midnight(site, 0).date())
    window = Span(
        millis(midnight(site, 0) - timedelta(hours=12)), millis(midnight(site, 0) + timedelta(hours=12))
    )
    live = live_of(past, SUBJECT, window)
    assert live is not None
    assert live.figures.clock == Times(up=12 * HOUR, blind=12 * HOUR)
    assert not live.figures.hours_known


_SEEN = """
INSERT INTO status_interval (municipality, device, starts_at, state, reason)
VALUES ('0781', 'hs-lidhult-1', $1, 'up', 'heard')
"""
