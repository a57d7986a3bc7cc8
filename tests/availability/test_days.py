"""A day counted, against an oracle that asks of every instant; and the days that the calendar makes long or short.

`HYPOTHESIS_PROFILE=thorough` runs 10,000 examples in all.
"""

import os
from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.availability.conditions import Condition, Stretch, clipped
from services.availability.days import (
    Share,
    counted,
    counting,
    day_of,
    days_between,
    device_line,
    point_line,
    span_of,
)
from services.availability.figures import Figures
from services.runtime.spans import Span, common, length
from services.tenants.wallclock import midnight
from tests.availability import oracle
from tests.availability.made_up import points, shares
from tests.availability.oracle import Asked

EXAMPLES = 2_500 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 100
often = settings(max_examples=EXAMPLES, deadline=None)
MINUTE = 60_000


def of(asked: Asked) -> Figures:
    return counted(point_line(asked.shares, asked.maintenance, asked.day), asked.opened, asked.day)


@often
@given(points())
def test_a_points_day_is_what_each_of_its_instants_is(asked: Asked) -> None:
    day = range(asked.day.start - 1, asked.day.end)
    said = [oracle.of_point(instant, asked) for instant in day]
    opened = asked.opened or ()
    found = of(asked)
    assert found.clock == oracle.sums(said[1:])
    assert found.service == oracle.sums(
        [
            one
            for instant, one in zip(day, said, strict=True)
            if instant in day[1:] and oracle.within(instant, opened)
        ]
    )
    assert found.outages == oracle.outages(said)
    assert found.hours_known is (asked.opened is not None)
    assert found.clock.window == length((asked.day,))
    assert found.service.window == length(common(opened, (asked.day,)))


@often
@given(shares(), points())
def test_a_devices_day_is_what_each_of_its_instants_is(share: Share, asked: Asked) -> None:
    day = range(asked.day.start, asked.day.end)
    found = counted(device_line(share, asked.day), asked.opened, asked.day)
    said = [oracle.of_device(instant, share) for instant in day]
    assert found.clock == oracle.sums(said)
    assert found.clock.window == len(day)


@often
@given(points(), st.integers(0, 60), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing_and_any_cut_adds_up(
    asked: Asked, at: int, chance: Random
) -> None:
    line = point_line(asked.shares, asked.maintenance, asked.day)
    shuffled = [
        Share(
            share.kind,
            chance.sample([*share.measured, *share.measured], 2 * len(share.measured)),
            share.there,
            share.maintenance,
        )
        for share in chance.sample([*asked.shares, *asked.shares], 2 * len(asked.shares))
    ]
    assert point_line(shuffled, asked.maintenance, asked.day) == line
    cut = min(max(at, asked.day.start), asked.day.end)
    parts = [Span(asked.day.start, cut), Span(cut, asked.day.end)]
    both = [counted(tuple(clipped(line, (part,))), asked.opened, part) for part in parts]
    assert both[0].clock.plus(both[1].clock) == of(asked).clock
    assert both[0].service.plus(both[1].service) == of(asked).service


@often
@given(points())
def test_a_point_without_calendars_is_never_worse_than_the_best_of_its_devices(asked: Asked) -> None:
    bare = [Share(share.kind, share.measured, share.there) for share in asked.shares]
    line = point_line(bare, (), asked.day)
    each = [device_line(share, asked.day) for share in counting(bare, asked.day)]
    for instant in range(asked.day.start, asked.day.end):
        best = max((oracle.measured(instant, one) for one in each), default=Condition.BLIND)
        assert oracle.measured(instant, line) is best


def one_device(*stretches: Stretch) -> list[Share]:
    return [Share("hotspot", stretches, (Span(0, 2**62),))]


def test_an_outage_of_ninety_minutes_on_an_ordinary_day_is_93_75_percent() -> None:
    day = span_of(date(2024, 6, 4))
    out = day.start + 8 * 60 * MINUTE
    line = point_line(
        one_device(
            Stretch(day.start - 5, out, Condition.UP),
            Stretch(out, out + 90 * MINUTE, Condition.DOWN),
            Stretch(out + 90 * MINUTE, day.end + 5, Condition.UP),
        ),
        (),
        day,
    )
    found = counted(line, None, day)
    assert str(found.clock.availability) == "93.75"
    assert str(found.clock.coverage) == "100.00"
    assert (found.outages, found.clock.down) == (1, 90 * MINUTE)
    assert found.service.availability is None


def test_days_of_summer_time_are_an_hour_longer_and_shorter() -> None:
    assert length((span_of(date(2024, 10, 27)),)) == 1_500 * MINUTE
    assert length((span_of(date(2024, 3, 31)),)) == 1_380 * MINUTE
    days = days_between(date(2024, 1, 1), date(2024, 12, 31))
    assert len(days) == 366
    assert sum(length((span_of(day),)) for day in days) == midnight(date(2025, 1, 1)) - midnight(days[0])
    assert {day_of(span_of(day).start) for day in days} == set(days)
    assert {day_of(span_of(day).end - 1) for day in days} == set(days)


def test_an_outage_belongs_to_the_day_on_which_it_began() -> None:
    first, second = span_of(date(2024, 6, 4)), span_of(date(2024, 6, 5))
    shares = one_device(
        Stretch(first.start, first.end - 1, Condition.UP),
        Stretch(first.end - 1, second.start + 9, Condition.LOST),
    )
    begun = [counted(point_line(shares, (), day), None, day).outages for day in (first, second)]
    assert begun == [1, 0]


def test_a_screen_speaks_for_a_point_only_on_days_without_a_hotspot() -> None:
    day = Span(0, 10)
    screen = Share("kiosk", (Stretch(0, 10, Condition.UP),), (Span(0, 10),))
    hotspot = Share("hotspot", (Stretch(0, 10, Condition.DOWN),), (Span(9, 20),))
    assert counted(point_line([screen], (), day), None, day).clock.up == 10
    both = counted(point_line([screen, hotspot], (), day), None, day)
    assert (both.clock.blind, both.clock.down) == (9, 1)


def test_an_outage_that_maintenance_hid_begins_where_the_work_ends() -> None:
    first, second = span_of(date(2024, 6, 4)), span_of(date(2024, 6, 5))
    out = first.end - 120 * MINUTE
    measured = (Stretch(first.start - 5, out, Condition.UP), Stretch(out, second.end, Condition.DOWN))
    begun = {}
    for until in (first.end - MINUTE, first.end, first.end + MINUTE):
        share = Share("hotspot", measured, (Span(0, 2**62),), (Span(out, until),))
        begun[until - first.end] = [
            counted(line, None, day).outages
            for day in (first, second)
            for line in (device_line(share, day), point_line([share], (), day))
        ]
    assert begun == {-MINUTE: [1, 1, 0, 0], 0: [0, 0, 1, 1], MINUTE: [0, 0, 1, 1]}
