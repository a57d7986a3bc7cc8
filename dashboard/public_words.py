"""A point in the words of one reader: what pages and feeds say of it."""

from dataclasses import dataclass
from datetime import datetime

from dashboard import plain_words, states, words
from dashboard.points import PointView
from dashboard.web.language import language
from services.tenants.hours import SWEDEN, week_of


@dataclass(frozen=True, slots=True)
class PublicWords:
    """Puts points into words in `lang`, as of `now`."""

    lang: str
    now: datetime

    def state(self, view: PointView) -> str:
        """The state as a sentence."""
        return states.point_words(view.status, self.now, self.lang)

    def opening(self, view: PointView) -> str | None:
        """Open or closed and until when, or `None` when that is not known."""
        if view.is_paused:
            return language(self.lang).gettext("Tillfälligt stängt")
        return states.opening_words(view.opening, self.now, self.lang)

    def kind(self, view: PointView) -> str:
        """Fixed, mobile or digital."""
        return words.kind_words(view.point.kind, self.lang)

    def services(self, view: PointView) -> list[str]:
        """What one can do there."""
        return [words.service_words(code, self.lang) for code in view.point.services]

    def offers(self, view: PointView) -> list[tuple[str, str]]:
        """What one can do there, each with what it is where the name does not say it."""
        return [
            (words.service_words(code, self.lang), plain_words.service_note(code, self.lang))
            for code in view.point.services
        ]

    def advice(self, view: PointView) -> str:
        """What the state means for somebody who thinks of going there."""
        return plain_words.advice_words(view.status.reason, self.lang)

    def week(self, view: PointView) -> list[tuple[str, str]] | None:
        """The opening hours as rows of days and hours, or `None` when they are not known."""
        week = week_of(view.point.opening_hours, self.now.astimezone(SWEDEN).date())
        return states.week_words(week, self.lang) if week else None
