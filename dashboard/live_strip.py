"""The last 24 hours of a point as a strip: to the millisecond, with the calendar below."""

from collections.abc import Iterable, Mapping
from itertools import chain

from dashboard.charts.scale import part
from dashboard.charts.strip import Stretch as Placed
from dashboard.charts.strip import Strip, stretches
from dashboard.charts.table import About, Key, Label, Table
from dashboard.figure_words import time_words
from dashboard.point_past import Live
from dashboard.web.language import language
from dashboard.web.times import clock
from services.availability.conditions import Condition, Stretch
from services.runtime.spans import Span
from services.status.moments import moment

MARKS: Mapping[Condition, str] = {
    Condition.UP: "working",
    Condition.DEGRADED: "partly",
    Condition.LOST: "down",
    Condition.DOWN: "down",
    Condition.BLIND: "unknown",
    Condition.MAINTENANCE: "maintenance",
    Condition.CLOSED: "closed",
}
_SIX_HOURS = 6 * 3_600_000


def condition_words(condition: Condition, lang: str) -> str:
    """What is said of an instant, in a word or two."""
    _ = language(lang).gettext
    words = {
        Condition.UP: _("Fungerar"),
        Condition.DEGRADED: _("Ojämn kontakt, fungerar"),
        Condition.LOST: _("Internet saknas"),
        Condition.DOWN: _("Ingen kontakt"),
        Condition.BLIND: _("Vet inte"),
        Condition.MAINTENANCE: _("Underhåll"),
        Condition.CLOSED: _("Stängt"),
    }
    return words[condition]


def live_strip(live: Live, lang: str) -> Strip:
    """The time until now from left to right, with the clock below."""
    _ = language(lang).gettext
    window = live.window
    closed = [Stretch(*span, Condition.CLOSED) for span in live.closed]
    work = [stretch for stretch in live.line if stretch.condition is Condition.MAINTENANCE]
    shown = {stretch.condition for stretch in live.line} | {stretch.condition for stretch in closed}
    about = About(
        "timeline",
        _("De senaste 24 timmarna"),
        _says(live, lang),
        tuple(
            Key(mark, words) for mark, words in _keys(lang).items() if mark in {MARKS[each] for each in shown}
        ),
        Table(
            (_("Från"), _("Till"), _("Läge"), _("Längd")),
            tuple(
                (
                    clock(moment(start)),
                    clock(moment(end)),
                    condition_words(condition, lang),
                    time_words(end - start),
                )
                for start, end, condition in sorted(chain(live.line, closed))
            ),
        ),
        _("Dygnet som tabell"),
    )
    return Strip(
        about,
        _placed(live.line, window, lang),
        _placed([*closed, *work], window, lang),
        tuple(
            Label(part(at - window.start, window.end - window.start), clock(moment(at)))
            for at in range(window.start, window.end + 1, _SIX_HOURS)
        ),
    )


def _placed(line: Iterable[Stretch], window: Span, lang: str) -> tuple[Placed, ...]:
    return stretches(
        (
            (
                each.start,
                each.end,
                MARKS[each.condition],
                f"{condition_words(each.condition, lang)} {clock(moment(each.start))}–{clock(moment(each.end))}",
            )
            for each in line
        ),
        first=window.start,
        last=window.end,
    )


def _keys(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        "working": _("Fungerar"),
        "partly": _("Ojämn kontakt, fungerar"),
        "down": _("Fungerar inte"),
        "unknown": _("Vet inte"),
        "maintenance": _("Underhåll"),
        "closed": _("Stängt"),
    }


def _says(live: Live, lang: str) -> str:
    found: dict[Condition, int] = {}
    for start, end, condition in live.line:
        found[condition] = found.get(condition, 0) + end - start
    return (
        ", ".join(
            f"{condition_words(condition, lang)}: {time_words(length)}" for condition, length in found.items()
        )
        + "."
    )
