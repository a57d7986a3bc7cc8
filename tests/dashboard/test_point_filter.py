"""What a visitor looks for: every word somewhere in what is said of a point, in either language."""

from datetime import timedelta

import pytest

from dashboard.point_filter import PointFilter, is_open
from dashboard.public_words import PublicWords
from tests.dashboard.examples import NOON, view


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("fornåsa", True),
        ("FORNÅSA motala", True),
        ("östergötland", True),
        ("apotek", True),
        ("pharmacy", True),
        ("fast servicepunkt", True),
        ("wifi fungerar", True),
        ("öppet till 18", True),
        ("fornåsa bibliotek", False),
        ("jörn", False),
    ],
)
def test_every_word_counts(text: str, *, kept: bool) -> None:
    assert PointFilter(text).keeps(view(), PublicWords("sv", NOON)) is kept


def test_open_now_is_what_is_known_to_be_open() -> None:
    words, only_open = PublicWords("sv", NOON), PointFilter(open_now=True)
    assert only_open.keeps(view(), words)
    assert not only_open.keeps(view(now=NOON + timedelta(hours=8)), words)
    assert not only_open.keeps(view(opening_hours=None), words)
    assert not is_open(view(opening_hours=None))


@pytest.mark.parametrize(
    ("query", "found", "narrow"),
    [
        ({}, PointFilter(), False),
        ({"q": "  jörn \t paket ", "open": "1"}, PointFilter("jörn paket", open_now=True), True),
        ({"q": "   ", "open": "yes"}, PointFilter(), False),
        ({"q": "å" * 500}, PointFilter("å" * 80), True),
    ],
)
def test_address_says_what_is_asked(query: dict[str, str], found: PointFilter, *, narrow: bool) -> None:
    assert PointFilter.asked(query) == found
    assert found.is_narrow is narrow
