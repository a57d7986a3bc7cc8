"""A report as a mail: its summary as text, the whole as PDF."""

from dashboard.reports.document import PdfRefused, PdfUnavailable, as_pdf
from dashboard.reports.summary import summary
from dashboard.reports.words import title_of
from dashboard.web.language import language
from services.reports.mailing import Letter, LetterUnwritable
from services.reports.store import Report


def filename(report: Report, ending: str, lang: str | None = None) -> str:
    """What the file of a report is called: bypunkt-0781-2026-10-v1.sv.pdf."""
    name = report.name
    parts = ["bypunkt", name.municipality, *([name.subject] if name.subject else []), name.period.written]
    return f"{'-'.join(parts)}-v{report.version}{f'.{lang}' if lang else ''}.{ending}"


async def letter_of(report: Report, lang: str) -> Letter:
    """Write the mail of a report; raises `LetterUnwritable` where there is no PDF."""
    _ = language(lang).gettext
    content = report.content
    words = {"title": title_of(content, lang), "version": report.version}
    subject = (
        _("Rapport: %(title)s") % words
        if report.version == 1
        else _("Rättad rapport (version %(version)s): %(title)s") % words
    )
    try:
        pdf = await as_pdf(report, lang)
    except (PdfUnavailable, PdfRefused) as error:
        raise LetterUnwritable(str(error)) from error
    return Letter(
        subject=subject,
        text="\n\n".join(
            [*summary(content, lang), _("Hela rapporten är bifogad som PDF."), f"SHA-256: {report.hash}", ""]
        ),
        filename=filename(report, "pdf", lang),
        pdf=pdf,
    )
