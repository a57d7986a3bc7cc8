"""`bypunkt report`, as an operator types it."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from config.cli.reports import Form, write_report
from tests.config.cli.calling import bypunkt
from tests.reports.reporting import Desk, desk


def written(directory: Path) -> dict[str, bytes]:
    """The files of a directory by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


OF_AUGUST = ("report", "--municipality", "0781", "--period", "2026-08")


@pytest.fixture
async def counted(installed: str, admin_url: str) -> AsyncIterator[Desk]:
    """An installation with August 2026 counted in Lidhult."""
    async with desk(installed, admin_url) as made:
        yield made


@pytest.mark.usefixtures("counted")
async def test_report_is_made_and_written_in_every_form(tmp_path: Path) -> None:
    for form, begins in (
        ("html", b"<!doctype"),
        ("pdf", b"%PDF-"),
        ("csv", b"\xef\xbb\xbf"),
        ("json", b'{"content"'),
    ):
        said = await bypunkt(*OF_AUGUST, "--format", form, "--to", str(tmp_path))
        assert (said.code, said.err) == (0, ""), said
        assert "version 1" in said.out
        assert written(tmp_path)[Path(said.out.partition(": ")[0]).name].lstrip().startswith(begins)
    assert sorted(written(tmp_path)) == [
        "bypunkt-0781-2026-08-v1.json",
        *(f"bypunkt-0781-2026-08-v1.sv.{form}" for form in ("csv", "html", "pdf")),
    ]


async def test_made_again_it_is_the_same_until_something_has_changed(counted: Desk, tmp_path: Path) -> None:
    one = await bypunkt(*OF_AUGUST, "--point", "dp-lidhult", "--to", str(tmp_path), "--language", "en")
    assert (
        one.out
        == (await bypunkt(*OF_AUGUST, "--point", "dp-lidhult", "--to", str(tmp_path), "--language", "en")).out
    )
    await counted.day(date(2026, 8, 3))
    assert "version 2" in (await bypunkt(*OF_AUGUST, "--point", "dp-lidhult", "--to", str(tmp_path))).out
    listed = json.loads((await bypunkt("report", "--list", "--json")).out)
    assert [(row["kind"], row["version"], row["revised_by"]) for row in listed] == [
        ("municipality_monthly", 2, None),
        ("municipality_monthly", 1, 2),
        ("point_monthly", 2, None),
        ("point_monthly", 1, 2),
    ]


@pytest.mark.usefixtures("counted")
async def test_report_goes_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:

    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    await asyncio.to_thread(lambda: write_report("0781", "2026-08", form=Form.JSON, to="-"))
    body = out.buffer
    assert isinstance(body, io.BytesIO)
    assert json.loads(body.getvalue())["content"]["municipality"] == "0781"


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("report",), "say of whom and when"),
        (
            ("report", "--municipality", "0781", "--period", "august"),
            "a month is written 2026-10, a year 2026",
        ),
        (("report", "--municipality", "9999", "--period", "2026-08"), "there is no municipality 9999"),
        (("report", "--municipality", "0781", "--period", "2098"), "2098 is not over"),
        ((*OF_AUGUST, "--point", "nowhere"), "there is nothing to report of point nowhere in 2026-08"),
        ((*OF_AUGUST, "--to", "no-such-directory"), "no-such-directory is no directory"),
    ],
)
async def test_what_cannot_be_made_is_said_in_one_line(arguments: tuple[str, ...], problem: str) -> None:
    assert problem in (await bypunkt(*arguments)).problem


@pytest.mark.usefixtures("inhabited")
async def test_list_without_reports_says_when_there_will_be() -> None:
    assert "no reports yet" in (await bypunkt("report", "--list")).out
