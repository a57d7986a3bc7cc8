"""`bypunkt goals`: what was promised, what is said of it, and judging it now."""

import json
from pathlib import Path

import pytest

from tests.config.cli.calling import bypunkt

FILE = """
[[goals]]
id = "g-hours"
municipality = "0583"
metric = "hours_per_week"
point = "sp-fornasa"
target = 40
period = "year"
owner = "Motala kommun"
valid_from = 2025-01-01

[[goals]]
id = "g-board"
municipality = "0781"
metric = "notice_board_renewed"
target = 1
period = "year"
owner = "Ljungby kommun"
valid_from = 2025-01-01
valid_until = 2025-12-31
"""


@pytest.fixture
async def promised(tmp_path: Path, inhabited: str) -> str:
    path = tmp_path / "goals.toml"
    path.write_text(FILE, encoding="utf-8")
    said = await bypunkt("import", str(path))
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("0 devices, 2 goals\n")
    return inhabited


@pytest.mark.usefixtures("inhabited")
async def test_without_goals_it_says_where_they_come_from() -> None:
    said = await bypunkt("goals", "list")
    assert (said.code, said.out) == (
        0,
        "no goal is registered: name goals in a registry file (docs/goals.md)\n",
    )
    assert (await bypunkt("goals", "evaluate")).out == "nothing new: every goal stands as it was\n"


@pytest.mark.usefixtures("promised")
async def test_goals_are_judged_and_then_stand_as_they_are() -> None:
    before = json.loads((await bypunkt("goals", "list", "--json")).out)
    assert {(row["goal"], row["status"]) for row in before} == {("g-hours", None), ("g-board", None)}
    news = json.loads((await bypunkt("goals", "evaluate", "--json")).out)
    assert ("g-hours", "2025-01-01", True, "met", 1) in {
        (row["goal"], row["period_from"], row["is_over"], row["status"], row["version"]) for row in news
    }
    assert (await bypunkt("goals", "evaluate")).out == "nothing new: every goal stands as it was\n"
    board, hours = json.loads((await bypunkt("goals", "list", "--json")).out)
    assert (board["goal"], board["status"], board["why"], board["value"], board["coverage"]) == (
        "g-board", "insufficient_data", "no_data_yet", None, "0.00\N{NO-BREAK SPACE}%",
    )  # fmt: skip
    assert (hours["target"], hours["value"], hours["about"]) == (
        "at least 40\N{NO-BREAK SPACE}h",
        "45.00\N{NO-BREAK SPACE}h",
        "sp-fornasa",
    )
    ours = json.loads((await bypunkt("goals", "list", "--municipality", "0781", "--json")).out)
    assert [row["goal"] for row in ours] == ["g-board"]
    assert ours[0]["about"] == "all points"


@pytest.mark.usefixtures("promised")
async def test_what_was_judged_is_not_promised_otherwise_afterwards(tmp_path: Path) -> None:
    await bypunkt("goals", "evaluate")
    path = tmp_path / "otherwise.toml"
    path.write_text(FILE.replace("target = 40", "target = 20"), encoding="utf-8")
    assert (
        "goal g-hours of municipality 0583 has been judged already"
        in (await bypunkt("import", str(path))).problem
    )
