"""What can be said of an instant, and lines of it; the one rule of a point stands here (docs/availability.md)."""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from services.runtime.spans import Span, Spans

RULE = 1
"""The rule by which a point is the best of its devices; it is stored with every figure."""

_NO_INTERNET = frozenset({"uplink_lost", "uplink_reported"})


class Condition(IntEnum):
    """What is said of an instant; where several could be, the higher covers the lower.

    The first five are measured. `LOST`: on, but without internet. `DEGRADED`: late or restarting, works for visitors.
    `CLOSED` and `MAINTENANCE` are calendars, laid over the measured layer.
    """

    BLIND = 0
    DOWN = 1
    LOST = 2
    DEGRADED = 3
    UP = 4
    CLOSED = 5
    MAINTENANCE = 6


UNAVAILABLE = frozenset({Condition.LOST, Condition.DOWN})


class Stretch(NamedTuple):
    """From `start` until just before `end` (milliseconds since 1970 UTC) the same is said."""

    start: int
    end: int
    condition: Condition


Line = tuple[Stretch, ...]
"""Stretches in order and without gaps; neighbours differ."""


def condition_of(state: str, reason: str) -> Condition:
    """The condition of a measured interval, from its state and reason (docs/status.md)."""
    if state == "degraded":
        return Condition.LOST if reason in _NO_INTERNET else Condition.DEGRADED
    return _BY_STATE[state]


_BY_STATE = {"up": Condition.UP, "down": Condition.DOWN, "blind": Condition.BLIND}


def best(stretches: Iterable[Stretch], window: Span) -> Line:
    """The line over a window: at each instant the highest condition that any stretch gives it, `BLIND` where none does.

    A pure maximum: order and repetition of the stretches change nothing.
    """
    if window.start >= window.end:
        return ()
    edges: list[tuple[int, int, Condition]] = []
    for start, end, condition in stretches:
        begins, ends = max(start, window.start), min(end, window.end)
        if begins < ends and condition:
            edges.append((begins, 1, condition))
            edges.append((ends, -1, condition))
    edges.sort()
    line: list[Stretch] = []
    standing = [0] * len(Condition)
    since, now = window.start, Condition.BLIND
    for at, step, condition in edges:
        standing[condition] += step
        if step > 0:
            then = max(now, condition)
        elif condition is now and not standing[condition]:
            then = _highest(standing)
        else:
            continue
        if then is not now:
            if at > since:
                _extend(line, since, at, now)
                since = at
            now = then
    if since < window.end:
        _extend(line, since, window.end, now)
    return tuple(line)


def clipped(stretches: Iterable[Stretch], spans: Spans) -> list[Stretch]:
    """The parts of stretches that lie within a set of time."""
    if len(spans) == 1:
        first, last = spans[0]
        return [
            Stretch(max(start, first), min(end, last), condition)
            for start, end, condition in stretches
            if start < last and end > first
        ]
    return [
        Stretch(max(start, span.start), min(end, span.end), condition)
        for start, end, condition in stretches
        for span in spans
        if start < span.end and end > span.start
    ]


def said(spans: Spans, condition: Condition) -> list[Stretch]:
    """The same condition all over a set of time."""
    return [Stretch(start, end, condition) for start, end in spans]


def _highest(standing: list[int]) -> Condition:
    for condition in _DOWNWARDS:
        if standing[condition]:
            return condition
    return Condition.BLIND


_DOWNWARDS = tuple(sorted(Condition, reverse=True))


def _extend(line: list[Stretch], start: int, end: int, condition: Condition) -> None:
    """Let the line go on; at an instant at which one thing ends as another begins there may be nothing between."""
    if line and line[-1].condition is condition:
        line[-1] = Stretch(line[-1].start, end, condition)
    else:
        line.append(Stretch(start, end, condition))
