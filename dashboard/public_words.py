"""A point in the words of one reader: what pages and feeds say of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard import plain_words, states, words
from dashboard.points import PointView, text_in
from dashboard.web.language import language
from services.tenants.hours import SWEDEN, spans_on, week_of

_AHEAD = timedelta(days=31)


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
        said = states.opening_words(view.opening, self.now, self.lang)
        today = self.now.astimezone(SWEDEN).date()
        why = [text_in(each.reason, self.lang) for each in view.point.exceptions if each.day == today]
        return f"{said} ({why[0]})" if said and why and why[0] else said

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

    def other_days(self, view: PointView) -> list[tuple[str, str, str | None]]:
        """The days of the next month that have other hours than ever: day, hours, and why if that is said."""
        today = self.now.astimezone(SWEDEN).date()
        ahead = [each for each in view.point.exceptions if today <= each.day <= today + _AHEAD]
        known = ((each, spans_on(None, each.day, exceptions=view.point.other_hours)) for each in ahead)
        return [
            (
                states.day_words(each.day, self.lang),
                states.hours_words(spans, self.lang),
                text_in(each.reason, self.lang),
            )
            for each, spans in known
            if spans is not None
        ]
