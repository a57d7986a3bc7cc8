"""Generated days of points: devices that come and go, are measured and worked on, and hours that are known or not."""

from itertools import pairwise

from hypothesis import strategies as st

from services.availability.conditions import Condition, Stretch
from services.availability.days import Share
from services.runtime.spans import Span, Spans, spans_of
from tests.availability.oracle import Asked

LENGTH = 60
MEASURED = [
    Condition.UP,
    Condition.UP,
    Condition.DEGRADED,
    Condition.LOST,
    Condition.DOWN,
    Condition.DOWN,
    Condition.BLIND,
]
instants = st.integers(-5, LENGTH + 5)


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """Some of the time, none or all of it."""
    some = st.lists(st.tuples(instants, instants), max_size=3).map(spans_of)
    return draw(st.one_of(some, some, st.just(()), st.just((Span(-5, LENGTH + 5),))))


@st.composite
def measured(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """The intervals of a device: one after another, now and then with nothing between or before them."""
    edges = sorted(draw(st.sets(instants, max_size=8)))
    line = [
        Stretch(start, end, draw(st.sampled_from(MEASURED)))
        for start, end in pairwise(edges)
        if draw(st.integers(0, 9))
    ]
    return tuple(line)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    kind = draw(st.sampled_from(["hotspot", "hotspot", "kiosk", "locker"]))
    return Share(kind, draw(measured()), draw(spans()), draw(spans()))


@st.composite
def points(draw: st.DrawFn) -> Asked:
    """A point of up to four devices, and a day of about a minute, in milliseconds."""
    start = draw(st.integers(0, 20))
    return Asked(
        shares=tuple(draw(st.lists(shares(), max_size=4))),
        maintenance=draw(spans()),
        opened=draw(st.one_of(st.none(), spans(), spans())),
        day=Span(start, draw(st.integers(start + 1, LENGTH))),
    )
