"""The colours hold: text and shapes can be told from what they stand on, in light, dark and high contrast."""

import re

import pytest

from dashboard import tokens

NAMES = ("light", "dark", "light, more", "dark, more")


def test_contrast_is_counted_as_wcag_does() -> None:
    assert tokens.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert tokens.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert tokens.contrast("#ffffff", "#777777") == tokens.contrast("#777777", "#ffffff")
    assert tokens.contrast("#0d4f61", "#0d4f61") == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_meets_can_be_told_apart(name: str) -> None:
    theme = tokens.themes()[name]
    weak = [
        (pair, round(ratio, 2))
        for pair in tokens.pairs()
        if (ratio := tokens.contrast(theme[pair.front], theme[pair.back])) < pair.least
    ]
    assert weak == []


def test_more_contrast_gives_more() -> None:
    themes = tokens.themes()
    for plain in ("light", "dark"):
        more = themes[f"{plain}, more"]
        assert tokens.contrast(more["ink-soft"], more["paper"]) > 12
        assert tokens.contrast(more["line"], more["paper"]) >= 3
        assert set(more) == set(themes[plain])


def test_dark_replaces_every_colour_but_none_of_the_sizes() -> None:
    light, dark = tokens.themes()["light"], tokens.themes()["dark"]
    assert {name for name in light if light[name] == dark[name]} == set()


def test_every_state_has_its_colour_its_wash_and_meets_every_ground() -> None:
    theme = tokens.themes()["light"]
    pairs = {(pair.front, pair.back) for pair in tokens.pairs()}
    for state in tokens.STATES:
        assert {state, f"{state}-wash"} <= set(theme)
        assert {(state, ground) for ground in (*tokens.GROUNDS, f"{state}-wash", "land", "water")} <= pairs


def test_two_dark_blocks_that_differ_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = tokens.style_sheet()
    first = re.sub(r"--down: #ff9f8a", "--down: #ff0000", sheet, count=1)
    assert first != sheet
    monkeypatch.setattr(tokens, "style_sheet", lambda: first)
    with pytest.raises(ValueError, match="differ"):
        tokens.themes()
