"""The table: the same figures to the last digit, one row a point and period, and nothing that runs as a formula."""

import csv
import io

import pytest

from dashboard.figure_words import percent_words
from dashboard.reports.tables import COLUMNS, as_csv, safe
from dashboard.reports.words import figures_of
from services.reports.store import Report
from tests.dashboard.reports.made_up import HOUR, day, ordinary, point, report, usage


def rows(made: Report, lang: str = "sv") -> list[dict[str, str]]:
    text = as_csv(made, lang).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if lang == "sv" else ","))


def test_figures_are_those_of_the_report_in_both_languages() -> None:
    made = ordinary(of=0)
    swedish, english = rows(made)[0], rows(made, "en")[0]
    figures = figures_of(made.content.availability)
    assert figures.clock.availability is not None
    assert swedish["availability_percent"] == percent_words(figures.clock.availability, "sv")[:-2] == "99,79"
    assert english["availability_percent"] == str(figures.clock.availability) == "99.79"
    assert [int(swedish[f"{name}_ms"]) for name in figures.clock._fields] == list(figures.clock)
    assert [int(swedish[f"open_{name}_ms"]) for name in figures.service._fields] == list(figures.service)
    assert swedish["longest_outage_start"] == "2026-10-03T12:05:00.000Z"
    assert (swedish["visitor_days_low"], swedish["visitor_days_high"]) == ("31", "40")
    assert (swedish["report_hash"], swedish["report_version"]) == (made.hash, "1")


def test_point_has_a_row_for_the_month_and_one_for_each_day() -> None:
    found = rows(ordinary(of=0))
    assert [row["period"] for row in found] == [
        "2026-10",
        *(f"2026-10-{number:02}" for number in range(1, 32)),
    ]
    assert {row["point"] for row in found} == {"dp-lidhult"}
    assert sum(int(row["down_ms"]) for row in found[1:]) == int(found[0]["down_ms"])
    assert found[3]["availability_percent"] == "93,75"


def test_municipality_has_rows_of_its_own_and_one_for_each_point() -> None:
    several = [
        point(f"Plats {number}", [day(down=number)], used=usage(), id=f"p-{number}") for number in range(3)
    ]
    found = rows(report(*several, used=usage()))
    assert len(found) == 1 + 31 + 3
    assert [row["point"] for row in found[-3:]] == ["p-0", "p-1", "p-2"]
    assert sum(int(row["down_ms"]) for row in found[-3:]) == int(found[0]["down_ms"]) == 3


def test_what_is_not_known_is_empty_and_not_nought() -> None:
    found = rows(report(point("Lidhult", [day(blind=20 * HOUR)]), of=0))
    assert (found[0]["availability_percent"], found[0]["coverage_percent"]) == ("", "16,66")
    assert (found[2]["days_counted"], found[2]["up_ms"], found[2]["visitor_days_low"]) == ("0", "", "")
    untold = rows(report(point("L", [day()], used=usage(reported_days=0)), of=0, used=usage(reported_days=0)))
    assert untold[0]["visitor_days_low"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_would_be_a_formula_is_marked_as_text(start: str) -> None:
    name = f'{start}HYPERLINK("http://x";"y")'
    found = rows(report(point(name, [day()])))
    assert found[-1]["name"] == f"'{name}"
    assert safe("Lidhult - byn") == "Lidhult - byn"


def test_spreadsheets_are_told_that_it_is_utf_8_and_numbers_stay_numbers() -> None:
    body = as_csv(report(point("Åäö", [day()])), "sv")
    assert body.startswith(b"\xef\xbb\xbf" + ";".join(COLUMNS).encode() + b"\r\n")
    assert "Åäö".encode() in body
    assert b"'" not in body
