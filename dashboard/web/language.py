"""Swedish first, English complete: which language a request gets, and the words of it.

Swedish is the language of the templates; `dashboard/locale/en.po` translates it and is read as it stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Protocol

from aiohttp import web
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

CODES = ("sv", "en")


class Gettext(Protocol):
    """Translates a Swedish sentence; in Python it is passed on as `_`, so that its sentences are found."""

    def __call__(self, message: str, /) -> str:
        """Return the sentence in the reader's language."""


@dataclass(frozen=True, eq=False)
class Language:
    """One language of the interface."""

    code: str
    catalog: Catalog | None

    def gettext(self, message: str, /) -> str:
        """Translate a sentence; without a translation it stays Swedish."""
        found = self.catalog.get(message) if self.catalog else None
        return str(found.string) if found and found.string else message

    def ngettext(self, one: str, many: str, number: int, /) -> str:
        """Translate a sentence that has a singular and a plural."""
        # Swedish and English both say "one" for exactly 1.
        found = self.catalog.get(one) if self.catalog else None
        if found and isinstance(found.string, tuple | list) and all(found.string):
            return str(found.string[0 if number == 1 else 1])
        return one if number == 1 else many


@cache
def language(code: str) -> Language:
    """The language with this code, `sv` or `en`."""
    if code == "sv":
        return Language("sv", None)
    with files("dashboard").joinpath("locale", f"{code}.po").open("rb") as po:
        return Language(code, read_po(po, locale=code))


def asked_language(request: web.BaseRequest) -> str | None:
    """The language that the address asks for, if it is one of ours."""
    asked = request.query.get("lang")
    return asked if asked in CODES else None


def language_of(request: web.BaseRequest) -> Language:
    """The language of a request: `?lang=`, else what the browser prefers, else Swedish."""
    return language(asked_language(request) or preferred(request.headers.getall("Accept-Language", ())))


def preferred(headers: Iterable[str]) -> str:
    """The best of our languages by `Accept-Language`; Swedish when none is named or weights are equal."""
    weights = dict.fromkeys(CODES, 0.0)
    for item in ",".join(headers)[:1000].split(","):
        tag, _, parameter = item.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in weights:
            weights[code] = max(weights[code], _weight(parameter))
    return max(CODES, key=lambda code: weights[code])


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
