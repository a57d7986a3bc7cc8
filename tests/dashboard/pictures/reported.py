"""Reports of two municipalities for what the villages have been through; one of them was revised. Synthetic."""

from datetime import timedelta

from config.reports import report_sources
from services.reports.making import make_on_demand
from services.reports.naming import ReportPeriod
from tests.dashboard.staffed import Staffed

HOME, PERIOD = "0781", "2026-10"
REPORT = f"/staff/reports/{HOME}/{PERIOD}"
"""The report that is shown."""


async def write_reports(site: Staffed) -> None:
    """Make the reports as the worker does, and one once more after something was called otherwise."""
    for code in (HOME, "2421"):
        for period in ("2026-09", PERIOD):
            await _make(site, code, period, days_ago=14)
    await site.run("UPDATE service_point SET names = names || '{\"en\": \"Lagan\"}' WHERE id = 'dp-lagan'")
    await _make(site, HOME, PERIOD, days_ago=9)


async def _make(site: Staffed, code: str, written: str, *, days_ago: int) -> None:
    at = site.now() - timedelta(days=days_ago)
    await make_on_demand(site.database, report_sources(), code, period=ReportPeriod(written), now=at)
