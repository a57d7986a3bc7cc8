"""Reports for staff: which there are, each as page, PDF, table and frozen text, and what was rectified since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aiohttp import web

from dashboard.reports.document import PdfUnavailable, as_html, as_json, as_pdf
from dashboard.reports.letter import filename
from dashboard.reports.tables import as_csv
from dashboard.reports.words import period_words
from dashboard.web import guard, keys
from dashboard.web.language import language
from dashboard.web.pages import language_code, link, render
from dashboard.web.routes import Routes
from services.reports.naming import ReportPeriod, ReportRefused
from services.reports.store import Listed, Report, ReportName, listed, names, report
from services.storage.database import Role
from services.tenants.access import Permission

routes = Routes()

MOST = 400
_LONGEST_VERSION = 6  # digits


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as a row: its newest version, and the earlier ones."""

    newest: Listed
    name: str
    period: str
    address: str
    point: str | None
    older: Sequence[Listed]


@routes.get("/staff/reports", access=Permission.SEE_DEVICES)
async def reports(request: web.Request) -> web.StreamResponse:
    """Show the reports of municipalities; of one `?municipality=` and `?period=` those of its points as well."""
    lang, scope = language_code(request), await guard.tenants(request)
    chosen = request.query.get("municipality") or None
    written = request.query.get("period") or None
    period = _period(written) if written else None
    shown = guard.narrowed(scope, chosen)
    whole = period is not None and chosen is not None
    async with request.app[keys.DATABASE].transaction(Role.WEB, shown) as connection:
        found = await listed(
            connection,
            municipality=chosen,
            period=period.written if period else None,
            subject=None if whole else "",
            most=MOST,
        )
        points = await names(connection, chosen) if whole and chosen else {}
    rows = list(_rows(found, points, lang))
    return render(
        request,
        "staff/reports.html",
        rows=rows,
        chosen=chosen,
        period=period_words(period, lang) if period else None,
        is_cut=len(found) == MOST,
        forms=("pdf", "csv", "json"),
    )


@routes.get("/staff/reports/{municipality}/{period}", access=Permission.SEE_DEVICES)
async def document(request: web.Request) -> web.StreamResponse:
    """Show a report, of the municipality or of one `?point=`; the newest `?version=` unless another is named."""
    lang, found = language_code(request), await _found(request)
    _ = language(lang).gettext
    here = {"version": request.query.get("version"), "point": found.name.subject or None}
    forms = [
        (link(request, f"{request.path}/{form}", **here), words)
        for form, words in (("pdf", "PDF"), ("csv", "CSV"), ("json", "JSON"))
    ]
    other = "en" if lang == "sv" else "sv"
    turned = link(request, request.path, lang=other, **here)
    words = (turned, "In English" if other == "en" else "På svenska")
    links = [(link(request, "/staff/reports"), _("Alla rapporter")), *forms, words]
    return web.Response(
        text=as_html(found, lang, links=links),
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Language": lang, "Vary": "Accept-Language"},
    )


@routes.get("/staff/reports/{municipality}/{period}/{form}", access=Permission.SEE_DEVICES)
async def file(request: web.Request) -> web.StreamResponse:
    """Send a report as `pdf`, `csv` or `json`, chosen as on its page."""
    lang, form, found = language_code(request), request.match_info["form"], await _found(request)
    if form == "pdf":
        try:
            body, kind = await as_pdf(found, lang), "application/pdf"
        except PdfUnavailable as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
    elif form == "csv":
        body, kind = as_csv(found, lang), "text/csv; charset=utf-8"
    elif form == "json":
        body, kind = as_json(found).encode(), "application/json; charset=utf-8"
    else:
        raise web.HTTPNotFound
    name = filename(found, form, None if form == "json" else lang)
    return web.Response(
        body=body,
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def _found(request: web.Request) -> Report:
    """The report that the address names; one that is not in scope is as if it did not exist."""
    municipality, period = request.match_info["municipality"], _period(request.match_info["period"])
    point, version = request.query.get("point", ""), request.query.get("version", "")
    if version and not (version.isascii() and version.isdecimal() and len(version) <= _LONGEST_VERSION):
        raise web.HTTPNotFound
    shown = guard.narrowed(await guard.tenants(request), municipality)
    name = ReportName(municipality, period.kind(of_point=bool(point)), point, period)
    async with request.app[keys.DATABASE].transaction(Role.WEB, shown) as connection:
        found = await report(connection, name, int(version) if version else None)
    if found is None:
        raise web.HTTPNotFound
    return found


def _period(written: str) -> ReportPeriod:
    try:
        return ReportPeriod.parse(written)
    except ReportRefused:
        raise web.HTTPNotFound from None


def _rows(found: Iterable[Listed], points: dict[str, dict[str, str]], lang: str) -> Iterable[ReportRow]:
    """Versions of one report follow each other, the newest first."""
    _ = language(lang).gettext
    for name, versions in groupby(found, key=lambda one: one.name):
        newest, *older = versions
        called = points.get(name.subject, {})
        of_municipality = _("%(name)s kommun") % {"name": newest.municipality_name}
        yield ReportRow(
            newest=newest,
            name=(called.get(lang) or called.get("sv") or name.subject) if name.subject else of_municipality,
            period=period_words(name.period, lang),
            address=f"/staff/reports/{name.municipality}/{name.period.written}",
            point=name.subject or None,
            older=older,
        )
