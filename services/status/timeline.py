"""The measured layer of one device: one decision table, in one pure function (docs/status.md)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from services.status.models import (
    Carry,
    Expectation,
    Interval,
    Millis,
    Reason,
    Seen,
    Sign,
    SignKind,
    Timeline,
)
from services.status.spans import Hearing, Point, Span
from services.status.watch import FOREVER, Watch, watch_at
from services.status.wills import counted_wills

_HEARD_LIVE = {Reason.HEARD, Reason.LATE, Reason.RESTARTING, Reason.UPLINK_REPORTED}


def timeline(
    signs: Iterable[Sign],
    seen: Iterable[Seen],
    expectation: Expectation,
    *,
    until: Millis,
    carry: Carry | None = None,
) -> Timeline:
    """What is known at `until` about a device: a function of the set of its signs, in any order.

    `seen` holds the observer intervals of its lane. With `carry` the signs are those since an anchor, a
    timely sign of life, and `carry` is what came before it: the result is the full timeline from there on.
    """
    return timeline_under(watch_at(seen, until), signs, expectation, until=until, carry=carry)


def timeline_under(
    watch: Watch, signs: Iterable[Sign], expectation: Expectation, *, until: Millis, carry: Carry | None
) -> Timeline:
    """The same under seen time that is already brought into shape, as for all devices of a lane."""
    carry = carry or Carry()
    known = sorted({sign for sign in signs if sign.received_at <= until}, key=lambda sign: sign.order)
    if not known:
        return Timeline((), None, None, carry)
    life = [sign for sign in known if sign.life]
    timely = [sign for sign in life if sign.timely]
    proven = watch.proven_until(timely[-1].time if timely else None)
    wills, will_at = counted_wills(known, watch, proven=proven, carry=carry)
    points, carry_on = _points(known, set(wills), carry)
    hearing = Hearing(watch, expectation, proven)
    first_proof = min((sign.time for sign in (*life[:1], *wills[:1])), default=FOREVER)
    spans = hearing.stretches(known[0].time, first_proof, points)
    repaired = _overlay(spans, _alive_on_both_sides(life, wills, expectation))
    return Timeline(
        intervals=tuple(_merged(repaired)),
        next_change_at=hearing.next_judgement(spans[-1], points[-1].time if points else None, will_at),
        last_sign_at=(timely or life or known)[-1].time,
        carry=carry_on,
    )


def _points(known: Sequence[Sign], wills: Collection[Sign], carry: Carry) -> tuple[list[Point], Carry]:
    """What the signs that count say one after another, and what is to be carried on beyond them."""
    points: list[Point] = []
    for sign in known:
        carry = carry.after(sign)
        if sign in wills:
            points.append(Point(sign.time, Reason.OFFLINE))
        elif sign.life and sign.timely:
            points.append(Point(sign.time, _said(sign, carry)))
    return points, carry


def _said(sign: Sign, carry: Carry) -> Reason:
    if sign.kind is SignKind.RESTARTING:
        return Reason.RESTARTING
    return Reason.UPLINK_REPORTED if carry.uplink_ok is False else Reason.HEARD


def _alive_on_both_sides(
    life: Sequence[Sign], wills: Sequence[Sign], expectation: Expectation
) -> Iterator[tuple[Millis, Millis]]:
    """Where the device was alive by all that it sent, late or not: between signs of life close enough."""
    waiting = iter([*wills, None])
    will = next(waiting)
    for before, after in pairwise(life):
        while will is not None and will.order < before.order:
            will = next(waiting)
        if after.time - before.time <= expectation.silent_after:
            gone = will is not None and will.order < after.order
            end = will.time if gone and will is not None else after.time
            if before.time < end:
                yield before.time, end


def _overlay(spans: Sequence[Span], alive: Iterator[tuple[Millis, Millis]]) -> Iterator[Span]:
    """Late history over what was heard in time: it repairs blind time and explains silence (uplink lost)."""
    current = next(alive, None)
    for span in spans:
        start = span.start
        while start < span.end:
            while current is not None and current[1] <= start:
                current = next(alive, None)
            if current is None or current[0] >= span.end or span.reason in _HEARD_LIVE:
                yield Span(start, span.end, span.reason)
                break
            if start < current[0]:
                yield Span(start, current[0], span.reason)
                start = current[0]
            stop = min(span.end, current[1])
            blind = span.reason is Reason.NOT_WATCHED
            yield Span(start, stop, Reason.HEARD if blind else Reason.UPLINK_LOST)
            start = stop


def _merged(spans: Iterable[Span]) -> Iterator[Interval]:
    """Neighbours with the same reason as one interval; the last one without an end."""
    open_from: Millis | None = None
    reason: Reason | None = None
    for span in spans:
        if reason is not None and open_from is not None and span.reason is not reason:
            yield Interval(open_from, span.start, reason)
            open_from = None
        open_from, reason = span.start if open_from is None else open_from, span.reason
    if reason is not None and open_from is not None:
        yield Interval(open_from, None, reason)
