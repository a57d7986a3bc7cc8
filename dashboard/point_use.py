"""How much a point was used: by the hour for the last 24 hours, by the day or month for days that are over."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from babel.dates import format_date

from dashboard.availability_charts import BY_MONTH_FROM, full_day, short_day
from dashboard.periods import Period
from dashboard.usage_charts import UsageView, Use, UseStep, usage_view
from dashboard.web.language import language
from dashboard.web.times import clock, stamp
from services.availability.standing import Subject
from services.runtime.spans import Span
from services.status.moments import moment
from services.storage.database import Connection
from services.storage.sql import load_queries
from services.usage.store import Hour, Which, hours_of

queries = load_queries(__package__, "point_use.sql")

_HOUR = timedelta(hours=1)


async def use_of(
    connection: Connection, subject: Subject, period: Period, window: Span, *, lang: str
) -> UsageView | None:
    """The use in a period, or in the 24 hours of `window`; None where nothing was reported."""
    if period.is_live:
        which = Which(municipalities=[subject.municipality], points=[subject.name])
        first = moment(window.start).replace(minute=0, second=0, microsecond=0)
        hours = await hours_of(connection, first, moment(window.end), by="point", which=which)
        return by_hour(hours, first, moment(window.end), lang)
    rows = await connection.fetch(queries.days, *subject.key, period.first, period.last)
    return by_day({row["day"]: _use(row) for row in rows}, period, lang)


def by_hour(hours: Sequence[Hour], first: datetime, until: datetime, lang: str) -> UsageView | None:
    """Each hour that begins from `first` until before `until`."""
    if not hours:
        return None
    found = {hour.hour.astimezone(UTC): _use_of_hour(hour) for hour in hours}
    count = -((first - until) // _HOUR)
    begins = [first + number * _HOUR for number in range(count)]
    steps = [UseStep(clock(at), stamp(at, until, lang), found.get(at)) for at in begins]
    return usage_view(steps, together(list(found.values())), language(lang).gettext("Data per timme"), lang)


def by_day(days: Mapping[date, Use], period: Period, lang: str) -> UsageView | None:
    """Each day of a period, or each month of a long one."""
    if not days:
        return None
    _ = language(lang).gettext
    whole = together(list(days.values()))
    if period.days < BY_MONTH_FROM:
        steps = [UseStep(short_day(day, lang), full_day(day, lang), days.get(day)) for day in period.all_days]
        return usage_view(steps, whole, _("Data per dygn"), lang)
    locale = "sv_SE" if lang == "sv" else "en_GB"
    steps = []
    for month, those in groupby(period.all_days, key=lambda day: day.replace(day=1)):
        counted = [days[day] for day in those if day in days]
        steps.append(
            UseStep(
                str(format_date(month, "MMM", locale=locale)),
                str(format_date(month, "MMMM y", locale=locale)),
                together(counted) if counted else None,
            )
        )
    return usage_view(steps, whole, _("Data per månad"), lang)


def together(several: Sequence[Use]) -> Use:
    """The sum of several; of the clients at one device the most."""
    told = [use.visitors for use in several if use.visitors is not None]
    return Use(
        down_bytes=sum(use.down_bytes for use in several),
        up_bytes=sum(use.up_bytes for use in several),
        clients_max=max((use.clients_max for use in several), default=0),
        sessions=sum(use.sessions for use in several),
        visitors=sum(told) if told else None,
        kiosk_sessions=sum(use.kiosk_sessions for use in several),
        kiosk_views=sum(use.kiosk_views for use in several),
    )


def _use(row: Any) -> Use:  # noqa: ANN401 - a row
    return Use(*tuple(row)[1:])


def _use_of_hour(hour: Hour) -> Use:
    traffic = hour.traffic
    return Use(
        down_bytes=traffic.down_bytes,
        up_bytes=traffic.up_bytes,
        clients_max=traffic.clients_max,
        sessions=hour.sessions,
        kiosk_sessions=hour.kiosk_sessions,
        kiosk_views=hour.kiosk_views,
    )
