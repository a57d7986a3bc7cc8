"""Availability as people read it: never without its coverage, and in words where too little is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from babel.numbers import format_decimal

from dashboard.web.language import language
from dashboard.web.times import lasting
from services.availability.figures import Figures, Times


@dataclass(frozen=True, slots=True)
class FigureView:
    """One availability: its name, the number in words or that there is none, its coverage, and how it has fared."""

    kind: str
    name: str
    number: str | None
    coverage: str
    mark: str
    unavailable: str
    blind: str
    maintenance: str


def figure_views(figures: Figures, lang: str) -> tuple[FigureView, ...]:
    """By the whole clock, and within the hours where they are known on each of the days."""
    _ = language(lang).gettext
    views = [_view("clock", _("Dygnet runt"), figures.clock, lang)]
    if figures.hours_known and figures.service.window:
        views.append(_view("service", _("När det är öppet"), figures.service, lang))
    return tuple(views)


def figure_words(times: Times, lang: str, *, is_closed: bool = False) -> str:
    """The availability with its sign, or why there is none: closed all the time, maintenance, not enough data."""
    _ = language(lang).gettext
    if is_closed:
        return _("Stängt")
    if not times.counted and times.maintenance:
        return _("Underhåll hela tiden")
    return _("Underlag saknas") if times.availability is None else percent_words(times.availability, lang)


def percent_words(percent: Decimal, lang: str) -> str:
    """A figure in percent with the two decimals that it has."""
    return f"{format_decimal(percent, format='0.00', locale=lang)}\N{NO-BREAK SPACE}%"


def mark_of(times: Times) -> str:
    """The state that stands for a stretch of time: `working` only where nothing was out of order."""
    if not times.counted:
        return "maintenance" if times.maintenance else "unknown"
    if not times.enough:
        return "unknown"
    if not times.unavailable:
        return "working"
    return "partly" if times.available else "down"


def calendar_of(figures: Figures) -> str:
    """What the calendar says of days: `maintenance` on some of the time, `closed` all the time, or nothing."""
    if figures.clock.maintenance:
        return "maintenance"
    return "closed" if figures.hours_known and figures.days and not figures.service.window else ""


def total(days: Sequence[Figures]) -> Figures:
    """All days together, exactly."""
    whole = Figures()
    for day in days:
        whole = whole.plus(day)
    return whole


def time_words(milliseconds: int) -> str:
    """How long: 3 h 48 min."""
    return lasting(timedelta(milliseconds=milliseconds))


def _view(kind: str, name: str, times: Times, lang: str) -> FigureView:
    return FigureView(
        kind=kind,
        name=name,
        number=None if times.availability is None else percent_words(times.availability, lang),
        coverage=percent_words(times.coverage, lang),
        mark=mark_of(times),
        unavailable=time_words(times.unavailable),
        blind=time_words(times.blind),
        maintenance=time_words(times.maintenance) if times.maintenance else "",
    )
