"""Calendars: when a point was to be open, and when work was planned on it or on a device.

They lie over the measured layer and change nothing of it (docs/calendars.md). What stands in the registry now says
nothing of the past: hours, status and places are taken as they were at each instant.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from services.runtime.spans import Span, Spans, common, spans_of, union
from services.storage.database import Connection
from services.tenants.hours import NO_EXCEPTIONS, open_spans
from services.tenants.maintenance import Maintenance, queries, windows
from services.tenants.wallclock import milliseconds, swedish, whole_days

_IN_USE = frozenset({"pilot", "active"})

Named: TypeAlias = tuple[str, str]
"""A municipality and the name of something in it."""


@dataclass(frozen=True, slots=True)
class PointTerms:
    """The hours and the status that held at a point for a time."""

    held: Span
    opening_hours: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a device stood for a time, as what, and whether it was in service."""

    device: str
    held: Span
    point: str | None
    kind: str
    in_service: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The time for which a device stood at a point, in service."""

    device: str
    kind: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class Calendar:
    """The open time and the planned work of a window; `open` is `None` when not all of its hours are known."""

    open: Spans | None
    maintenance: Spans


def open_time(
    terms: Sequence[PointTerms], exceptions: Mapping[date, str], first: date, last: date
) -> Spans | None:
    """When a point was to be open; a point that is not in use is closed. `None`: the hours are not known."""
    window = whole_days(first, last)
    spans = []
    for term in terms:
        held = common((term.held,), (window,))
        if not held or term.status not in _IN_USE:
            continue
        by_these_hours = open_spans(term.opening_hours, exceptions, first, last)
        if by_these_hours is None:
            return None
        spans.append(common(by_these_hours, held))
    return union(*spans) if terms else None


@dataclass(frozen=True)
class Calendars:
    """The calendars of all points and devices that were asked for, over the local days from `first` to `last`."""

    first: date
    last: date
    _terms: Mapping[Named, Sequence[PointTerms]]
    _exceptions: Mapping[Named, Mapping[date, str]]
    _by_device: Mapping[Named, Sequence[Placement]]
    _by_point: Mapping[Named, Sequence[Placement]]
    _planned: Mapping[tuple[str, str | None, str | None], Spans]

    def on(self, day: date) -> "Calendars":
        """The same for one of its days alone, without asking again."""
        return replace(self, first=day, last=day)

    def of_point(self, municipality: str, point: str) -> Calendar:
        """The calendar of a point: its own work, and that of its municipality."""
        return Calendar(self._open(municipality, point), self._work(municipality, point=point))

    def of_device(self, municipality: str, device: str) -> Calendar:
        """The calendar of a device: the hours and the work of where it stood, and its own work.

        `open` is `None` also when it stood in no point for a part of the time.
        """
        placements = self._placed(self._by_device.get((municipality, device), ()))
        work = [self._work(municipality, device=device)]
        open_parts: list[Spans] = []
        known = bool(placements)
        for placement in placements:
            held = (placement.held,)
            work.append(common(self._work(municipality, point=placement.point), held))
            there = None if placement.point is None else self._open(municipality, placement.point)
            known = known and there is not None
            open_parts.append(common(there or (), held))
        return Calendar(union(*open_parts) if known else None, union(*work))

    def placements(self, municipality: str, point: str) -> tuple[Standing, ...]:
        """The devices that stood at a point in service, in the order of their names, each with when."""
        when: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for placement in self._placed(self._by_point.get((municipality, point), ())):
            if placement.in_service:
                when[placement.device, placement.kind].append(placement.held)
        return tuple(
            Standing(device, kind, common(spans_of(held), (self._window,)))
            for (device, kind), held in sorted(when.items())
        )

    @property
    def _window(self) -> Span:
        return whole_days(self.first, self.last)

    def _placed(self, placements: Iterable[Placement]) -> list[Placement]:
        window = (self._window,)
        return [placement for placement in placements if common((placement.held,), window)]

    def _open(self, municipality: str, point: str) -> Spans | None:
        name = (municipality, point)
        return open_time(
            self._terms.get(name, ()), self._exceptions.get(name, NO_EXCEPTIONS), self.first, self.last
        )

    def _work(self, municipality: str, *, point: str | None = None, device: str | None = None) -> Spans:
        whose = {(municipality, None, None), (municipality, point, device)}
        return common(union(*(self._planned.get(key, ()) for key in whose)), (self._window,))


async def calendars(
    connection: Connection,
    first: date,
    last: date,
    *,
    points: Collection[str] | None = None,
    devices: Collection[str] | None = None,
) -> Calendars:
    """Read the calendars of the open transaction's scope, over the local days from `first` to `last`.

    With `points` or `devices`: only what has to be known to ask about these. The number of statements is always the
    same.
    """
    whole = whole_days(first, last)
    of = (None if points is None else list(points), None if devices is None else list(devices))
    window = (swedish(whole.start), swedish(whole.end))
    terms: dict[Named, list[PointTerms]] = defaultdict(list)
    for row in await connection.fetch(queries.terms, *window, *of):
        held = _held(row["since"], row["until"])
        terms[row["municipality"], row["point"]].append(PointTerms(held, row["opening_hours"], row["status"]))
    by_device: dict[Named, list[Placement]] = defaultdict(list)
    by_point: dict[Named, list[Placement]] = defaultdict(list)
    for row in await connection.fetch(queries.placements, *window, *of):
        held = _held(row["since"], row["until"])
        placement = Placement(row["device"], held, row["point"], row["kind"], row["in_service"])
        by_device[row["municipality"], placement.device].append(placement)
        if placement.point is not None:
            by_point[row["municipality"], placement.point].append(placement)
    exceptions: dict[Named, dict[date, str]] = defaultdict(dict)
    for row in await connection.fetch(queries.exceptions, first - timedelta(days=1), last, *of):
        exceptions[row["municipality"], row["point"]][row["day"]] = row["opening_hours"]
    planned: dict[tuple[str, str | None, str | None], Spans] = {}
    for row in await connection.fetch(queries.planned, first, last):
        work = Maintenance(**row)
        whose = (work.municipality, work.point, work.device)
        planned[whose] = union(planned.get(whose, ()), windows(work, first, last))
    return Calendars(first, last, terms, exceptions, by_device, by_point, planned)


def _held(since: datetime, until: datetime) -> Span:
    return Span(milliseconds(since), milliseconds(until))
