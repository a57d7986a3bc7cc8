from datetime import UTC, datetime, timedelta

from services.runtime.clock import now, whole_milliseconds


def test_now_is_utc_in_whole_milliseconds() -> None:
    before = datetime.now(UTC)
    present = now()
    assert present.tzinfo is UTC
    assert present.microsecond % 1000 == 0
    assert before - timedelta(milliseconds=1) < present <= datetime.now(UTC)


def test_an_instant_is_cut_and_never_rounded_up() -> None:
    instant = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert whole_milliseconds(instant) == datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
