"""Which points stood in use when, and what they offered: from the history that the registry keeps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.goals.models import Scope
from services.runtime.spans import Span, Spans, common, spans_of
from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.periods import Period
from services.tenants.wallclock import milliseconds, swedish, whole_days

queries = load_queries(__package__, "standing.sql")

BASIC = frozenset({"dagligvaror", "drivmedel", "post_paket", "apoteksombud", "betaltjanst"})
"""The five basic commercial services."""
_IN_USE = frozenset({"pilot", "active"})


@dataclass(frozen=True, slots=True)
class Point:
    """A point over a stretch of days: when it was in use, and what it offered when."""

    municipality: str
    id: str
    kind: str
    in_use: Spans
    offered: tuple[tuple[Span, frozenset[str]], ...]


def within(scope: Scope, points: Iterable[Point]) -> list[Point]:
    """The points that a scope is about, of those that were in use at any time."""
    return [
        point
        for point in points
        if point.municipality == scope.municipality
        and point.in_use
        and (scope.point is None or scope.point == point.id)
        and (scope.point_kind is None or scope.point_kind == point.kind)
    ]


def fewest(points: Sequence[Point], days: Span) -> int:
    """The fewest of the basic services that points in use offered together at any time."""
    starts = {days.start}
    there: list[tuple[Span, frozenset[str]]] = []
    for point in points:
        for held, services in point.offered:
            for span in common(common((held,), point.in_use), (days,)):
                there.append((span, services & BASIC))
                starts.update(edge for edge in span if edge < days.end)
    return min(
        len(frozenset[str]().union(*(services for span, services in there if span.start <= at < span.end)))
        for at in starts
    )


async def points_in(connection: Connection, days: Period) -> list[Point]:
    """The points of the transaction's scope as they stood on some days."""
    window = whole_days(*days)
    moments = (swedish(window.start), swedish(window.end))
    used: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for row in await connection.fetch(queries.statuses, *moments):
        if row["status"] in _IN_USE:
            used[row["municipality"], row["point"]].append(_held(row["since"], row["until"]))
    offered: dict[tuple[str, str], list[tuple[Span, frozenset[str]]]] = defaultdict(list)
    kinds: dict[tuple[str, str], str] = {}
    for row in await connection.fetch(queries.offers, *moments):
        name = (row["municipality"], row["point"])
        kinds[name] = row["kind"]
        offered[name].append((_held(row["since"], row["until"]), frozenset(row["services"])))
    return [
        Point(*name, kind, spans_of(used.get(name, ())), tuple(offered[name])) for name, kind in kinds.items()
    ]


async def awaited_since(connection: Connection, days: Period) -> dict[tuple[str, str], date]:
    """Since which day Wi-Fi is to be expected of points: a hotspot stands there then, or came later."""
    rows = await connection.fetch(queries.awaited, swedish(whole_days(*days).start))
    return {(row["municipality"], row["point"]): row["since"] for row in rows}


def _held(since: datetime, until: datetime) -> Span:
    return Span(milliseconds(since), milliseconds(until))
