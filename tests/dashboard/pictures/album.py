"""The page that shows the pictures: docs/pages.md, made from the list of what is shown."""

from collections.abc import Iterator
from pathlib import Path

from tests.dashboard.pictures.shown import LANGS, PAGES, SCHEMES, STATES, Page, Shot, Size, state_file

PAGE = Path(__file__).parents[3] / "docs" / "pages.md"
PICTURES = PAGE.parent / "pictures"

_LANGUAGES = {"sv": "Swedish", "en": "English"}
_BEGINNING = """\
# Every page in pictures

Each page in Swedish and English, light and dark, on a telephone (390 × 844) and a desk (1440 × 900), the first two
screens of it, and public pages on a screen on a wall (1080 × 1920). Below the pages stand the states in which something
is missing. Villages, devices and figures are made up; municipalities are real.

The pictures are taken by `make pictures` and this page is written with them, from the list in
`tests/dashboard/pictures/shown.py`. A page that is not on the list fails a test, and so does a picture that is missing.
Every page and state on the list is also held to WCAG 2.2 AA, in both languages, light and dark, on each of its screens,
at four times the size and by the keyboard alone (`tests/dashboard/test_every_page.py`).
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_BEGINNING, *(line for shown in PAGES for line in _pictures_of(shown)), *_states()])


def _pictures_of(shown: Page) -> Iterator[str]:
    yield f"## {shown.name}\n"
    yield f"{shown.alt}.\n"
    variants = [(lang, scheme) for lang in LANGS for scheme in SCHEMES]
    yield "| | " + " | ".join(f"{_LANGUAGES[lang]}, {scheme}" for lang, scheme in variants) + " |"
    yield "|---" * (len(variants) + 1) + "|"
    for size in shown.sizes:
        cells = [
            _picture(
                Shot(shown, lang, scheme, size).file,
                f"{shown.alt}, in {_LANGUAGES[lang]}, {scheme}, {size.name}",
                size,
            )
            for lang, scheme in variants
        ]
        yield f"| {size.name} | " + " | ".join(cells) + " |"
    yield ""


def _states() -> Iterator[str]:
    yield "## When something is missing\n"
    yield "| state | what it shows | picture |"
    yield "|---|---|---|"
    for state in STATES:
        yield f"| {state.name} | {state.alt} | {_picture(state_file(state), state.alt, state.size)} |"
    yield ""


def _picture(file: str, alt: str, size: Size) -> str:
    width = min(300, round(size.width / 2))
    return f'<a href="pictures/{file}"><img src="pictures/{file}" alt="{alt}" width="{width}"></a>'
