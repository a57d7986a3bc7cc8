"""A subject's days as charts: a strip of days, and availability by day or month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from babel.dates import format_date

from dashboard.charts.shares import Shares, Values, shares_chart
from dashboard.charts.strip import Cell, Strip, strip_of_days
from dashboard.charts.table import About, Key, Table
from dashboard.figure_words import calendar_of, figure_words, mark_of, percent_words, time_words, total
from dashboard.web.language import language
from services.availability.figures import Figures, Times

BY_MONTH_FROM = 120
"""So many days and more are shown by the month."""

Days = Sequence[tuple[date, Figures | None]]
"""Every day of a period with its figures; none where the day is not counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """A day, or the days of a month that lie in the period."""

    name: str
    full_name: str
    figures: Figures | None


def days_strip(days: Days, lang: str) -> Strip:
    """One cell a day."""
    _ = language(lang).gettext
    cells = [
        Cell(
            mark_of(figures.clock) if figures else "",
            calendar_of(figures) if figures else "",
            f"{full_day(day, lang)}: {_day_words(figures, lang)}",
            short_day(day, lang),
        )
        for day, figures in days
    ]
    words = {**mark_words(lang), "": _("Inte räknat")}
    found = {cell.mark for cell in cells}
    numbers = {mark: sum(cell.mark == mark for cell in cells) for mark in words if mark in found}
    calendars = {cell.calendar for cell in cells if cell.calendar}
    about = About(
        "timeline",
        _("Dygn för dygn"),
        ", ".join(f"{words[mark]}: {_days(number, lang)}" for mark, number in numbers.items()) + ".",
        tuple(Key(mark, words[mark]) for mark in (*MARKS, "closed") if mark in found | calendars),
        _runs(cells, [day for day, _figures in days], words, lang),
        _("Dygnen som tabell"),
    )
    return strip_of_days(cells, about)


def availability_chart(days: Days, lang: str) -> Shares:
    """Availability by day, or by month for a long period: by the whole clock, and while it is open."""
    _ = language(lang).gettext
    steps = by_month(days, lang) if len(days) >= BY_MONTH_FROM else by_day(days, lang)
    known = [step.figures for step in steps if step.figures]
    opened = any(figures.service.window for figures in known) and all(each.hours_known for each in known)
    several = [
        _values("whole", steps, [each.figures.clock if each.figures else None for each in steps], lang)
    ]
    keys = [Key("whole", _("Dygnet runt"))]
    if opened:
        several.append(
            _values("open", steps, [each.figures.service if each.figures else None for each in steps], lang)
        )
        keys.append(Key("open", _("När det är öppet")))
    if any(share is None for share in several[0].shares):
        keys.append(Key("gap", _("Underlag saknas")))
    about = About(
        "availability",
        _("Tillgänglighet i procent"),
        _says(steps, lang),
        tuple(keys),
        _table(steps, opened=opened, lang=lang),
        _("Tillgängligheten som tabell"),
    )
    return shares_chart(several, [step.name for step in steps], about, lang=lang)


MARKS = ("working", "partly", "down", "unknown", "maintenance")


def mark_words(lang: str) -> Mapping[str, str]:
    """What the mark of a day says."""
    _ = language(lang).gettext
    return {
        "working": _("Tillgänglig"),
        "partly": _("Delvis tillgänglig"),
        "down": _("Inte tillgänglig"),
        "unknown": _("Underlag saknas"),
        "maintenance": _("Underhåll"),
        "closed": _("Stängt"),
    }


def by_day(days: Days, lang: str) -> list[Step]:
    """Each day by itself."""
    return [Step(short_day(day, lang), full_day(day, lang), figures) for day, figures in days]


def by_month(days: Days, lang: str) -> list[Step]:
    """The days of each month together, as far as they are counted."""
    steps = []
    for first, those in groupby(days, key=lambda pair: pair[0].replace(day=1)):
        counted = [figures for _day, figures in those if figures]
        locale = _locale(lang)
        steps.append(
            Step(
                str(format_date(first, "MMM", locale=locale)),
                str(format_date(first, "MMMM y", locale=locale)),
                total(counted) if counted else None,
            )
        )
    return steps


def is_closed(step: Step, look: str) -> bool:
    """Whether a figure within the hours has no hours to count."""
    return look == "open" and step.figures is not None and not step.figures.service.window


def short_day(day: date, lang: str) -> str:
    """The day below a chart: 3 juni."""
    return str(format_date(day, "d MMM", locale=_locale(lang)))


def full_day(day: date, lang: str) -> str:
    """The day in a table: 3 juni 2024."""
    return str(format_date(day, "d MMM y", locale=_locale(lang)))


def _day_words(figures: Figures | None, lang: str) -> str:
    _ = language(lang).gettext
    if figures is None:
        return _("Inte räknat")
    extra = {"maintenance": _("underhåll en del av tiden"), "closed": _("stängt")}
    calendar = extra.get(calendar_of(figures)) if figures.clock.counted else None
    return ", ".join(part for part in (figure_words(figures.clock, lang), calendar) if part)


def _values(look: str, steps: Sequence[Step], times: Sequence[Times | None], lang: str) -> Values:
    shares = [each.availability if each else None for each in times]
    return Values(
        look,
        [None if share is None else int(share.scaleb(2)) for share in shares],
        [
            f"{step.full_name}: {figure_words(each or Times(), lang, is_closed=is_closed(step, look))}"
            for step, each in zip(steps, times, strict=True)
        ],
    )


def _says(steps: Sequence[Step], lang: str) -> str:
    _ = language(lang).gettext
    shares = [
        (share, step.full_name)
        for step in steps
        if step.figures and (share := step.figures.clock.availability) is not None
    ]
    if not shares:
        return _("Underlag saknas")
    least, when = min(shares, key=lambda pair: pair[0])
    return _("Dygnet runt lägst %(least)s, %(when)s.") % {"least": percent_words(least, lang), "when": when}


def _table(steps: Sequence[Step], *, opened: bool, lang: str) -> Table:
    _ = language(lang).gettext
    heads = [_("Tid"), _("Dygnet runt"), _("Täckning")]
    if opened:
        heads += [_("När det är öppet"), _("Täckning")]
    heads += [_("Inte tillgänglig"), _("Inte känt"), _("Underhåll"), _("Avbrott")]
    return Table(tuple(heads), tuple(_row(step, opened=opened, lang=lang) for step in steps))


def _row(step: Step, *, opened: bool, lang: str) -> tuple[str, ...]:
    figures = step.figures
    if figures is None:
        return (step.full_name, *["–"] * (8 if opened else 6))
    clock, service = figures.clock, figures.service
    shown = [figure_words(clock, lang), percent_words(clock.coverage, lang)]
    if opened:
        closed = is_closed(step, "open")
        shown += [
            figure_words(service, lang, is_closed=closed),
            "–" if closed else percent_words(service.coverage, lang),
        ]
    return (
        step.full_name,
        *shown,
        *(
            time_words(length) if length else "–"
            for length in (clock.unavailable, clock.blind, clock.maintenance)
        ),
        str(figures.outages),
    )


def _runs(cells: Sequence[Cell], days: Sequence[date], words: Mapping[str, str], lang: str) -> Table:
    """Days that follow each other and say the same, as one row."""
    _ = language(lang).gettext
    rows = []
    for (mark, calendar), run in groupby(
        zip(cells, days, strict=True), key=lambda pair: (pair[0].mark, pair[0].calendar)
    ):
        those = [day for _cell, day in run]
        when = full_day(those[0], lang)
        if len(those) > 1:
            when = f"{short_day(those[0], lang)} – {full_day(those[-1], lang)}"
        rows.append((when, str(len(those)), words[mark], words[calendar] if calendar else "–"))
    return Table((_("Tid"), _("Antal dygn"), _("Läge"), _("Kalender")), tuple(rows))


def _days(number: int, lang: str) -> str:
    return language(lang).ngettext("%(num)s dygn", "%(num)s dygn", number) % {"num": number}


def _locale(lang: str) -> str:
    return "sv_SE" if lang == "sv" else "en_GB"
