"""Times as people in Sweden read them: local time, in Swedish or English words."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_timedelta

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def local(moment: datetime) -> datetime:
    """The same instant on a clock in Sweden."""
    return moment.astimezone(STOCKHOLM)


def clock(moment: datetime) -> str:
    """Hours and minutes: 09:40."""
    return f"{local(moment):%H:%M}"


def day(moment: datetime | date, lang: str) -> str:
    """The day in words: 3 juni 2024."""
    shown = local(moment).date() if isinstance(moment, datetime) else moment
    return str(format_date(shown, "d MMMM y", locale=_locale(lang)))


def stamp(moment: datetime, now: datetime, lang: str) -> str:
    """The time of day, with the day before it unless that is today: 09:40, or 3 juni 09:40."""
    return _with_day(clock(moment), moment, now, lang)


def precise(moment: datetime, now: datetime, lang: str) -> str:
    """The time of day with seconds, with the day before it unless that is today: 09:40:12."""
    return _with_day(f"{local(moment):%H:%M:%S}", moment, now, lang)


def _with_day(time: str, moment: datetime, now: datetime, lang: str) -> str:
    there, here = local(moment), local(now)
    if there.date() == here.date():
        return time
    pattern = "d MMM" if there.year == here.year else "d MMM y"
    return f"{format_date(there.date(), pattern, locale=_locale(lang))} {time}"


def ago(moment: datetime, now: datetime, lang: str) -> str:
    """How long ago, in the largest unit that fits: för 5 minuter sedan. Now counts as a second ago."""
    passed = max(now - moment, timedelta(seconds=1))
    return str(format_timedelta(-passed, add_direction=True, threshold=1, locale=_locale(lang)))


def lasting(time: timedelta) -> str:
    """How long something lasts, in signs of units that both languages share: 3 h 48 min, 24 min, 8 s."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def machine(moment: datetime) -> str:
    """The instant for `<time datetime>` and for scripts, in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _locale(lang: str) -> str:
    return "sv_SE" if lang == "sv" else "en_GB"
