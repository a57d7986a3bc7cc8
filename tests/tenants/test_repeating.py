"""Rules by which something comes again: what they name, and what is refused."""

from datetime import datetime, timedelta
from time import process_time

import pytest

from services.tenants.repeating import RuleRefused, checked, occurrences

TUESDAY = datetime.fromisoformat("2026-12-01T08:00")
WORKDAY = timedelta(hours=8)


def days(rule: str, starts: datetime, after: str, before: str) -> list[str]:
    found = occurrences(
        rule, starts, after=datetime.fromisoformat(after), before=datetime.fromisoformat(before)
    )
    return [f"{time:%Y-%m-%d}" for time in found]


@pytest.mark.parametrize(
    ("rule", "after", "before", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", "2026-12-01", "2026-12-31", ["2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22",
                                                              "2026-12-29"]),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-12-10", "2027-01-13", ["2026-12-15", "2026-12-29", "2027-01-12"]),
        ("FREQ=MONTHLY;BYDAY=1TU", "2027-01-01", "2027-03-31", ["2027-01-05", "2027-02-02", "2027-03-02"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "2027-01-01", "2027-03-31",
         ["2027-01-01", "2027-02-01", "2027-03-01"]),
        ("FREQ=DAILY;COUNT=3", "2026-11-01", "2027-12-31", ["2026-12-01", "2026-12-02", "2026-12-03"]),
        # The day of UNTIL is meant to its end.
        ("FREQ=DAILY;UNTIL=20261203", "2026-11-01", "2027-12-31", ["2026-12-01", "2026-12-02", "2026-12-03"]),
        ("FREQ=DAILY;UNTIL=20261203T075959", "2026-11-01", "2027-12-31", ["2026-12-01", "2026-12-02"]),
        ("FREQ=YEARLY", "2030-01-01", "2032-01-01", ["2030-12-01", "2031-12-01"]),
        ("FREQ=WEEKLY;BYDAY=TU", "2390-12-30", "2391-01-02", ["2391-01-01"]),
    ],
)  # fmt: skip
def test_times_within_a_window(rule: str, after: str, before: str, expected: list[str]) -> None:
    assert checked(rule, TUESDAY, WORKDAY) == rule
    assert days(rule, TUESDAY, after, before) == expected


def test_leap_days_come_when_they_come() -> None:
    leap = datetime.fromisoformat("2024-02-29T08:00")
    assert checked("FREQ=YEARLY", leap, WORKDAY) == "FREQ=YEARLY"
    assert days("FREQ=YEARLY", leap, "2024-01-01", "2040-01-01") == [
        "2024-02-29", "2028-02-29", "2032-02-29", "2036-02-29",
    ]  # fmt: skip


def test_a_rule_has_one_form() -> None:
    assert checked(" freq=weekly;byday=tu ", TUESDAY, WORKDAY) == "FREQ=WEEKLY;BYDAY=TU"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=SECONDLY", "at most once a day"),
        ("FREQ=MINUTELY;INTERVAL=15", "at most once a day"),
        ("FREQ=HOURLY", "at most once a day"),
        ("FREQ=DAILY;BYHOUR=1,2,3", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=1", "BYMINUTE"),
        ("FREQ=DAILY;BYEASTER=0", "BYEASTER"),
        ("BYDAY=TU", "how often"),
        ("", "FREQ=WEEKLY;BYDAY=TU"),
        ("every tuesday", "FREQ=WEEKLY;BYDAY=TU"),
        ("RRULE:FREQ=WEEKLY", "RRULE:FREQ"),
        ("DTSTART:20200101T000000\nRRULE:FREQ=DAILY", "no part of a rule"),
        ("FREQ=DAILY\n", None),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ twice"),
        ("FREQ=WEEKLY;INTERVAL=0", "1 to 999"),
        ("FREQ=WEEKLY;INTERVAL=-1", "1 to 999"),
        ("FREQ=WEEKLY;COUNT=0", "1 to 9999"),
        ("FREQ=WEEKLY;COUNT=99999", "1 to 9999"),
        ("FREQ=WEEKLY;UNTIL=20261231T235959Z", "Swedish time"),
        ("FREQ=WEEKLY;UNTIL=20261399", "cannot be read"),
        ("FREQ=WEEKLY;UNTIL=20261201;COUNT=2", "not by both"),
        ("FREQ=WEEKLY;BYDAY=XX", "MO,TH"),
        ("FREQ=WEEKLY;BYDAY=TU;", "no part of a rule"),
        ("FREQ=WEEKLY;UNTIL=20261130", "Tuesday 2026-12-01 is none of the days"),
        ("FREQ=WEEKLY;BYDAY=WE", "Tuesday 2026-12-01 is none of the days"),
        ("FREQ=MONTHLY;BYMONTHDAY=99", "none of the days"),
        ("FREQ=WEEKLY;BYDAY=" + ",".join(["TU"] * 80), "longer than 200"),
    ],
    ids=range(26),
)
def test_what_is_no_rule_is_refused_with_what_to_do(rule: str, says: str | None) -> None:
    if says is None:
        assert checked(rule, TUESDAY, WORKDAY) == rule.strip()
        return
    with pytest.raises(RuleRefused, match=says):
        checked(rule, TUESDAY, WORKDAY)


@pytest.mark.parametrize(
    ("rule", "length"),
    [("FREQ=DAILY", timedelta(hours=25)), ("FREQ=WEEKLY;BYDAY=TU,WE", timedelta(hours=25)),
     ("FREQ=MONTHLY;BYMONTHDAY=1", timedelta(days=29))],
)  # fmt: skip
def test_times_that_would_lie_in_each_other_are_refused(rule: str, length: timedelta) -> None:
    with pytest.raises(RuleRefused, match="make it shorter"):
        checked(rule, TUESDAY, length)


@pytest.mark.parametrize("rule", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYSETPOS=2"])
def test_a_rule_that_never_fits_is_soon_refused(rule: str) -> None:
    began = process_time()
    with pytest.raises(RuleRefused, match="none of the days"):
        checked(rule, TUESDAY, WORKDAY)
    assert process_time() - began < 2  # a quarter of a second where it was written, six without the shift
