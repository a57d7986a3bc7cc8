"""Accounts as files: every digit of every figure, and no cell that a spreadsheet would run."""

import json

from dashboard.account_files import COLUMNS, as_csv, as_json, figures_data
from services.availability.figures import Figures, Times
from tests.dashboard.accounted import account


def test_json_holds_all_of_it() -> None:
    made = json.loads(as_json(account(), {"point": "p"}))
    assert next(iter(made)) == "point"
    assert made["figures"]["clock"]["availability_percent"] == "45.45"
    assert made["figures"]["open"]["coverage_percent"] == "100.00"
    assert made["from_log"] is None
    (part,) = made["parts"]
    assert (part["day"], part["version"], part["computed_at"]) == (
        "2026-09-07",
        2,
        "2026-09-08T00:10:00.000Z",
    )
    assert [(piece["condition"], piece["open"]) for piece in part["pieces"]] == [
        ("up", True),
        ("maintenance", True),
        ("maintenance", False),
        ("down", False),
    ]
    assert made["intervals"]["hs-a"][1]["until"] is None
    assert made["maintenance"][0]["spans"] == [["2026-09-07T08:00:00.000Z", "2026-09-07T10:00:00.000Z"]]
    assert made["earlier_versions"][0]["figures"]["clock"]["availability_percent"] == "0.00"


def test_figure_that_is_not_known_is_null_and_keeps_its_coverage() -> None:
    made = figures_data(Figures(1, Times(up=1, blind=9), Times(), hours_known=False))
    clock = made["clock"]
    assert isinstance(clock, dict)
    assert (clock["availability_percent"], clock["coverage_percent"], made["open"]) == (None, "10.00", None)


def test_table_has_the_figure_its_day_and_the_pieces() -> None:
    lines = as_csv(account(), "=p", "sv").decode("utf-8-sig").splitlines()
    assert lines[0] == ";".join(COLUMNS)
    assert [line.split(";")[0] for line in lines[1:]] == ["figure", "day", "piece", "piece", "piece", "piece"]
    assert {line.split(";")[1] for line in lines[1:]} == {"'=p"}
    assert lines[1].endswith(";45,45;100,00;100,00;100,00;1;1;;")
    assert lines[2].endswith(";45,45;100,00;100,00;100,00;1;1;2;true")
    assert (
        lines[5]
        == "piece;'=p;2026-09-07;2026-09-07T09:00:00.000Z;2026-09-07T10:00:00.000Z;maintenance;false;3600000"
        + 8 * ";"
    )
    assert {line.count(";") for line in lines} == {len(COLUMNS) - 1}
    assert ";" not in as_csv(account(), "p", "en").decode("utf-8-sig")
