"""How goals are measured: what features know of days, put together here because features do not know each other."""

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from functools import partial

from config.goal_days import PointDays, days_in, named
from services.goals.judging import Measure
from services.goals.measures import Worked, amount, share
from services.goals.models import Measured, Part, Scope, Window
from services.goals.registered import NOTHING_YET, measure_basic_services, measure_hours
from services.storage.database import Connection
from services.tenants.models import MetricName
from services.usage.store import Usage, Which, usage_of

Used = tuple[PointDays, Usage | None]


async def measure_availability(
    connection: Connection, scopes: Sequence[Scope], window: Window, *, within_hours: bool
) -> Mapping[Scope, Measured]:
    """Measure how much of the time Wi-Fi worked: of several points, of their time together."""
    known = await days_in(connection, scopes, window)
    if known is None:
        return dict.fromkeys(scopes, NOTHING_YET)
    return {scope: _availability(known.of(scope), within_hours=within_hours) for scope in scopes}


async def measure_usage(
    connection: Connection,
    scopes: Sequence[Scope],
    window: Window,
    *,
    total: Callable[[Usage], Fraction],
    is_visitors: bool = False,
) -> Mapping[Scope, Measured]:
    """Measure a sum over days; known as far as we saw the points, or as devices reported their visitors."""
    known = await days_in(connection, scopes, window)
    if known is None:
        return dict.fromkeys(scopes, NOTHING_YET)
    which = Which(points=sorted(name for _, name in named(known.points, scopes)))
    rows = await usage_of(connection, *known.days, by="point", which=which)
    used = {(row.municipality, row.subject): row for row in rows}
    measured = {}
    for scope in scopes:
        points = known.of(scope)
        those = [(each, used.get((each.point.municipality, each.point.id))) for each in points]
        cover = _visitors_covered if is_visitors else _seen
        parts = [
            Part(each.point.id, None if row is None else total(row), cover([(each, row)]))
            for each, row in those
        ]
        whole = sum((part.value for part in parts if part.value is not None), Fraction(0))
        measured[scope] = amount(whole, parts if len(parts) > 1 else (), coverage=cover(those), window=window)
    return measured


def _availability(points: Sequence[PointDays], *, within_hours: bool) -> Measured:
    known = [
        (point.point.id, worked)
        for point in points
        if (worked := point.worked(within_hours=within_hours)) is not None
    ]
    whole = _together([worked for _, worked in known])
    told = Fraction(len(known), len(points)) if points else Fraction(0)
    return share(whole, known if len(points) > 1 else (), coverage=whole.coverage * told)


def _together(times: Collection[Worked]) -> Worked:
    whole = Worked(0, 0, Fraction(0))
    for time in times:
        whole = whole.plus(time)
    return whole


def _seen(those: Sequence[Used]) -> Fraction:
    """How much of the points' time we know: what was used in the rest may still come."""
    times = [each.worked(within_hours=False) for each, _ in those]
    return _together([time for time in times if time is not None]).coverage


def _visitors_covered(those: Sequence[Used]) -> Fraction:
    """How much of what devices should have counted they have told of, on the days that should be counted."""
    told = [row.visitor_days for _, row in those if row is not None]
    asked = 10_000 * sum(each.expected for each in told)
    days = sum(each.expected for each, _ in those)
    if not asked or not days:
        return Fraction(0)
    counted = Fraction(sum(min(each.counted, each.expected) for each, _ in those), days)
    return min(Fraction(1), Fraction(sum(each.covered for each in told), asked)) * counted


MEASURES: Mapping[MetricName, Measure] = {
    "wifi_availability": partial(measure_availability, within_hours=False),
    "wifi_availability_open": partial(measure_availability, within_hours=True),
    "hours_per_week": measure_hours,
    "basic_services": measure_basic_services,
    "visitor_days": partial(
        measure_usage, total=lambda used: Fraction(used.visitor_days.count.total), is_visitors=True
    ),
    "wifi_sessions": partial(measure_usage, total=lambda used: Fraction(used.sessions.total)),
    "wifi_data_gb": partial(
        measure_usage,
        total=lambda used: Fraction(used.traffic.down_bytes + used.traffic.up_bytes, 10**9),
    ),
    "kiosk_sessions": partial(measure_usage, total=lambda used: Fraction(used.kiosk_sessions.total)),
}
