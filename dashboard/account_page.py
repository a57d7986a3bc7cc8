"""An account in the reader's words: the sum that makes the figure, its days, and what was left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from babel.numbers import format_decimal

from dashboard.account import Account, Part
from dashboard.availability_charts import full_day
from dashboard.device_words import reason_words
from dashboard.figure_words import figure_words, percent_words, time_words
from dashboard.live_strip import MARKS, condition_words
from dashboard.staff_views import MARKS as STATE_MARKS
from dashboard.states import device_words
from dashboard.web.language import language
from services.availability.conditions import Condition
from services.availability.figures import Figures, Times
from services.status.moments import moment

MOST = 100
"""So many rows of a list are shown, the newest; all of them are in the files."""


@dataclass(frozen=True, slots=True)
class SumRow:
    """A kind of time, or what several make together, by the whole clock and within the hours."""

    words: str
    is_sum: bool
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day that is part of the figure."""

    name: str
    devices: str
    clock: str
    clock_coverage: str
    service: str
    service_coverage: str
    version: int | None
    agrees: bool
    agrees_with_log: bool | None


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time as a row; `why` is a reason or what it is on."""

    mark: str
    words: str
    starts_at: datetime
    ends_at: datetime | None
    lasted: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Spells:
    """The newest of some stretches, and how many there are."""

    rows: tuple[Spell, ...]
    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """What a day said before it was counted again."""

    name: str
    version: int
    replaced_at: datetime
    clock: str
    clock_coverage: str


def sum_rows(figures: Figures, lang: str) -> list[SumRow]:
    """The figure as an addition: what of the time was what, in words and in whole milliseconds."""
    _ = language(lang).gettext
    shown: list[tuple[str, bool, Callable[[Times], int]]] = [
        (_("Fungerade"), False, lambda times: times.up),
        (_("Ojämn kontakt, fungerade"), False, lambda times: times.degraded),
        (_("Tillgänglig"), True, lambda times: times.available),
        (_("På, men utan internet"), False, lambda times: times.lost),
        (_("Ingen kontakt"), False, lambda times: times.down),
        (_("Inte tillgänglig"), True, lambda times: times.unavailable),
        (_("Inte känt: räknas varken som tillgänglig eller inte"), False, lambda times: times.blind),
        (_("Underhåll: räknas inte"), False, lambda times: times.maintenance),
        (_("Hela tiden"), True, lambda times: times.window),
    ]
    columns = [figures.clock, *([figures.service] if figures.hours_known else [])]
    return [
        SumRow(
            words,
            is_sum,
            tuple((time_words(part(times)), format_decimal(part(times), locale=lang)) for times in columns),
        )
        for words, is_sum, part in shown
    ]


def day_rows(account: Account, lang: str) -> list[DayRow]:
    """Each day, the newest first."""
    return [_day_row(part, lang) for part in reversed(account.parts) if part.day]


def spells(account: Account, lang: str) -> Spells:
    """Every stretch that was not ordinary operation, the newest first."""
    every = [(piece.start, piece.end, piece.condition) for part in account.parts for piece in part.pieces]
    found: list[tuple[int, int, Condition]] = []
    for start, end, condition in every:
        if found and found[-1][1:] == (start, condition):
            found[-1] = (found[-1][0], end, condition)
        else:
            found.append((start, end, condition))
    unusual = [each for each in reversed(found) if each[2] is not Condition.UP]
    rows = (
        Spell(
            MARKS[condition],
            condition_words(condition, lang),
            moment(start),
            moment(end),
            time_words(end - start),
        )
        for start, end, condition in unusual[:MOST]
    )
    return Spells(tuple(rows), len(unusual))


def interval_spells(account: Account, lang: str) -> list[Spells]:
    """What was measured of each device, the newest first."""
    return [
        Spells(
            tuple(
                Spell(
                    STATE_MARKS[each.state],
                    device_words(each.state, lang),
                    moment(each.start),
                    None if each.end is None else moment(each.end),
                    "" if each.end is None else time_words(each.end - each.start),
                    reason_words(each.reason, lang),
                )
                for each in list(reversed(those))[:MOST]
            ),
            len(those),
            device,
        )
        for device, those in account.intervals.items()
    ]


def work_spells(account: Account, lang: str) -> Spells:
    """The planned work that was left out, the newest first."""
    _ = language(lang).gettext
    found = sorted(
        ((span, work) for work in account.works for span in work.spans),
        key=lambda pair: pair[0],
        reverse=True,
    )
    rows = (
        Spell(
            "maintenance",
            work.reason,
            moment(span.start),
            moment(span.end),
            time_words(span.end - span.start),
            work.device or (_("hela platsen") if work.point else _("hela kommunen")),
        )
        for span, work in found[:MOST]
    )
    return Spells(tuple(rows), len(found))


def earlier_rows(account: Account, lang: str) -> list[EarlierRow]:
    """What days said before, the newest day first."""
    return [
        EarlierRow(
            full_day(each.day, lang),
            each.version,
            each.replaced_at,
            figure_words(each.figures.clock, lang),
            percent_words(each.figures.clock.coverage, lang),
        )
        for each in reversed(account.earlier)
    ]


def rules(account: Account) -> Sequence[int]:
    """The rules by which the days were counted."""
    return [rule for rule, _days in groupby(sorted(part.rule for part in account.parts))]


def _day_row(part: Part, lang: str) -> DayRow:
    figures = part.figures
    counts = figures.hours_known and bool(figures.service.window)
    closed = figures.hours_known and not figures.service.window
    return DayRow(
        name=full_day(part.day, lang) if part.day else "",
        devices=", ".join(part.devices),
        clock=figure_words(figures.clock, lang),
        clock_coverage=percent_words(figures.clock.coverage, lang),
        service=figure_words(figures.service, lang, is_closed=closed) if figures.hours_known else "–",
        service_coverage=percent_words(figures.service.coverage, lang) if counts else "–",
        version=part.version,
        agrees=part.same_now,
        agrees_with_log=part.same_in_log,
    )
