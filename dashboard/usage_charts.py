"""How much a point was used as bars, with a table of all that is counted; nothing in it is about one visitor."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal

from dashboard.charts.bars import Bars, Pile, volume_chart
from dashboard.charts.table import About, Key, Table
from dashboard.charts.units import unit_for
from dashboard.web.language import language

LOOKS = ("received", "sent")


@dataclass(frozen=True, slots=True)
class Use:
    """What was counted in a stretch of time; `visitors` is None where no device has told."""

    down_bytes: int = 0
    up_bytes: int = 0
    clients_max: int = 0
    sessions: int = 0
    visitors: int | None = None
    kiosk_sessions: int = 0
    kiosk_views: int = 0


@dataclass(frozen=True, slots=True)
class UseStep:
    """An hour, a day or a month, by its short and its full name; no use where nothing was reported."""

    name: str
    full_name: str
    use: Use | None


@dataclass(frozen=True, slots=True)
class UseFigure:
    """A sum in words."""

    number: str
    unit: str
    words: str


@dataclass(frozen=True, slots=True)
class UsageView:
    """The sums of a period, and its bars."""

    figures: tuple[UseFigure, ...]
    bars: Bars


def usage_view(steps: Sequence[UseStep], whole: Use, title: str, lang: str) -> UsageView:
    """The use of a point; `whole` is that of the whole period."""
    _ = language(lang).gettext
    keys = [Key("received", _("Hämtat")), Key("sent", _("Skickat"))]
    if any(step.use is None for step in steps):
        keys.append(Key("unknown", _("Inget rapporterat")))
    about = About(
        "usage", title, _says(steps, lang), tuple(keys), _table(steps, lang), _("Användningen som tabell")
    )
    piles = [
        Pile(
            (step.use.down_bytes, step.use.up_bytes) if step.use else None,
            step.name,
            f"{step.full_name}: {volume_words(step.use.down_bytes + step.use.up_bytes, lang) if step.use else '–'}",
        )
        for step in steps
    ]
    return UsageView(_figures(whole, lang), volume_chart(piles, LOOKS, about, lang=lang))


def volume_words(amount: int, lang: str) -> str:
    """Bytes in a fitting unit with one decimal: 12,5 GB."""
    return " ".join(_volume(amount, lang))


def _volume(amount: int, lang: str) -> tuple[str, str]:
    unit = unit_for(amount)
    pattern = "#,##0.0" if unit.size > 1 else "#,##0"
    return format_decimal(amount / unit.size, format=pattern, locale=lang), unit.sign


def _figures(use: Use, lang: str) -> tuple[UseFigure, ...]:
    _ = language(lang).gettext
    found = [
        UseFigure(*_volume(use.down_bytes, lang), _("hämtat")),
        UseFigure(*_volume(use.up_bytes, lang), _("skickat")),
        UseFigure(_number(use.clients_max, lang), "", _("anslutna som mest")),
    ]
    if use.sessions:
        found.append(UseFigure(_number(use.sessions, lang), "", _("wifisessioner")))
    if use.visitors is not None:
        found.append(UseFigure(_number(use.visitors, lang), "", _("besöksdagar, ungefär")))
    if use.kiosk_sessions or use.kiosk_views:
        found.append(UseFigure(_number(use.kiosk_sessions, lang), "", _("skärmbesök")))
        found.append(UseFigure(_number(use.kiosk_views, lang), "", _("visade sidor")))
    return tuple(found)


def _says(steps: Sequence[UseStep], lang: str) -> str:
    _ = language(lang).gettext
    known = [(step.use.down_bytes + step.use.up_bytes, step.full_name) for step in steps if step.use]
    if not known:
        return _("Inget rapporterat")
    most, when = max(known, key=lambda pair: pair[0])
    return _("Mest %(most)s, %(when)s.") % {"most": volume_words(most, lang), "when": when}


def _table(steps: Sequence[UseStep], lang: str) -> Table:
    _ = language(lang).gettext
    heads = (
        _("Tid"),
        _("Hämtat"),
        _("Skickat"),
        _("Anslutna som mest"),
        _("Wifisessioner"),
        _("Besöksdagar"),
        _("Skärmbesök"),
        _("Visade sidor"),
    )
    return Table(heads, tuple(_row(step, lang, cells=len(heads) - 1) for step in steps))


def _row(step: UseStep, lang: str, *, cells: int) -> tuple[str, ...]:
    use = step.use
    if use is None:
        return (step.full_name, *["–"] * cells)
    return (
        step.full_name,
        volume_words(use.down_bytes, lang),
        volume_words(use.up_bytes, lang),
        _number(use.clients_max, lang),
        _number(use.sessions, lang),
        "–" if use.visitors is None else _number(use.visitors, lang),
        _number(use.kiosk_sessions, lang),
        _number(use.kiosk_views, lang),
    )


def _number(value: int, lang: str) -> str:
    return str(format_decimal(value, locale=lang))
