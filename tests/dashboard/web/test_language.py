"""Swedish is the source, English is complete, and the choice follows the address, then the browser."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dashboard.web.language import language, preferred

DASHBOARD = Path(__file__).parents[3] / "dashboard"


def in_use() -> Catalog:
    """Every sentence that templates and modules of the web face say."""
    catalog = Catalog()
    found = extract_from_dir(
        DASHBOARD, method_map=[("**.py", "python"), ("templates/**.html", "jinja2")], keywords=KEYWORDS
    )
    for _file, _line, message, _comments, _context in found:
        catalog.add(message)
    return catalog


KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def translated() -> Catalog:
    with (DASHBOARD / "locale" / "en.po").open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def ids(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def test_every_sentence_has_its_english() -> None:
    assert sorted(map(str, ids(in_use()) - ids(translated()))) == []


def test_no_translation_is_left_over() -> None:
    assert sorted(map(str, ids(translated()) - ids(in_use()))) == []


def test_translations_are_whole_and_keep_their_places() -> None:
    ours = [message for message in translated() if message.id]
    broken = [message.id for message in ours if not message.string or any(True for _ in message.check())]
    fuzzy = [message.id for message in ours if message.fuzzy]
    assert (broken, fuzzy) == ([], [])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], "sv"),
        (["en"], "en"),
        (["en-GB,en;q=0.9,sv;q=0.8"], "en"),
        (["sv-SE,en;q=0.9"], "sv"),
        (["de,fr;q=0.5"], "sv"),
        (["en;q=0.5,sv;q=0.5"], "sv"),
        (["en;q=0"], "sv"),
        (["en;q=nonsense"], "sv"),
        (["en;q=nan"], "sv"),
        (["*"], "sv"),
        (["de", "en"], "en"),
    ],
)
def test_language_follows_the_browser(headers: list[str], expected: str) -> None:
    assert preferred(headers) == expected


def test_plural_follows_the_number() -> None:
    swedish, english = language("sv"), language("en")
    one, many = "%(num)s servicepunkt", "%(num)s servicepunkter"
    assert [swedish.ngettext(one, many, number) for number in (0, 1, 2)] == [many, one, many]
    assert english.ngettext(one, many, 1) == "%(num)s service point"
    assert english.ngettext(one, many, 0) == "%(num)s service points"
    assert english.gettext("finns inte i katalogen") == "finns inte i katalogen"
