"""The colours of the design system as its style sheet states them, and how well they can be told apart.

One file is the truth (`assets/app/1-tokens.css`); the design page shows it and a test holds it to WCAG 2.2.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

STATES = ("working", "partly", "down", "unknown", "closed", "maintenance")
"""The colours of states; each has a shape and a word as well."""

GROUNDS = ("paper", "surface", "sunken")
"""What text and controls stand on."""

_TEXT = 4.5
_SHAPE = 3.0
_BLOCK = re.compile(r"(?P<where>[^{};]*:root[^{};]*)\{(?P<body>[^{}]*)\}")
_TOKEN = re.compile(r"--(?P<name>[\w-]+):\s*(?P<value>[^;]+);")
_REFERENCE = re.compile(r"var\(--([\w-]+)\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two colours that meet somewhere, and how much contrast that needs: 4.5 for text, 3 for shapes and lines."""

    front: str
    back: str
    least: float


@cache
def style_sheet() -> str:
    """The style sheet that states the tokens, without its comments."""
    sheet = files("dashboard").joinpath("assets", "app", "1-tokens.css").read_text()
    return _COMMENT.sub("", sheet)


def themes() -> dict[str, dict[str, str]]:
    """The colours by their role: light, dark, and both of them with more contrast."""
    light, automatic, chosen, more = _blocks()[:4]
    dark = light | chosen
    if automatic != chosen:
        raise ValueError("the two dark blocks of 1-tokens.css differ; they must say the same")
    return {
        "light": _colours(light),
        "dark": _colours(dark),
        "light, more": _colours(light | more),
        "dark, more": _colours(dark | more),
    }


def pairs() -> Iterator[Pair]:
    """Every two colours that meet on a page, with the contrast they need."""
    for ground in GROUNDS:
        for ink in ("ink", "ink-soft", "accent"):
            yield Pair(ink, ground, _TEXT)
        for line in ("line-strong", "focus"):
            yield Pair(line, ground, _SHAPE)
    yield Pair("accent-ink", "accent", _TEXT)
    yield from (Pair(ink, "accent-wash", _TEXT) for ink in ("ink", "ink-soft", "accent"))
    yield from (
        Pair(ink, land, _TEXT) for ink in ("ink", "ink-soft") for land in ("land", "land-far", "water")
    )
    for state in STATES:
        yield Pair("ink", f"{state}-wash", _TEXT)
        yield Pair("ink-soft", f"{state}-wash", _TEXT)
        yield from (Pair(state, ground, _TEXT) for ground in ("paper", "surface"))
        yield Pair("surface", state, _SHAPE)
        grounds = ("sunken", f"{state}-wash", "land", "land-far", "water")
        yield from (Pair(state, ground, _SHAPE) for ground in grounds)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (#rrggbb) as WCAG 2 counts it, 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _blocks() -> list[dict[str, str]]:
    tokens = [dict(_TOKEN.findall(block["body"])) for block in _BLOCK.finditer(style_sheet())]
    return [block for block in tokens if "ink-soft" in block]


def _colours(tokens: Mapping[str, str]) -> dict[str, str]:
    resolved = {name: _resolve(tokens, value) for name, value in tokens.items()}
    return {name: value for name, value in resolved.items() if re.fullmatch(r"#[0-9a-f]{6}", value)}


def _resolve(tokens: Mapping[str, str], value: str) -> str:
    named = _REFERENCE.fullmatch(value)
    return _resolve(tokens, tokens[named[1]]) if named else value


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
