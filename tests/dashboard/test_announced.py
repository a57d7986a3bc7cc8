"""Planned work is announced two weeks ahead, each time it comes again, by the Swedish clock."""

from datetime import UTC, datetime, timedelta

from dashboard.announced import announced
from services.tenants.maintenance import Work

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


def work(starts: str, hours: float, *, rule: str | None = None, point: str | None = None) -> Work:
    begins = datetime.fromisoformat(starts)
    return Work(
        municipality="0781",
        point=point,
        starts=begins,
        ends=begins + timedelta(hours=hours),
        rule=rule,
        reason="byte",
    )


def test_what_goes_on_or_begins_within_two_weeks_is_announced_in_order() -> None:
    over, later = work("2026-10-20 08:00", 4), work("2026-11-04 08:00", 4)
    going_on, soon = work("2026-10-20 08:00", 8, point="dp-lagan"), work("2026-11-03 07:00", 1)
    found = announced([later, soon, over, going_on], NOW)
    assert [each.starts.isoformat() for each in found] == [
        "2026-10-20T08:00:00+02:00",
        "2026-11-03T07:00:00+01:00",
    ]
    assert [each.is_now(NOW) for each in found] == [True, False]


def test_work_that_comes_again_is_announced_each_time_at_its_time_of_the_clock() -> None:
    found = announced([work("2026-01-06 22:00", 4, rule="FREQ=WEEKLY;BYDAY=TU")], NOW)
    # The clock has moved in between; at ten in the evening it is ten in the evening.
    assert [(each.starts.isoformat(), each.ends.hour) for each in found] == [
        ("2026-10-20T22:00:00+02:00", 2),
        ("2026-10-27T22:00:00+01:00", 2),
    ]


def test_work_of_long_ago_that_still_goes_on_is_announced() -> None:
    found = announced([work("2026-09-25 08:00", 24 * 30, rule="FREQ=YEARLY")], NOW)
    assert [each.is_now(NOW) for each in found] == [True]


def test_work_concerns_its_point_or_all_of_the_municipality() -> None:
    of_point, of_all = announced(
        [work("2026-10-21 08:00", 1, point="dp-lagan"), work("2026-10-22 08:00", 1)], NOW
    )
    assert of_point.concerns("0781", "dp-lagan")
    assert not of_point.concerns("0781", "dp-ryssby")
    assert not of_point.concerns("2482", "dp-lagan")
    assert of_all.concerns("0781", "dp-ryssby")
