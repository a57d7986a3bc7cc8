"""Periods: what is written, and the days that are meant."""

from datetime import date

import pytest

from services.reports.naming import Kind, ReportPeriod, ReportRefused


@pytest.mark.parametrize(
    "written",
    ["", "2026-13", "2026-1", "26-01", "2026-10-01", "\uff12\uff10\uff12\uff16", "1999", "2026-10\n"],
)
def test_what_is_no_period_is_refused_with_what_would_be(written: str) -> None:
    with pytest.raises(ReportRefused, match="a month is written 2026-10, a year 2026"):
        ReportPeriod.parse(written)


def test_month_is_told_by_its_days_and_year_by_its_months() -> None:
    october, year = ReportPeriod.parse("2026-10"), ReportPeriod.parse("2024")
    assert (october.first, october.last, len(october.steps)) == (date(2026, 10, 1), date(2026, 10, 31), 31)
    assert (year.first, year.last, len(year.steps)) == (date(2024, 1, 1), date(2024, 12, 31), 12)
    assert [step.days for step in year.steps][:3] == [31, 29, 31]
    assert ReportPeriod("2026-12").ends == date(2027, 1, 1)


def test_kind_follows_from_period_and_subject() -> None:
    assert ReportPeriod("2026").kind(of_point=True) is Kind.POINT_YEARLY
    assert ReportPeriod("2026-10").kind(of_point=False) is Kind.MUNICIPALITY_MONTHLY
    assert [kind.is_of_point for kind in Kind] == [False, False, True, True]
