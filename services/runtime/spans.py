"""Sets of time: sorted, disjoint stretches `[start, end)` in whole milliseconds since 1970 UTC; none is empty."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` until just before `end`."""

    start: int
    end: int


Spans = tuple[Span, ...]


def spans_of(stretches: Iterable[tuple[int, int]]) -> Spans:
    """The set of all instants that lie in any of the stretches; the empty and the backward ones hold none."""
    joined: list[Span] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if joined and start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Span(start, end))
    return tuple(joined)


def union(*sets: Spans) -> Spans:
    """The instants that lie in any of the sets."""
    return spans_of(span for spans in sets for span in spans)


def common(left: Spans, right: Spans) -> Spans:
    """The instants that lie in both sets."""
    return tuple(_common(left, right))


def without(spans: Spans, taken: Spans) -> Spans:
    """The instants of the first set that do not lie in the second."""
    if not spans:
        return ()
    first, last = spans[0].start, spans[-1].end
    edges = (first, *(edge for span in common(taken, (Span(first, last),)) for edge in span), last)
    gaps = spans_of(pair for index, pair in enumerate(pairwise(edges)) if index % 2 == 0)
    return common(spans, gaps)


def length(spans: Spans) -> int:
    """How many milliseconds a set holds."""
    return sum(span.end - span.start for span in spans)


def _common(left: Spans, right: Spans) -> Iterator[Span]:
    here, there = 0, 0
    while here < len(left) and there < len(right):
        start = max(left[here].start, right[there].start)
        end = min(left[here].end, right[there].end)
        if start < end:
            yield Span(start, end)
        if left[here].end <= right[there].end:
            here += 1
        else:
            there += 1
