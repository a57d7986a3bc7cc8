"""Reports are made some days after their period is over, and again when what they say is no longer what is known."""

import asyncio
import random
from datetime import date, datetime, timedelta

import structlog
from prometheus_client import Counter

from services.log.lanes import lanes_in_use
from services.reports.known import Sources
from services.reports.making import make
from services.reports.naming import ReportPeriod
from services.reports.options import ReportOptions
from services.reports.store import queries
from services.runtime.clock import Clock
from services.storage.database import Database, Lane, Role
from services.tenants.wallclock import milliseconds, swedish

log = structlog.get_logger()

MADE = Counter("bypunkt_reports_total", "Versions of reports that were made")

EVERY_S = 600.0
# Late events come for 30 days: so long after its end, and somewhat longer, a period is looked at every day.
LATE = timedelta(days=45)
_DAILY = timedelta(hours=24)
_SETTLED = timedelta(minutes=8)


class ReportMaker:
    """Makes the reports of every lane until cancelled. Several processes may: a period is held by one at a time."""

    def __init__(self, database: Database, sources: Sources, options: ReportOptions, *, clock: Clock) -> None:
        self._database = database
        self._sources = sources
        self._options = options
        self._clock = clock

    async def run(self) -> None:
        """Make what is due now, and every ten minutes."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """Make all reports that are due."""
        lanes = await lanes_in_use(self._database)
        for lane in random.sample(lanes, len(lanes)):
            await self._note(lane)
            while await self.turn(lane):
                pass

    async def turn(self, lane: int) -> bool:
        """Make the reports of one period, in one transaction, and say whether there was one to look at."""
        now = self._clock()
        today = _today(now)
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            row = await connection.fetchrow(queries.due_period, now - _DAILY, today - LATE, now - _SETTLED)
            if row is None:
                return False
            municipality, period = row["municipality"], ReportPeriod.parse(row["period"])
            made = await make(connection, self._sources, municipality, period=period, now=now)
            if self._is_mailed(municipality, period, today):
                # What stands, not what is new: it may have been made by hand.
                await connection.execute(queries.to_mail, municipality, period.written, now)
        if made:
            MADE.inc(len(made))
            revised = sum(one.version > 1 for one in made)
            log.info(
                "reports_made",
                municipality=municipality,
                period=period.written,
                made=len(made),
                revised=revised,
            )
        return True

    async def _note(self, lane: int) -> None:
        over = _today(self._clock()) - timedelta(days=self._options.after_days)
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(queries.note_periods, lane, over)

    def _is_mailed(self, municipality: str, period: ReportPeriod, today: date) -> bool:
        """Whether somebody waits for it, and its time has come, also if it was made by hand before that.

        What is long over was told before, or before anybody asked.
        """
        wanted = self._options.smtp_host is not None and self._options.recipients.get(municipality)
        return bool(wanted) and today - LATE < period.ends <= today - timedelta(days=self._options.after_days)


def _today(now: datetime) -> date:
    return swedish(milliseconds(now)).date()
