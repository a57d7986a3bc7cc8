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

from services.reports.mailing import MOST_TRIES, Letter, LetterUnwritable, ReportMailer, Write, message_of
from services.reports.naming import Kind
from services.reports.options import ReportOptions
from services.reports.schedule import ReportMaker
from services.reports.store import Report, ReportName, report
from services.storage.database import Role, Tenants
from tests.reports.reporting import AUGUST, LATER, Desk

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


async def tried(desk: Desk) -> dict[str, int]:
    rows = await desk.admin.fetch("SELECT period, tries FROM bypunkt.report_mail")
    return {row["period"]: row["tries"] for row in rows}


@dataclass
class Mailing:
    desk: Desk
    settings: ReportOptions
    now: Any = LATER
    write: Write = write

    async def made(self) -> None:
        await ReportMaker(self.desk.database, self.desk.sources, self.settings, clock=lambda: self.now).once()

    async def mail(self) -> None:
        await ReportMailer(self.desk.database, self.write, self.settings, clock=lambda: self.now).once()


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


async def test_letter_that_cannot_be_written_waits_and_does_not_hold_up_the_others(at_desk: Desk) -> None:
    await at_desk.month(date(2026, 7, 1))
    await at_desk.counted(date(2026, 9, 5))

    async def broken(report: Report, lang: str) -> Letter:
        if report.name.period.written == "2026-07":
            raise LetterUnwritable("Pango is not installed")
        return await write(report, lang)

    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port), write=broken)
        await mailing.made()
        await mailing.mail()
        assert len(post.taken) == 1
        assert await tried(at_desk) == {"2026-07": 1, "2026-08": 1}
        mailing.write = write
        await mailing.mail()
        assert len(post.taken) == 1  # not at once
        mailing.now += timedelta(minutes=3)
        await mailing.mail()
    assert len(post.taken) == 2


async def test_mail_for_which_nobody_waits_any_more_is_let_be(at_desk: Desk) -> None:
    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port))
        await mailing.made()
        mailing.settings = options(port, recipients={})
        await mailing.mail()
    assert post.taken == []
    assert await tried(at_desk) == {"2026-08": 1}


async def test_whoever_takes_too_long_leaves_the_mail_to_others(
    at_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_report: Report, _lang: str) -> Letter:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("services.reports.mailing._LEASE", timedelta(milliseconds=200))
    post = Post()
    async with served(post) as port:
        mailing = Mailing(at_desk, options(port), write=never)
        await mailing.made()
        async with asyncio.timeout(60):
            await mailing.mail()
        assert await tried(at_desk) == {"2026-08": 1}
        monkeypatch.undo()
        mailing.write = write
        mailing.now += timedelta(minutes=3)
        await mailing.mail()
    assert len(post.taken) == 1


async def test_mail_is_the_same_bytes_each_time(at_desk: Desk) -> None:
    mailing = Mailing(at_desk, options(25))
    await mailing.made()
    name = ReportName("0781", Kind.MUNICIPALITY_MONTHLY, "", AUGUST)
    async with at_desk.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        found = await report(connection, name)
    assert found is not None
    letter = await write(found, "sv")
    one, other = (message_of(letter, found, sender="rapport@example.org", recipients=TO) for _ in range(2))
    assert one.as_bytes() == other.as_bytes()


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
