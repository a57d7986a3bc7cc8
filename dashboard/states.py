"""States, their reasons and opening hours in plain words, for public pages, feeds and staff alike.

A word never claims more than is known: blind time is said to be unknown, and a reason follows where there
is one.
"""

from datetime import date, datetime, timedelta

from babel.dates import format_date

from dashboard.web.language import Gettext, language
from dashboard.web.times import clock, local, stamp
from services.status.points import PointReason, PointState, PointStatus
from services.tenants.hours import Opening, Span, Week


def point_words(status: PointStatus, now: datetime, lang: str) -> str:
    """The state of a service point as one plain sentence without a full stop."""
    _ = language(lang).gettext
    match status.reason:
        case PointReason.ALL_UP:
            return _("Wifi fungerar")
        case PointReason.ALL_UP_NO_WIFI:
            return _("Fungerar")
        case PointReason.NO_CONTACT:
            return no_contact_words(status.since, now, lang)
        case PointReason.NOTHING_KNOWN:
            return _("Vi vet inte just nu")
        case _:
            return _words_for_partly(status.reason, _)


def _words_for_partly(reason: PointReason, _: Gettext) -> str:
    words = {
        PointReason.WIFI_UNSTEADY: _("Wifi fungerar, men kontakten är ojämn"),
        PointReason.WIFI_PARTLY: _("Wifi fungerar delvis"),
        PointReason.UPLINK_LOST: _("Wifi är på, men internet saknas"),
        PointReason.WIFI_DOWN: _("Wifi fungerar inte"),
        PointReason.WIFI_UNKNOWN: _("Vi vet inte om wifi fungerar just nu"),
        PointReason.OTHERS_SILENT: _("Wifi fungerar, men annan utrustning svarar inte"),
    }
    return words.get(reason, _("Fungerar delvis"))


def no_contact_words(since: datetime | None, now: datetime, lang: str) -> str:
    """That nothing has been heard, and since when if that is known."""
    _ = language(lang).gettext
    if since is None:
        return _("Ingen kontakt")
    return _("Ingen kontakt sedan %(when)s") % {"when": stamp(since, now, lang)}


def count_words(state: PointState, lang: str) -> str:
    """A point's state as it stands after a number: 18 fungerar."""
    _ = language(lang).gettext
    names = {
        PointState.WORKING: _("fungerar"),
        PointState.PARTLY: _("fungerar delvis"),
        PointState.DOWN: _("utan kontakt"),
        PointState.UNKNOWN: _("vet vi inte"),
    }
    return names[state]


def device_words(state: str, lang: str) -> str:
    """The measured state of one device in a word or two."""
    _ = language(lang).gettext
    names = {
        "up": _("Fungerar"),
        "degraded": _("Fungerar delvis"),
        "down": _("Ingen kontakt"),
        "blind": _("Vet inte"),
    }
    return names.get(state, state)


def opening_words(opening: Opening | None, now: datetime, lang: str) -> str | None:
    """Open or closed and the next change: "Öppet till 18:00"; `None` when the hours are not known."""
    _ = language(lang).gettext
    if opening is None:
        return None
    if opening.changes_at is None:
        return _("Alltid öppet") if opening.is_open else _("Stängt")
    when = {"when": _when(opening.changes_at, now, lang)}
    return (_("Öppet till %(when)s") if opening.is_open else _("Stängt, öppnar %(when)s")) % when


def _when(at: datetime, now: datetime, lang: str) -> str:
    """A time to come as people say it: 18:00, i morgon 09:00, måndag 09:00, 3 juni 09:00."""
    _ = language(lang).gettext
    days = (local(at).date() - local(now).date()).days
    if days == 0:
        return clock(at)
    if days == 1:
        return _("i morgon %(clock)s") % {"clock": clock(at)}
    if days < 7:
        return f"{weekday(local(at).date(), lang)} {clock(at)}"
    return stamp(at, now, lang)


def weekday(day: date, lang: str) -> str:
    """The name of a weekday: måndag, Monday."""
    return str(format_date(day, "EEEE", locale="sv_SE" if lang == "sv" else "en_GB"))


def week_words(week: Week, lang: str) -> list[tuple[str, str]]:
    """The hours of a week as rows (days, hours); neighbouring days with the same hours share a row."""
    _ = language(lang).gettext
    if week.is_always_open:
        return [(_("Alla dagar"), _("Dygnet runt"))]
    rows: list[tuple[int, int, tuple[Span, ...]]] = []
    for number, spans in enumerate(week.days):
        if rows and rows[-1][2] == spans:
            rows[-1] = (rows[-1][0], number, spans)
        else:
            rows.append((number, number, spans))
    words = [(_days(first, last, lang), _hours(spans, _)) for first, last, spans in rows]
    if week.holidays is not None:
        words.append((_("Helgdagar"), _hours(week.holidays, _)))
    return words


def day_words(day: date, lang: str) -> str:
    """A day to come as people say it: fredag 19 juni, Friday 19 June."""
    words = str(format_date(day, "EEEE d MMMM", locale="sv_SE" if lang == "sv" else "en_GB"))
    return words[0].upper() + words[1:]


def hours_words(spans: tuple[Span, ...], lang: str) -> str:
    """The hours of one day: 10:00–14:00, or closed."""
    return _hours(spans, language(lang).gettext)


def _days(first: int, last: int, lang: str) -> str:
    _ = language(lang).gettext
    if (first, last) == (0, 6):
        return _("Alla dagar")
    monday = date(2024, 1, 1)
    names = [weekday(monday + timedelta(days=number), lang) for number in sorted({first, last})]
    words = "–".join(names)
    return words[0].upper() + words[1:]


def _hours(spans: tuple[Span, ...], _: Gettext) -> str:
    if not spans:
        return _("Stängt")
    if len(spans) == 1 and spans[0].is_whole_day:
        return _("Dygnet runt")
    return ", ".join(
        f"{span.starts:%H:%M}–{'24:00' if not _minutes(span) else f'{span.ends:%H:%M}'}" for span in spans
    )


def _minutes(span: Span) -> int:
    return span.ends.hour * 60 + span.ends.minute
