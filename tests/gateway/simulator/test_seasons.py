from datetime import date, timedelta

from gateway.simulator.seasons import DAY, people, public_holidays, season, storms


def test_july_is_three_winters_and_a_week_evens_out() -> None:
    assert season(date(2026, 7, 1)) == 3 * season(date(2026, 1, 1))
    monday = date(2026, 1, 12)
    assert abs(sum(people(monday + number * DAY) for number in range(7)) / 7 - 1) < 1e-9


def test_a_holiday_keeps_people_at_home_and_a_school_holiday_brings_them_out() -> None:
    assert date(2026, 6, 19) in public_holidays(2026)  # midsummer's eve
    assert {date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26)} <= public_holidays(2026)
    assert date(2026, 6, 18) not in public_holidays(2026)
    friday = date(2026, 6, 19)
    assert people(friday) < people(friday - timedelta(days=7))
    assert people(date(2026, 2, 25)) > people(date(2026, 2, 18))  # week 9


def test_storms_even_out_over_the_year() -> None:
    assert abs(sum(storms(month) for month in range(1, 13)) - 12) < 1e-9
