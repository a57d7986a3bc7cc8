"""Accounts in words: the sum adds up, and what was not ordinary operation is told whole."""

from dashboard.account_page import (
    day_rows,
    earlier_rows,
    interval_spells,
    rules,
    spells,
    sum_rows,
    work_spells,
)
from services.availability.figures import Figures, Times
from tests.dashboard.accounted import account


def test_sum_adds_up_in_whole_milliseconds() -> None:
    rows = {row.words: row.cells for row in sum_rows(account().figures, "en")}
    assert rows["Available"] == (("10 h 0 min", "36,000,000"), ("10 h 0 min", "36,000,000"))
    assert rows["Not available"] == (("12 h 0 min", "43,200,000"), ("0 s", "0"))
    assert rows["All of the time"] == (("24 h 0 min", "86,400,000"), ("11 h 0 min", "39,600,000"))
    unknown = sum_rows(Figures(1, Times(up=1), Times(), hours_known=False), "en")
    assert {len(row.cells) for row in unknown} == {1}


def test_what_the_hours_cut_is_one_spell_again() -> None:
    found = spells(account(), "en")
    assert [(each.words, each.lasted) for each in found.rows] == [
        ("No contact", "12 h 0 min"),
        ("Maintenance", "2 h 0 min"),
    ]
    assert found.number == 2


def test_day_says_what_it_says_and_whether_it_still_holds() -> None:
    (row,) = day_rows(account(), "en")
    assert (row.name, row.devices, row.version, row.agrees) == ("7 Sept 2026", "hs-a", 2, True)
    assert (row.clock, row.service) == ("45.45\N{NO-BREAK SPACE}%", "100.00\N{NO-BREAK SPACE}%")
    assert not day_rows(account(same_now=False), "en")[0].agrees


def test_intervals_work_and_earlier_versions_are_told() -> None:
    (device,) = interval_spells(account(), "en")
    assert [(each.mark, each.ends_at is None) for each in device.rows] == [("down", True), ("working", False)]
    (work,) = work_spells(account(), "en").rows
    assert (work.words, work.why, work.lasted) == ("=new router", "the whole place", "2 h 0 min")
    (earlier,) = earlier_rows(account(), "en")
    assert (earlier.version, earlier.clock) == (1, "0.00\N{NO-BREAK SPACE}%")
    assert rules(account()) == [1]
