"""The document: what it says, that it is safe, and that the same report gives the same bytes."""

import hashlib
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest

from dashboard.reports.document import PdfRefused, PdfUnavailable, as_html, as_json, as_pdf
from dashboard.reports.letter import filename, letter_of
from dashboard.reports.view import report_view
from dashboard.reports.words import bytes_words, range_words
from services.reports.mailing import LetterUnwritable
from services.reports.models import Content, GoalPart, Range
from tests.dashboard.reports.made_up import HOUR, MADE_AT, OCTOBER, day, ordinary, point, report

SPACE = "\N{NO-BREAK SPACE}"


def pages(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace(
        SPACE, " "
    )


async def test_pdf_has_text_that_is_found_and_the_same_figures_as_the_page() -> None:
    made = ordinary()
    text, html = pages(await as_pdf(made, "sv")), as_html(made, "sv").replace(SPACE, " ")
    for words in ("Ljungby kommun, oktober 2026", "99,79 %", "99,86 %", "1 h 30 min", "31–40", "3 okt. 2026"):
        assert words in text
        assert words in html
    assert made.hash in text.replace("\n", "")


async def test_same_report_gives_the_same_bytes() -> None:
    assert await as_pdf(ordinary(of=0), "en") == await as_pdf(ordinary(of=0), "en")
    assert as_html(ordinary(), "sv") == as_html(ordinary(), "sv")


async def test_pdf_says_when_the_report_was_made_and_not_when_it_was_printed() -> None:
    reader = pypdf.PdfReader(io.BytesIO(await as_pdf(ordinary(), "sv")))
    about = reader.metadata
    assert about is not None
    assert about.title == "Rapport: Ljungby kommun, oktober 2026"
    assert about.creation_date is not None
    assert about.creation_date.astimezone(UTC) == MADE_AT
    assert str(reader.root_object["/Lang"]) == "sv"
    assert "/StructTreeRoot" in reader.root_object  # tagged, for those who listen


async def test_without_pango_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'pango'")

    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(PdfUnavailable, match="apt-get install libpangoft2"):
        await as_pdf(ordinary(), "sv")
    with pytest.raises(LetterUnwritable, match="apt-get install libpangoft2"):
        await letter_of(ordinary(), "sv")


@pytest.mark.parametrize("protocol", ["file", "http", "data"])
@pytest.mark.parametrize("wants", ['<img alt="x" src="{}">', '<link rel="stylesheet" href="{}">'])
async def test_document_gets_nothing_from_anywhere(
    protocol: str, wants: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    url = {
        "file": secret.as_uri(),
        "http": "http://127.0.0.1:9/x.svg",
        "data": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>",
    }[protocol]
    html = f"<html lang=en><title>x</title>{wants.format(url)}</html>"
    monkeypatch.setattr("dashboard.reports.document.as_html", lambda *_: html)
    with pytest.raises(PdfRefused, match="disallowed protocol"):
        await as_pdf(ordinary(), "sv")


def test_json_holds_the_very_text_that_was_hashed() -> None:
    made = ordinary()
    told = json.loads(as_json(made))
    assert told["hash"] == made.hash == hashlib.sha256(made.canonical.encode()).hexdigest()
    again = json.dumps(told["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again == made.canonical
    assert Content.read(made.canonical).canonical == made.canonical
    assert (told["version"], told["revised_by"], told["made_at"]) == (1, None, "2026-11-04T03:12:00.000Z")


def test_hash_changes_with_every_figure() -> None:
    one = report(point("Lidhult", [day()]))
    assert one.hash != report(point("Lidhult", [day(down=1)])).hash
    assert one.hash == report(point("Lidhult", [day()])).hash


def test_names_are_text_and_never_markup() -> None:
    html = as_html(report(point("<script>alert(1)</script>", [day()])), "sv")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_revised_version_says_which_one_holds() -> None:
    assert "version 3 gäller i stället" in as_html(ordinary(version=2, revised_by=3), "sv")
    assert "version 3 holds instead" in as_html(ordinary(version=2, revised_by=3), "en")
    assert "gäller i stället" not in as_html(ordinary(), "sv")


def test_days_without_figures_have_no_place_in_the_chart() -> None:
    view = report_view(report(point("Lidhult", [day(), day(blind=20 * HOUR), None]), of=0), "sv")
    assert [step.y is None for step in view.steps[:3]] == [False, True, True]
    assert [step.mark for step in view.steps[:3]] == ["working", "unknown", ""]
    assert view.steps[1].clock == "Underlag saknas"


def test_goals_are_shown_with_value_and_coverage() -> None:
    goal = GoalPart(
        id="goal-1", metric="wifi_availability", point=None, comparator="at_least", target="99.955",
        first=OCTOBER.first,
        last=OCTOBER.last, value="9973/100", coverage="97/100", status="met",
    )  # fmt: skip
    (shown,) = report_view(report(point("Lidhult", [day()]), goals=(goal,)), "sv").goals
    assert (shown.value, shown.coverage, shown.mark) == (f"99,73{SPACE}%", f"97,00{SPACE}%", "working")
    assert shown.target.endswith(f"minst 99,955{SPACE}%")


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "0 B"), (999, "999 B"), (12_399, "12,3 kB"), (1_999_999_999, "1,9 GB"), (10**12, "1,0 TB")],
)
def test_volume_is_cut_and_never_rounded_up(amount: int, words: str) -> None:
    assert bytes_words(amount, "sv").replace(SPACE, " ") == words


@pytest.mark.parametrize(
    ("low", "high", "words"), [(0, 0, "0"), (1, 4, "<5"), (17, 17, "17"), (31, 34, "31–34")]
)
def test_range_is_said_as_it_may_be_published(low: int, high: int, words: str) -> None:
    assert range_words(Range(low=low, high=high), "sv") == words


async def test_letter_says_the_summary_and_holds_the_pdf() -> None:
    letter = await letter_of(ordinary(), "sv")
    assert letter.subject == "Rapport: Ljungby kommun, oktober 2026"
    assert "99,79" in letter.text
    assert letter.pdf.startswith(b"%PDF-")
    assert letter.filename == "bypunkt-0781-2026-10-v1.sv.pdf"
    again = await letter_of(ordinary(version=2), "en")
    assert again.subject == "Revised report (version 2): Ljungby municipality, October 2026"
    assert filename(ordinary(of=0), "json") == "bypunkt-0781-dp-lidhult-2026-10-v1.json"


def test_file_brings_its_style_and_the_site_links_to_it() -> None:
    assert "<style>" in as_html(ordinary(), "sv")
    served = as_html(ordinary(), "sv", links=[("/staff/reports", "Alla rapporter")])
    assert "<style>" not in served
    assert 'href="/staff/reports"' in served
    assert datetime.now(UTC).strftime("%Y-%m-%dT") not in served
