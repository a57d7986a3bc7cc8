from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events import moment, text


def ms(*parts: int, milliseconds: int = 0) -> datetime:
    return datetime(*parts, microsecond=milliseconds * 1000, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-06-03T08:15:00Z", ms(2026, 6, 3, 8, 15)),
        ("2026-06-03t08:15:00z", ms(2026, 6, 3, 8, 15)),
        ("2026-06-03T08:15:00.1Z", ms(2026, 6, 3, 8, 15, milliseconds=100)),
        ("2026-06-03T08:15:00.123999999999Z", ms(2026, 6, 3, 8, 15, milliseconds=123)),
        ("2026-06-03T08:15:00.0009Z", ms(2026, 6, 3, 8, 15)),
        ("2026-06-03T10:15:00.5+02:00", ms(2026, 6, 3, 8, 15, milliseconds=500)),
        ("2026-06-03T08:15:00-00:00", ms(2026, 6, 3, 8, 15)),
        ("2016-12-31T23:59:60Z", ms(2016, 12, 31, 23, 59, 59, milliseconds=999)),
        ("2017-01-01T00:59:60+01:00", ms(2016, 12, 31, 23, 59, 59, milliseconds=999)),
        ("1970-01-01T00:00:00Z", ms(1970, 1, 1)),
    ],
)
def test_rfc_3339_is_read_to_the_millisecond(said: str, meant: datetime) -> None:
    assert moment.parse(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        *("", "now", "2026-06-03", "2026-06-03T08:15:00", "2026-06-03 08:15:00Z", "20260603T081500Z"),
        *("2026-W23-3T08:15:00Z", "2026-06-03T08:15Z", "2026-06-03T08:15:00,5Z", "2026-06-03T08:15:00.Z"),
        *("2026-02-30T08:15:00Z", "2026-06-03T24:00:00Z", "2026-06-03T08:60:00Z", "2026-06-03T08:15:60Z"),
        *("2026-06-03T08:15:61Z", "2026-06-03T08:15:00+24:00", "2026-06-03T08:15:00+0200"),
        *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"),
        *("\uff12026-06-03T08:15:00Z", "2026-06-03T08:15:00Z\n", " 2026-06-03T08:15:00Z", "1780474500"),
    ],
)
def test_nothing_else_is_a_time(said: str) -> None:
    assert moment.parse(said) is None


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001
def test_what_is_written_is_read_again(when: datetime) -> None:
    assert moment.parse(moment.write(when)) == moment.whole_ms(when)


@given(st.text())
def test_any_text_is_cleaned_once_and_for_all(said: str) -> None:
    cleaned = text.clean(said)
    assert text.clean(cleaned) == cleaned
    assert text.is_clean(cleaned)
    cleaned.encode()


@pytest.mark.parametrize(
    "said", ["Ljungby Fritt", "Älvdalens övärld 5", "Sámi báiki", "مرحبا", "日本", "a_b-c.d~e"]
)
def test_words_in_any_script_stay(said: str) -> None:
    assert text.clean(said) == said


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_details_are_brief(said: str, length: int) -> None:
    assert len(text.brief(said, length)) <= length


@given(st.from_regex(r"20[0-9]{2}-[0-3]\d-[0-4]\dT[0-2]\d:[0-6]\d:[0-6]\d\.\d{3}", fullmatch=True))
def test_the_canonical_form_is_read_as_the_general_one_is(said: str) -> None:
    assert moment.parse(f"{said}Z") == moment.parse(f"{said}+00:00")
