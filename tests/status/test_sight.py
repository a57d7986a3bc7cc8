"""What we could see: one shape of the observations, their mark, and exact instants."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.status.models import Seen
from services.status.moments import maybe_moment, millis, moment
from services.status.observed import Observed, Turned
from services.status.watch import FOREVER, Piece, Watch, watch_at


def test_observations_that_touch_or_overlap_are_one_piece() -> None:
    seen = [
        Seen(50, 90, closed=True),
        Seen(0, 50, closed=True),
        Seen(80, 120, closed=True),
        Seen(121, 130, closed=True),
    ]
    assert watch_at(seen, 1_000).pieces == ((0, 120), (121, 130))


@pytest.mark.parametrize(
    ("piece", "until", "still_sees"),
    [
        (Seen(0, 1_000), 16_000, True),
        (Seen(0, 1_000), 16_001, False),
        (Seen(0, 1_000, closed=True), 1_000, False),
        (Seen(0, 1_000, closed=True), 999, True),
    ],
)
def test_sight_goes_on_for_fifteen_seconds_unless_it_was_closed(
    piece: Seen, until: int, *, still_sees: bool
) -> None:
    watch = watch_at([piece], until)
    assert watch.open is still_sees
    assert watch.pieces == ((0, FOREVER if still_sees else 1_000),)
    assert watch.horizon == (min(1_000, until) if still_sees else until)


def test_a_sign_of_life_proves_the_way_as_a_canary_does() -> None:
    assert watch_at([Seen(0, 1_000)], 5_000).proven_until(4_000) == 4_000
    assert watch_at([Seen(0, 1_000, closed=True)], 5_000).proven_until(4_000) == 5_000


def test_nothing_observed_is_blind() -> None:
    assert watch_at([], 5_000) == Watch((), 5_000)
    assert not watch_at([Seen(9_000, 10_000)], 5_000).open


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([Seen(0, 1_000)], [Seen(0, 9_000)], True),
        ([Seen(0, 1_000)], [Seen(0, 1_000, closed=True)], False),
        ([Seen(0, 1_000)], [Seen(0, 1_000, closed=True), Seen(2_000, 9_000)], False),
        ([Seen(0, 500, closed=True)], [Seen(0, 500, closed=True)], True),
        ([Seen(0, 500, closed=True)], [Seen(0, 500, closed=True), Seen(900, 900)], False),
        ([], [], True),
    ],
)
def test_the_mark_tells_growth_from_change(before: list[Seen], after: list[Seen], *, same: bool) -> None:
    mark = Observed.by(before, watch_at(before, 1_000), as_of=1_000)
    assert Observed.parse(mark.text()) == mark
    assert mark.holds_in(watch_at(after, 10_000)) is same


def test_the_mark_brings_back_what_was_seen_then() -> None:
    then = [Seen(0, 400, closed=True), Seen(500, 1_000)]
    mark = Observed.by(then, watch_at(then, 3_000), as_of=3_000)
    now = [Seen(0, 400, closed=True), Seen(500, 8_000, closed=True), Seen(9_000, 9_000)]
    assert watch_at(mark.applied_to(now), 3_000) == watch_at(then, 3_000)


def test_new_sight_leaves_settled_what_lies_well_before_it() -> None:
    blind = Observed(open=False, until=1_000)
    assert blind.settled_in(watch_at([Seen(60_000, 61_000)], 61_000), as_of=61_000) == 45_000
    assert blind.settled_in(watch_at([], 61_000), as_of=61_000) == 61_000
    assert Observed(open=True, until=1_000).settled_in(watch_at([], 61_000), as_of=61_000) == 1_000


def test_instants_are_whole_milliseconds_of_utc() -> None:
    noon = datetime(2026, 9, 16, 12, 0, 0, 123_999, tzinfo=UTC)
    assert moment(millis(noon)) == noon.replace(microsecond=123_000)
    assert millis(noon.astimezone(timezone(timedelta(hours=2)))) == millis(noon)
    assert maybe_moment(None) is None
    assert maybe_moment(0) == datetime(1970, 1, 1, tzinfo=UTC)


OPEN, BLIND = Observed(open=True, until=100_000), Observed(open=False, until=100_000)


@pytest.mark.parametrize(
    ("before", "pieces", "turned"),
    [
        (OPEN, [(0, 105_000)], Turned(open=False, since=0, until=105_000)),
        (OPEN, [(0, 105_000), (120_000, FOREVER)], None),
        (OPEN, [(90_000, 105_000), (106_000, 110_000)], None),
        (BLIND, [(0, 100_000), (130_000, FOREVER)], Turned(open=True, since=130_000, until=140_000)),
        (BLIND, [(100_000, 101_000), (130_000, FOREVER)], None),
        (BLIND, [(0, FOREVER)], None),
        (BLIND, [], None),
    ],
)
def test_only_one_turn_of_our_sight_is_a_turn(
    before: Observed, pieces: list[Piece], turned: Turned | None
) -> None:
    assert before.turned_in(Watch(tuple(pieces), 140_000)) == turned
