"""What a visitor looks for among the points: words, and what is open now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dashboard.points import PointView
from dashboard.public_words import PublicWords
from dashboard.web.language import CODES
from dashboard.words import kind_words, service_words

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class PointFilter:
    """Every word of `text` stands in what the page says of a point; `open_now` leaves out what is not open."""

    text: str = ""
    open_now: bool = False

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Self:
        """The filter that an address asks for with `?q=` and `?open=1`; what is longer than 80 signs is cut."""
        return cls(" ".join(query.get("q", "").split())[:_LONGEST], query.get("open") == "1")

    @property
    def is_narrow(self) -> bool:
        """Whether it may leave anything out."""
        return bool(self.text) or self.open_now

    def keeps(self, view: PointView, words: PublicWords) -> bool:
        """Whether a point fits; municipality, county, village, kind and services count as well as its name.

        Kinds and services count in every language: who reads English here may still search for "paket".
        """
        if self.open_now and not is_open(view):
            return False
        said = " ".join(
            (
                *view.point.names.values(),
                *view.point.locality_names.values(),
                view.municipality.name,
                view.municipality.county,
                *(kind_words(view.point.kind, lang) for lang in CODES),
                *(service_words(code, lang) for code in view.point.services for lang in CODES),
                words.state(view),
                words.opening(view) or "",
            )
        ).casefold()
        return all(word in said for word in self.text.casefold().split())


def is_open(view: PointView) -> bool:
    """Whether a point is known to be open now."""
    return view.opening is not None and view.opening.is_open
