"""Reports are mailed once each, to those of the municipality, and again later when the server does not take them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from pydantic import ValidationError

from services.reports.mailing import MOST_TRIES, Letter, ReportMailer
from services.reports.options import ReportOptions
from services.reports.schedule import ReportMaker
from services.reports.store import Report
from tests.reports.reporting import LATER, Desk

TO = ["kommunen@example.org", "tekniken@example.org"]


@dataclass
class Post:
    """What a mail server took, and what it answers."""

    answer: str = "250 OK"
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - as aiosmtpd calls it
        if self.answer.startswith("250"):
            self.taken.append((list(envelope.rcpt_tos), envelope.content))
        return self.answer


@asynccontextmanager
async def served(post: Post) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(post), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def options(port: int, **changed: object) -> ReportOptions:
    return ReportOptions.model_validate(
        {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "sender": "rapport@example.org",
            "recipients": {"0781": TO},
            **changed,
        }
    )


async def write(report: Report, lang: str) -> Letter:
    return Letter(f"Rapport {lang} {report.content.period}", "Sammanfattning åäö", "rapport.pdf", b"%PDF-x")


@dataclass
class Mailing:
    desk: Desk
    settings: ReportOptions
    now: Any = LATER

    async def made(self) -> None:
        await ReportMaker(self.desk.database, self.desk.sources, self.settings, clock=lambda: self.now).once()

    async def mail(self) -> None:
        await ReportMailer(self.desk.database, write, self.settings, clock=lambda: self.now).once()


async def test_report_is_mailed_once_to_those_who_wait(at_desk: Desk) -> None:
    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port, language="en"))
        await mailing.made()
        await mailing.mail()
        await mailing.mail()
    ((recipients, content),) = post.taken
    message = message_from_bytes(content, policy=policy.default)
    assert recipients == TO
    assert message["Subject"] == "Rapport en 2026-08"
    assert message["From"] == "rapport@example.org"
    assert all(address.encode() not in content for address in TO)  # nobody learns who else gets it
    (pdf,) = message.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename(), pdf.get_content()) == (
        "application/pdf",
        "rapport.pdf",
        b"%PDF-x",
    )
    body = message.get_body()
    assert body is not None
    assert "åäö" in body.get_content()


async def test_several_mailers_send_one_mail(at_desk: Desk) -> None:
    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port))
        await mailing.made()
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(mailing.mail())
    assert len(post.taken) == 1


async def test_mail_that_is_not_taken_is_tried_again_later(at_desk: Desk) -> None:
    post = Post("451 later")
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port))
        await mailing.made()
        await mailing.mail()
        post.answer = "250 OK"
        await mailing.mail()
        assert post.taken == []  # not at once
        mailing.now += timedelta(minutes=3)
        await mailing.mail()
    assert len(post.taken) == 1


async def test_server_that_is_away_is_tried_for_days_and_then_let_be(at_desk: Desk) -> None:
    async with served(Post()) as port:
        pass
    mailing = Mailing(at_desk, options(port))
    await mailing.made()
    for _ in range(MOST_TRIES + 3):
        await mailing.mail()
        mailing.now += timedelta(days=1)
    row = await at_desk.admin.fetchrow("SELECT tries, sent_at FROM bypunkt.report_mail")
    assert row is not None
    assert tuple(row) == (MOST_TRIES, None)


async def test_mail_of_a_process_that_died_is_sent_by_another_under_the_same_id(at_desk: Desk) -> None:
    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port))
        await mailing.made()
        await mailing.mail()
        await at_desk.admin.execute(
            "UPDATE bypunkt.report_mail SET sent_at = NULL"
        )  # it was not noted any more
        await mailing.mail()
        assert len(post.taken) == 1  # its time is not over yet
        mailing.now += timedelta(minutes=11)
        await mailing.mail()
    ids = {message_from_bytes(content)["Message-ID"] for _to, content in post.taken}
    assert (len(post.taken), len(ids)) == (2, 1)


async def test_version_that_was_revised_before_it_went_is_not_mailed(at_desk: Desk) -> None:
    post = Post("451 later")
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port))
        await mailing.made()
        await mailing.mail()
        mailing.now += timedelta(days=2)
        await at_desk.day(date(2026, 8, 3))
        await mailing.made()
        post.answer = "250 OK"
        await mailing.mail()
    rows = await at_desk.admin.fetch("SELECT version FROM bypunkt.report_mail WHERE sent_at IS NOT NULL")
    assert [row["version"] for row in rows] == [2]
    assert len(post.taken) == 1


def test_server_without_a_sender_is_refused() -> None:
    with pytest.raises(ValidationError, match="name the address that reports come from"):
        ReportOptions(smtp_host="127.0.0.1")
    with pytest.raises(ValidationError):
        ReportOptions.model_validate({"recipients": {"0781": ["nobody"]}})
