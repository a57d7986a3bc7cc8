"""The timeline against a naive reading of the decision table, over generated histories.

`HYPOTHESIS_PROFILE=thorough` runs 10,000 examples of each.
"""

import os
from itertools import pairwise
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.status.models import Carry, Expectation, Interval, Seen, Sign, SignKind
from services.status.timeline import timeline
from tests.status.histories import History, histories
from tests.status.oracle import Oracle

EXAMPLES = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 150
often = settings(max_examples=EXAMPLES, deadline=None)


def instants(history: History, start: int) -> list[int]:
    """Every instant at which anything can change, and the milliseconds around it."""
    expectation = history.expectation
    edges = {start, history.until}
    for sign in history.signs:
        for after in (
            0,
            5000,
            expectation.late_after,
            expectation.silent_after,
            expectation.silent_after + 1,
        ):
            edges.add(sign.time + after)
    for piece in history.seen:
        edges |= {piece.starts_at, piece.ends_at, piece.starts_at + expectation.silent_after}
    around = {edge + step for edge in edges for step in (-1, 0, 1)}
    return sorted(instant for instant in around if start <= instant <= history.until)


def reason_at(intervals: tuple[Interval, ...], instant: int) -> str:
    return next(i.reason for i in reversed(intervals) if i.starts_at <= instant)


# A sign joins the sight that begins next after it, and none that begins after a gap.
TWO_SIGHTS = History(
    signs=tuple(
        Sign(at, received_at, SignKind.HEARTBEAT)
        for at, received_at in ((0, 0), (10_000, 10_000), (20_000, 20_000), (31_000, 92_000))
    ),
    seen=(Seen(28_000, 29_000, closed=False), Seen(30_000, 31_000, closed=False)),
    expectation=Expectation(interval=10_000, offline_after=30_000),
    until=600_000,
)


@often
@example(TWO_SIGHTS)
@given(histories())
def test_timeline_is_what_the_table_says_at_every_instant(history: History) -> None:
    line = timeline(history.signs, history.seen, history.expectation, until=history.until)
    known = [sign for sign in history.signs if sign.received_at <= history.until]
    if not known:
        assert line.intervals == ()
        return
    oracle = Oracle(history.signs, history.seen, history.expectation, until=history.until)
    start = min(sign.time for sign in known)
    assert line.intervals[0].starts_at == start
    points = instants(history, start)
    for instant in points:
        assert reason_at(line.intervals, instant) == oracle.at(instant), instant
    assert {interval.starts_at for interval in line.intervals} <= {*points, start}


@often
@given(histories())
def test_intervals_follow_each_other_without_gap_overlap_or_equal_neighbours(history: History) -> None:
    intervals = timeline(history.signs, history.seen, history.expectation, until=history.until).intervals
    for before, after in pairwise(intervals):
        assert before.ends_at == after.starts_at
        assert before.starts_at < before.ends_at
        assert before.reason is not after.reason
    if intervals:
        assert intervals[-1].ends_at is None
        assert intervals[-1].starts_at <= history.until
        window = history.until - intervals[0].starts_at
        ends = [interval.ends_at or history.until for interval in intervals]
        assert sum(end - i.starts_at for i, end in zip(intervals, ends, strict=True)) == window


@often
@given(histories(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_signs_change_nothing(history: History, random: Random) -> None:
    again = [*history.signs, *random.choices(history.signs, k=5)] if history.signs else []
    random.shuffle(again)
    assert timeline(again, history.seen, history.expectation, until=history.until) == timeline(
        history.signs, history.seen, history.expectation, until=history.until
    )


@often
@given(histories())
def test_next_change_is_the_first_instant_that_changes_the_line_when_nothing_is_heard(
    history: History,
) -> None:
    last_end = max((min(piece.ends_at, history.until) for piece in history.seen), default=0)
    watched = [*history.seen, Seen(min(last_end, history.until), last_end)]
    signs = [sign for sign in history.signs if sign.received_at <= history.until]

    def line_at(canary: int) -> tuple[tuple[Interval, ...], int | None]:
        seen = [*watched[:-1], Seen(watched[-1].starts_at, canary)]
        line = timeline(signs, seen, history.expectation, until=max(history.until, canary))
        return line.intervals, line.next_change_at

    now, next_change_at = line_at(last_end)
    for instant in range(last_end, history.until + 200_000, 500):
        if next_change_at is not None and instant >= next_change_at:
            break
        if history.until - last_end <= 15_000:
            assert line_at(instant)[0] == now
    if next_change_at is not None:
        assert line_at(next_change_at - 1)[0] == now
        assert line_at(next_change_at)[0] != now


@often
@given(histories(), st.data())
def test_a_timely_sign_of_life_is_an_anchor_for_everything_after_it(
    history: History, data: st.DataObject
) -> None:
    known = [sign for sign in history.signs if sign.received_at <= history.until]
    anchors = sorted({sign.time for sign in known if sign.life and sign.timely})
    if not anchors:
        return
    anchor = data.draw(st.sampled_from(anchors))
    before = sorted((s for s in known if s.time < anchor), key=lambda sign: sign.order)
    carry = timeline(before, (), history.expectation, until=history.until).carry
    since = [sign for sign in history.signs if sign.time >= anchor]
    anchored = timeline(since, history.seen, history.expectation, until=history.until, carry=carry)
    whole = timeline(history.signs, history.seen, history.expectation, until=history.until)
    assert anchored.intervals == cut(whole.intervals, anchor)
    assert (anchored.next_change_at, anchored.carry) == (whole.next_change_at, whole.carry)
    assert anchored.last_sign_at == whole.last_sign_at


@often
@given(histories(), st.data())
def test_what_lies_five_seconds_before_an_anchor_is_settled(history: History, data: st.DataObject) -> None:
    known = [sign for sign in history.signs if sign.received_at <= history.until]
    anchors = sorted({sign.time for sign in known if sign.life and sign.timely})
    if not anchors:
        return
    anchor = data.draw(st.sampled_from(anchors))
    kept = [sign for sign in known if sign.time < anchor + 5000]
    settled = timeline(kept, history.seen, history.expectation, until=history.until).intervals
    whole = timeline(known, history.seen, history.expectation, until=history.until).intervals
    assert cut_after(settled, anchor) == cut_after(whole, anchor)


def cut(intervals: tuple[Interval, ...], start: int) -> tuple[Interval, ...]:
    return tuple(
        Interval(max(i.starts_at, start), i.ends_at, i.reason)
        for i in intervals
        if i.ends_at is None or i.ends_at > start
    )


def cut_after(intervals: tuple[Interval, ...], end: int) -> list[tuple[int, int, str]]:
    return [(i.starts_at, min(i.ends_at or end, end), i.reason) for i in intervals if i.starts_at < end]


def test_the_oracle_itself_knows_a_plain_day() -> None:
    history = [Sign(at, at, SignKind.HEARTBEAT) for at in range(0, 60_000, 10_000)]
    oracle = Oracle(history, [Seen(-1000, 200_000)], Expectation.of_seconds(10), until=150_000, carry=Carry())
    assert [oracle.at(t) for t in (0, 49_999, 50_001)] == ["heard", "heard", "silent"]
