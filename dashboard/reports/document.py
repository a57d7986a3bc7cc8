"""The document of a report as HTML and PDF, and the frozen text as JSON."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files

from dashboard.reports.view import report_view
from dashboard.web.templates import load_templates
from dashboard.web.times import machine
from services.reports.store import Report

# One at a time: setting text takes a second of one processor, and Pango is not made for several threads.
_PRINTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pdf")


class PdfUnavailable(Exception):
    """What is needed to write PDF is not installed on this machine."""


class PdfRefused(Exception):
    """A document asked for something from elsewhere: a fault of ours, because a report needs nothing from anywhere."""


def as_html(report: Report, lang: str, *, links: Sequence[tuple[str, str]] | None = None) -> str:
    """The document: with `links` for the site, with its style inside (None) for a file or for paper."""
    context = {
        "view": report_view(report, lang),
        "links": links or (),
        "style": _style() if links is None else "",
    }
    return load_templates().render("reports/report.html", lang, context)


async def as_pdf(report: Report, lang: str) -> bytes:
    """The document on A4, tagged for those who listen to it; the same report gives the same bytes on one machine.

    Raises `PdfUnavailable` where Pango is missing, and `PdfRefused`.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_PRINTER, _pdf, as_html(report, lang), report.hash)


def as_json(report: Report) -> str:
    """The frozen content as it was hashed, with its hash, version and time of making."""
    about = {
        "hash": report.hash,
        "made_at": machine(report.made_at),
        "revised_by": report.revised_by,
        "version": report.version,
    }
    return f'{{"content":{report.canonical},{json.dumps(about, separators=(",", ":"))[1:]}\n'


def _pdf(html: str, name: str) -> bytes:
    try:
        # Half a second, which only whoever wants a PDF spends.
        import weasyprint  # noqa: PLC0415
    except OSError as error:
        raise PdfUnavailable(
            "Pango is not installed, so there is no PDF: sudo apt-get install libpangoft2-1.0-0 "
            f"libharfbuzz-subset0 ({error.__class__.__name__})"
        ) from None
    nothing = weasyprint.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    try:
        made: bytes = weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf(
            pdf_identifier=bytes.fromhex(name[:32]), pdf_variant="pdf/ua-1"
        )
    except weasyprint.urls.FatalURLFetchingError as error:
        # No `Exception`: it would end whoever waits for the document.
        raise PdfRefused(f"a report asked for what is not in it: {error.__cause__}"[:200]) from error
    return made


@cache
def _style() -> str:
    return files("dashboard").joinpath("assets", "report.css").read_text(encoding="utf-8")
