"""Scales: round ticks around what is shown, equally far apart, and places in per cent of the length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.charts.scale import Scale, every, nice_scale, part


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 5, (0, 1, 2, 3, 4, 5)),
        (0, 6, (0, 2, 4, 6)),
        (0, 730, (0, 200, 400, 600, 800)),
        (9_500, 10_000, (9_500, 9_600, 9_700, 9_800, 9_900, 10_000)),
        (9_000, 10_000, (9_000, 9_200, 9_400, 9_600, 9_800, 10_000)),
        (3, 3, (3, 4)),
    ],
)
def test_ticks_are_round(low: int, high: int, ticks: tuple[int, ...]) -> None:
    assert nice_scale(low, high).ticks == ticks


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(1, 8))
def test_every_scale_holds_what_is_shown_and_no_more_steps_than_asked(
    one: int, other: int, steps: int
) -> None:
    low, high = sorted((one, other))
    scale = nice_scale(low, high, steps=steps)
    apart = {later - earlier for earlier, later in zip(scale.ticks, scale.ticks[1:], strict=False)}
    assert scale.low <= low < scale.high
    assert high <= scale.high
    assert len(apart) == 1
    assert 2 <= len(scale.ticks) <= steps + 1
    assert str(apart.pop()).rstrip("0") in ("1", "2", "5")


def test_values_stand_between_the_ends() -> None:
    scale = Scale((100, 150, 200))
    assert [scale.place(value) for value in (50, 100, 125, 200, 300)] == [0, 0, 25, 100, 100]
    assert part(1, 3) == 33.333


def test_labels_are_no_more_than_fit() -> None:
    assert list(every(7, most=7)) == [0, 1, 2, 3, 4, 5, 6]
    assert list(every(30, most=6)) == [0, 5, 10, 15, 20, 25]
    assert list(every(31, most=6)) == [0, 6, 12, 18, 24, 30]
    assert list(every(0, most=6)) == []
