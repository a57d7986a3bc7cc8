"""Which stretch of time a page is asked for: the last 24 hours, or whole local days that are over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboard.web.language import language
from dashboard.web.times import local

LIVE = 1
DAYS = (LIVE, 7, 30, 90, 365)
"""What can be asked for; 1 is the 24 hours until now, all others end with yesterday."""
USUAL = 30


@dataclass(frozen=True, slots=True)
class Period:
    """So many whole local days, from the first to the last one."""

    days: int
    first: date
    last: date

    @property
    def is_live(self) -> bool:
        """Whether it is the 24 hours until now instead of days that are over."""
        return self.days == LIVE

    @property
    def all_days(self) -> Sequence[date]:
        """Every day of it, in order."""
        return [self.first + timedelta(days=number) for number in range(self.days)]


def period_of(asked: str | None, now: datetime, *, choices: Sequence[int] = DAYS) -> Period | None:
    """The period of `?days=`, the usual one when nothing is asked; None when there is no such choice."""
    days = next((days for days in choices if asked == str(days)), None) if asked else USUAL
    if days is None:
        return None
    yesterday = local(now).date() - timedelta(days=1)
    return Period(days, yesterday - timedelta(days=days - 1), yesterday)


def period_words(days: int, lang: str) -> str:
    """A period's name: 24 timmar, 30 dygn, 1 år."""
    _ = language(lang).gettext
    words = {
        1: _("24 timmar"),
        7: _("7 dygn"),
        30: _("30 dygn"),
        90: _("90 dygn"),
        365: _("1 år"),
    }
    return words[days]
