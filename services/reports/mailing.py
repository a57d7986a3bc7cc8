"""Reports are mailed: each once, by one process at a time, and tried again when the mail server does not take them.

A process that dies between sending and noting it sends the same message again: under the same Message-ID, by which mail
programs know it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import asyncpg
import structlog
from prometheus_client import Counter

from services.log.lanes import lanes_in_use
from services.reports.naming import Kind, ReportPeriod
from services.reports.options import ReportOptions
from services.reports.store import Report, ReportName, queries, report
from services.runtime.clock import Clock
from services.runtime.tasks import describe
from services.storage.database import Database, Lane, Role

log = structlog.get_logger()

MAILED = Counter("bypunkt_report_mails_total", "Reports to be mailed", ["outcome"])

EVERY_S = 60.0
MOST_TRIES = 15
# Whoever takes a mail has half of it to write and send the report, and lets it be after that.
_LEASE = timedelta(minutes=10)
_FIRST_PAUSE = timedelta(minutes=2)
_LONGEST_PAUSE = timedelta(hours=12)
_PATIENCE_S = 60.0


class LetterUnwritable(Exception):
    """A report cannot be mailed as things are: it cannot be written, or nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A report as it is mailed: subject, plain text, and a PDF with its file's name."""

    subject: str
    text: str
    filename: str
    pdf: bytes


Write = Callable[[Report, str], Awaitable[Letter]]
"""Writes a letter of a report in a language; raises `LetterUnwritable`."""


class ReportMailer:
    """Mails what is to be mailed until cancelled."""

    def __init__(self, database: Database, write: Write, options: ReportOptions, *, clock: Clock) -> None:
        self._database = database
        self._write = write
        self._options = options
        self._clock = clock

    async def run(self) -> None:
        """Mail what is due now, and every minute."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """Mail all that is due."""
        lanes = await lanes_in_use(self._database)
        for lane in random.sample(lanes, len(lanes)):
            while await self.turn(lane):
                pass

    async def turn(self, lane: int) -> bool:
        """Mail one report, and say whether there was one."""
        now = self._clock()
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            taken = await connection.fetchrow(queries.take_mail, now, now + _LEASE, MOST_TRIES)
            if taken is None:
                return False
            found = await report(connection, _name(taken), taken["version"])
        assert found is not None  # noqa: S101 - the table's own key says so
        key = (*tuple(taken)[:5],)
        try:
            async with asyncio.timeout(_LEASE.total_seconds() / 2):
                await self._send(found)
        except (LetterUnwritable, aiosmtplib.SMTPException, OSError) as error:
            MAILED.labels("failed").inc()
            log.warning(
                "report_not_mailed",
                municipality=taken["municipality"],
                period=taken["period"],
                error=describe(error),
                tries=taken["tries"],
            )
            async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
                await connection.execute(queries.mail_again, *key, self._clock() + _pause(taken["tries"]))
            return True
        async with self._database.transaction(Role.WORKER, Lane(lane)) as connection:
            await connection.execute(queries.mail_sent, *key, self._clock())
        MAILED.labels("sent").inc()
        log.info("report_mailed", municipality=taken["municipality"], period=taken["period"])
        return True

    async def _send(self, found: Report) -> None:
        options = self._options
        recipients = options.recipients.get(found.name.municipality, [])
        if not recipients:
            raise LetterUnwritable("nobody is named any more whom it would be mailed to")
        letter = await self._write(found, options.language)
        message = message_of(letter, found, sender=options.sender or "", recipients=recipients)
        refused, _ = await aiosmtplib.send(
            message,
            # Nobody learns who else gets it.
            recipients=recipients,
            sender=options.sender,
            hostname=options.smtp_host,
            port=options.smtp_port,
            username=options.smtp_username,
            password=options.password(),
            use_tls=options.smtp_security == "tls",
            start_tls=options.smtp_security == "starttls",
            timeout=_PATIENCE_S,
        )
        if refused:
            log.warning(
                "report_recipients_refused", municipality=found.name.municipality, recipients=len(refused)
            )


def message_of(letter: Letter, found: Report, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The mail of a report: the same bytes each time, whoever sends it."""
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = sender
    message["To"] = recipients[0] if len(recipients) == 1 else "undisclosed-recipients:;"
    message["Date"] = format_datetime(found.made_at)
    message["Message-ID"] = f"<{found.hash[:32]}.{found.version}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_attachment(letter.pdf, maintype="application", subtype="pdf", filename=letter.filename)
    # Otherwise it is drawn by lot.
    message.set_boundary(f"bypunkt-{found.hash[:32]}")
    return message


def _name(row: asyncpg.Record) -> ReportName:
    return ReportName(
        row["municipality"], Kind(row["kind"]), row["subject"], ReportPeriod.parse(row["period"])
    )


def _pause(tries: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, to a limit."""
    return min(_FIRST_PAUSE * float(2 ** (tries - 1)), _LONGEST_PAUSE)
