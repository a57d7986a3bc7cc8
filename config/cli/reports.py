"""`bypunkt report`: make a report now and write it to a file, or list those that there are."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import AsJson, municipality_codes, run, settings_for_command, show
from config.failures import CommandFailed
from config.reports import report_sources
from dashboard.reports.document import as_html, as_json, as_pdf
from dashboard.reports.letter import filename
from dashboard.reports.tables import as_csv
from services.reports.making import make_on_demand
from services.reports.naming import ReportPeriod
from services.reports.store import Listed, Report, ReportName, listed, report
from services.runtime.clock import now
from services.storage.database import Role, Tenants


class Form(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    JSON = "json"


class Tongue(StrEnum):
    """The languages of a report."""

    SV = "sv"
    EN = "en"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("report")(write_report)


def write_report(
    municipality: Annotated[str | None, typer.Option(help="The code of the municipality, 0781.")] = None,
    period: Annotated[
        str | None, typer.Option(help="A month, 2026-10, or a year, 2026, that is over.")
    ] = None,
    point: Annotated[str | None, typer.Option(help="A point's own report.")] = None,
    form: Annotated[Form, typer.Option("--format", help="What to write it as.")] = Form.HTML,
    language: Annotated[Tongue, typer.Option(help="In which language.")] = Tongue.SV,
    to: Annotated[str, typer.Option(help="A directory, or - for standard output.")] = ".",
    listing: Annotated[bool, typer.Option("--list", help="List the reports that there are.")] = False,
    as_json_list: AsJson = False,
) -> None:
    """Make a report, a new version only if anything has changed, and write it; or list what has been made."""
    if listing:
        rows = [_row(one) for one in run(_listed(municipality, period))]
        show(
            rows, as_json=as_json_list, empty="no reports yet: they are made some days after a month is over"
        )
        return
    if municipality is None or period is None:
        raise CommandFailed(
            "say of whom and when: --municipality 0781 --period 2026-10; --list shows what there is"
        )
    if to != "-" and not Path(to).is_dir():
        raise CommandFailed(f"{to} is no directory: make it first, or say - for standard output")
    found, body = run(_made(ReportPeriod.parse(period), municipality, point, form=form, lang=language.value))
    if to == "-":
        sys.stdout.buffer.write(body)
        return
    path = Path(to) / filename(found, form.value, None if form is Form.JSON else language.value)
    path.write_bytes(body)
    print(f"{path}: version {found.version}, SHA-256 {found.hash}")


async def _made(
    period: ReportPeriod, municipality: str, point: str | None, *, form: Form, lang: str
) -> tuple[Report, bytes]:
    async with open_database(settings_for_command()) as database:
        await make_on_demand(database, report_sources(), municipality, period=period, now=now())
        name = ReportName(municipality, period.kind(of_point=point is not None), point or "", period)
        async with database.transaction(Role.WEB, Tenants((municipality,))) as connection:
            found = await report(connection, name)
    if found is None:
        of = f"point {point}" if point else f"municipality {municipality}"
        raise CommandFailed(
            f"there is nothing to report of {of} in {period.written}: no day of it was counted"
        )
    return found, await _written(found, form, lang)


async def _written(found: Report, form: Form, lang: str) -> bytes:
    match form:
        case Form.HTML:
            return as_html(found, lang).encode()
        case Form.PDF:
            return await as_pdf(found, lang)
        case Form.CSV:
            return as_csv(found, lang)
        case Form.JSON:
            return as_json(found).encode()


async def _listed(municipality: str | None, period: str | None) -> list[Listed]:
    written = ReportPeriod.parse(period).written if period else None
    async with open_database(settings_for_command()) as database:
        codes = await municipality_codes(database)
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            return await listed(connection, municipality=municipality, period=written, most=100_000)


def _row(one: Listed) -> dict[str, object]:
    return {
        "municipality": one.name.municipality,
        "kind": one.name.kind.value,
        "point": one.name.subject or None,
        "period": one.name.period.written,
        "version": one.version,
        "made_at": one.made_at,
        "revised_by": one.revised_by,
        "hash": one.hash[:16],
    }
