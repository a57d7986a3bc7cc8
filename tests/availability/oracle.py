"""The rules of docs/availability.md for one instant, written as naively as they read, and slowly."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.availability.conditions import Condition, Stretch
from services.availability.days import Share
from services.runtime.spans import Span, Spans


@dataclass(frozen=True)
class Asked:
    """A point with its devices, its calendars, and the day that is counted."""

    shares: tuple[Share, ...]
    maintenance: Spans
    opened: Spans | None
    day: Span


def within(instant: int, spans: Spans) -> bool:
    return any(start <= instant < end for start, end in spans)


def measured(instant: int, stretches: Sequence[Stretch]) -> Condition:
    """What is measured at an instant; nothing measured is blind."""
    found = [condition for start, end, condition in stretches if start <= instant < end]
    return max(found, default=Condition.BLIND)


def of_device(instant: int, share: Share) -> Condition:
    if within(instant, share.maintenance):
        return Condition.MAINTENANCE
    return measured(instant, share.measured) if within(instant, share.there) else Condition.BLIND


def of_point(instant: int, asked: Asked) -> Condition:
    if within(instant, asked.maintenance):
        return Condition.MAINTENANCE
    day = range(asked.day.start, asked.day.end)
    there = [share for share in asked.shares if any(within(moment, share.there) for moment in day)]
    hotspots = [share for share in there if share.kind == "hotspot"]
    here = [share for share in hotspots or there if within(instant, share.there)]
    left = [share for share in here if not within(instant, share.maintenance)]
    if here and not left:
        return Condition.MAINTENANCE
    return max((measured(instant, share.measured) for share in left), default=Condition.BLIND)


def sums(conditions: Sequence[Condition]) -> tuple[int, ...]:
    """How many instants are up, degraded, lost, down, blind, in maintenance."""
    order = (
        Condition.UP, Condition.DEGRADED, Condition.LOST, Condition.DOWN, Condition.BLIND, Condition.MAINTENANCE,
    )  # fmt: skip
    return tuple(conditions.count(condition) for condition in order)


def outages(conditions: Sequence[Condition]) -> int:
    """How often a bad condition follows one that is not bad; the first is that of the instant before the day."""
    bad = [condition in {Condition.DOWN, Condition.LOST} for condition in conditions]
    return sum(now and not before for before, now in pairwise(bad))
