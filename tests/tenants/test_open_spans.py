"""The open time of days, exceptions among them, to the millisecond."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opening_hours import OpeningHours, State

from services.runtime.spans import Spans, length
from services.tenants.hours import EXCEPTION, SWEDEN, Opening, Span, open_spans, opening_at, spans_on
from services.tenants.wallclock import whole_days

SHOP = "Mo-Fr 09:00-18:00; Sa 10:00-14:00; Su,PH off"
HOUR = 3_600_000
MINUTE = 60_000
CLOSED_ON_MIDSUMMER_EVE = {date(2024, 6, 21): "off"}


def on_the_clock(spans: Spans | None) -> list[tuple[str, str]] | None:
    if spans is None:
        return None
    return [
        (
            f"{datetime.fromtimestamp(span.start / 1000, SWEDEN):%m-%d %H:%M}",
            f"{datetime.fromtimestamp(span.end / 1000, SWEDEN):%m-%d %H:%M}",
        )
        for span in spans
    ]


def hours_open(
    expression: str, first: date, last: date, exceptions: Mapping[date, str] | None = None
) -> float:
    spans = open_spans(expression, exceptions or {}, first, last)
    assert spans is not None
    return length(spans) / HOUR


def test_a_regular_week_of_the_shop_has_49_hours_and_holidays_fewer() -> None:
    assert hours_open(SHOP, date(2024, 6, 10), date(2024, 6, 16)) == 49.0
    assert hours_open(SHOP, date(2024, 6, 3), date(2024, 6, 9)) == 40.0  # without the national day
    assert hours_open(SHOP, date(2024, 6, 6), date(2024, 6, 6)) == 0.0


def test_midsummer_eve_is_closed_by_exception_where_the_hours_do_not_say_it() -> None:
    everyday, friday = "Mo-Su 09:00-18:00", date(2024, 6, 21)
    assert hours_open(everyday, friday, friday) == 9.0
    assert hours_open(everyday, friday, friday, CLOSED_ON_MIDSUMMER_EVE) == 0.0
    assert hours_open(everyday, date(2024, 6, 17), date(2024, 6, 23), CLOSED_ON_MIDSUMMER_EVE) == 54.0
    assert hours_open(SHOP, friday, friday, CLOSED_ON_MIDSUMMER_EVE) == 0.0


@pytest.mark.parametrize(
    ("expression", "day", "hours"),
    [
        ("24/7", date(2024, 3, 31), 23),
        ("24/7", date(2024, 10, 27), 25),
        ("Mo-Su 00:00-06:00", date(2024, 3, 31), 5),
        ("Mo-Su 00:00-06:00", date(2024, 10, 27), 7),
        ("Mo-Su 20:00-04:00", date(2024, 10, 27), 5 + 4),
        ("Mo-Su 02:15-02:45", date(2024, 3, 31), 0),
        ("Mo-Su 02:15-02:45", date(2024, 10, 27), 1.5),
        ("Mo-Su 01:00-02:15", date(2024, 10, 27), 2.25),
        ("Mo-Su 02:15-04:00", date(2024, 10, 27), 2.75),
        ("Mo-Su 01:30-02:30", date(2024, 3, 31), 0.5),
        ("Jun-Aug 10:00-20:00", date(2024, 5, 31), 0),
        ("Jun-Aug 10:00-20:00", date(2024, 6, 1), 10),
        ("Mo-Su 10:00-18:00; PH 12:00-15:00", date(2024, 12, 25), 3),
    ],
)
def test_days_of_23_and_25_hours_seasons_and_holidays(expression: str, day: date, hours: float) -> None:
    assert hours_open(expression, day, day) == hours


def test_an_open_night_belongs_to_its_evening_and_an_exception_replaces_what_begins_on_its_day() -> None:
    pub, saturday = "Fr,Sa 22:00-02:00", date(2024, 6, 8)
    friday, sunday = saturday - timedelta(days=1), saturday + timedelta(days=1)
    as_ever = [("06-07 22:00", "06-08 02:00"), ("06-08 22:00", "06-09 02:00")]
    assert on_the_clock(open_spans(pub, {}, friday, sunday)) == as_ever
    assert on_the_clock(open_spans(pub, {saturday: "off"}, friday, sunday)) == as_ever[:1]
    assert on_the_clock(open_spans(pub, {friday: "off"}, friday, sunday)) == as_ever[1:]
    assert on_the_clock(open_spans(pub, {sunday: "off"}, friday, sunday)) == as_ever
    assert on_the_clock(open_spans(pub, {saturday: "20:00-01:00,09:00-10:00"}, saturday, sunday)) == [
        ("06-08 00:00", "06-08 02:00"), ("06-08 09:00", "06-08 10:00"), ("06-08 20:00", "06-09 01:00"),
    ]  # fmt: skip
    # Of one day alone: the night before reaches into it, its own night is cut at midnight.
    assert on_the_clock(open_spans(pub, {friday: "23:00-01:00"}, saturday, saturday)) == [
        ("06-08 00:00", "06-08 01:00"), ("06-08 22:00", "06-09 00:00"),
    ]  # fmt: skip


def test_what_is_open_past_noon_is_cut_at_midnight_and_nothing_of_it_is_lost() -> None:
    long_night = "Fr 22:00-24:00; Sa 00:00-13:00"
    friday, saturday = date(2024, 6, 7), date(2024, 6, 8)
    assert hours_open(long_night, friday, saturday) == 15.0
    assert hours_open(long_night, friday, saturday, {friday: "off"}) == 13.0
    assert spans_on(long_night, saturday) == (Span(time(), time(13)),)


@pytest.mark.parametrize("expression", [None, "", "when the flag is up", "Mo[[", "unknown", "We unknown"])
def test_hours_that_are_not_known_are_not_guessed(expression: str | None) -> None:
    wednesday = date(2024, 6, 5)
    assert open_spans(expression, {}, wednesday - timedelta(days=2), wednesday + timedelta(days=2)) is None
    assert hours_open(str(expression), wednesday, wednesday, {wednesday: "10:00-14:00"}) == 4.0
    assert open_spans(expression, {wednesday: "whenever"}, wednesday, wednesday) is None


def test_hours_that_do_not_say_are_known_on_the_days_that_they_do_say() -> None:
    wednesday = date(2024, 6, 5)
    expression = "Mo-Fr 09:00-10:00; We unknown"
    assert open_spans(expression, {}, wednesday, wednesday) is None
    assert hours_open(expression, wednesday + timedelta(days=1), wednesday + timedelta(days=1)) == 1.0


EXPRESSIONS = st.sampled_from(
    [
        SHOP, "24/7", "Mo-Su 20:00-04:00", "Fr 22:00-02:30; Su 01:00-02:15", "Mo-Su 00:00-24:00; PH off",
        "Sa 08:00-24:00; Su 00:00-26:00", "Mo-Su 06:00-02:30", 'Mo-Su 00:00-09:00 "a", 09:00-24:00 "b"',
    ]
)  # fmt: skip
DAYS = st.one_of(
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    st.sampled_from([date(year, month, last) for year, month, last in (
        (2024, 3, 30), (2024, 10, 26), (2025, 3, 29), (2025, 10, 25), (2026, 3, 28), (2026, 10, 24),
    )]),
)  # fmt: skip


@given(EXPRESSIONS, DAYS, st.integers(0, 3))
def test_without_exceptions_it_is_what_the_notation_says_minute_by_minute(
    expression: str, first: date, more: int
) -> None:
    last = first + timedelta(days=more)
    spans = open_spans(expression, {}, first, last)
    assert spans is not None
    oracle = OpeningHours(expression, timezone=SWEDEN, country="SE", auto_country=False, auto_timezone=False)
    begin, end = whole_days(first, last)
    for instant in range(begin, end, 5 * MINUTE):
        at = datetime.fromtimestamp(instant / 1000, UTC).astimezone(SWEDEN)
        if at.utcoffset() != at.replace(fold=1).utcoffset() or at.fold:
            continue  # a time that comes twice: below
        expected = oracle.state(at)[0] == State.OPEN
        assert any(span.start <= instant < span.end for span in spans) == expected, at


@given(
    EXPRESSIONS,
    DAYS,
    st.dictionaries(st.integers(-1, 3), st.sampled_from(["off", "10:00-14:00", "21:00-03:00"])),
)
def test_days_add_up_whatever_they_are_asked_with(
    expression: str, first: date, changed: dict[int, str]
) -> None:
    exceptions = {first + timedelta(days=number): hours for number, hours in changed.items()}
    days = [first + timedelta(days=number) for number in range(4)]
    whole = hours_open(expression, days[0], days[-1], exceptions)
    assert whole == sum(hours_open(expression, day, day, exceptions) for day in days)


@pytest.mark.parametrize(
    ("hours", "fits"),
    [
        ("off", True), ("10:00-14:00", True), ("10:00-12:00,13:00-14:00", True), ("22:00-02:00", True),
        ("00:00-24:00", True), ("closed", False), ("Mo 10:00-14:00", False), ("10:00-14:00; Mo off", False),
        ("20:00-48:00", False), ("unknown", False), ("", False), ("10:00-14:00\n", False),
    ],
)  # fmt: skip
def test_an_exception_is_off_or_times(hours: str, fits: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (EXCEPTION.fullmatch(hours) is not None) == fits


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SWEDEN)


@pytest.mark.parametrize(
    ("expression", "exception", "now", "is_open", "changes_at"),
    [
        ("Mo-Su 09:00-18:00", "off", "2024-06-21T12:00", False, "2024-06-22T09:00"),
        ("Mo-Su 09:00-18:00", "off", "2024-06-20T18:30", False, "2024-06-22T09:00"),
        ("Mo-Su 09:00-18:00", "10:00-14:00", "2024-06-21T12:00", True, "2024-06-21T14:00"),
        ("Mo-Su 09:00-18:00", "22:00-02:00", "2024-06-22T01:00", True, "2024-06-22T02:00"),
        ("24/7", "off", "2024-06-01T12:00", True, "2024-06-21T00:00"),
        ("24/7", "00:00-24:00", "2024-06-20T12:00", True, None),
        (SHOP, "off", "2024-06-22T12:00", False, "2024-06-24T09:00"),
    ],
)
def test_what_a_visitor_reads_knows_of_exceptions(
    expression: str,
    exception: str,
    now: str,
    is_open: bool,  # noqa: FBT001 - a case of the table
    changes_at: str | None,
) -> None:
    exceptions = {date(2024, 6, 21): exception}
    assert opening_at(expression, at(now), exceptions=exceptions) == Opening(
        is_open=is_open, changes_at=at(changes_at) if changes_at else None
    )


def test_exceptions_tell_what_the_hours_do_not_and_nothing_more() -> None:
    day = {date(2024, 6, 21): "10:00-14:00"}
    assert opening_at(None, at("2024-06-20T12:00"), exceptions=day) is None
    assert opening_at(None, at("2024-06-21T12:00"), exceptions=day) == Opening(
        is_open=True, changes_at=at("2024-06-21T14:00")
    )
    assert opening_at(SHOP, at("2024-06-24T12:00"), exceptions=day) == opening_at(
        SHOP, at("2024-06-24T12:00")
    )
    assert spans_on(None, date(2024, 6, 21), exceptions=day) == (
        Span(at("2024-06-21T10:00").time(), at("2024-06-21T14:00").time()),
    )
    assert spans_on(SHOP, date(2024, 6, 21), exceptions={date(2024, 6, 21): "off"}) == ()


def test_the_same_days_of_many_points_are_looked_up_and_not_worked_out_again() -> None:
    day = date(2024, 6, 11)
    assert open_spans(SHOP, {}, day, day) is open_spans(SHOP, {}, day, day)
