"""Planned work: which instants lie in it, and how it is written down and cancelled."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.spans import Spans, length
from services.storage.database import Role, Tenants
from services.tenants.maintenance import Maintenance, MaintenanceError, Work, cancel, every, plan, windows
from services.tenants.wallclock import SWEDEN, swedish, whole_days
from tests.support.villages import villages

MINUTE = 60_000
HOUR = 60 * MINUTE
CHANGES = [
    date(2024, 3, 31), date(2024, 10, 27), date(2025, 3, 30), date(2025, 10, 26), date(2026, 3, 29), date(2026, 10, 25),
]  # fmt: skip


def work(
    starts: str, ends: str, rule: str | None = None, *, cancelled_at: datetime | None = None
) -> Maintenance:
    return Maintenance(
        id=UUID(int=1),
        municipality="0781",
        starts=datetime.fromisoformat(starts),
        ends=datetime.fromisoformat(ends),
        reason="New antenna",
        rule=rule,
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
        cancelled_at=cancelled_at,
    )


def utc(spans: Spans) -> list[str]:
    return [f"{swedish(edge).astimezone(UTC):%m-%dT%H:%M}" for span in spans for edge in span]


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        # The gap: a time in it means the instant after it.
        ("2026-03-29T02:30", "2026-03-29T04:00", ["03-29T01:00", "03-29T02:00"]),
        ("2026-03-29T01:00", "2026-03-29T02:30", ["03-29T00:00", "03-29T01:00"]),
        ("2026-03-29T02:10", "2026-03-29T02:50", []),
        # The fold: from the first to the second.
        ("2026-10-25T02:30", "2026-10-25T04:00", ["10-25T00:30", "10-25T03:00"]),
        ("2026-10-25T01:00", "2026-10-25T02:30", ["10-24T23:00", "10-25T01:30"]),
        ("2026-10-25T02:10", "2026-10-25T02:20", ["10-25T00:10", "10-25T01:20"]),
        ("2026-10-25T02:00", "2026-10-25T03:00", ["10-25T00:00", "10-25T02:00"]),
    ],
)
def test_work_in_the_gap_and_in_the_fold(starts: str, ends: str, expected: list[str]) -> None:
    day = date.fromisoformat(starts[:10])
    assert utc(windows(work(starts, ends), day, day)) == expected


@given(
    change=st.sampled_from(CHANGES),
    days_before=st.integers(0, 9),
    begins=st.integers(0, 24 * 60 - 1),
    minutes=st.integers(1, 24 * 60),
    rule=st.sampled_from([None, "FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY", "FREQ=DAILY;COUNT=3"]),
)
def test_work_covers_what_bears_its_times_minute_by_minute(
    change: date, days_before: int, begins: int, minutes: int, rule: str | None
) -> None:
    starts = datetime.combine(change - timedelta(days=days_before), time()) + timedelta(minutes=begins)
    planned = work(starts.isoformat(), (starts + timedelta(minutes=minutes)).isoformat(), rule)
    first, last = change - timedelta(days=1), change + timedelta(days=1)
    spans = windows(planned, first, last)
    window = whole_days(first, last)
    expected = set(_covered(planned)) & set(range(*window, MINUTE))
    assert {instant for span in spans for instant in range(*span, MINUTE)} == expected
    assert all(left.end < right.start for left, right in pairwise(spans))


@cache
def _wall(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, SWEDEN).replace(tzinfo=None)


def _covered(planned: Maintenance) -> set[int]:
    """All minutes between the first and the last that bear a time of the same occurrence, by looking at each."""
    step = {None: 0, "FREQ=WEEKLY": 7, "FREQ=DAILY;INTERVAL=2": 2}.get(planned.rule, 1)
    times = 1 if planned.rule is None else 3 if planned.rule == "FREQ=DAILY;COUNT=3" else 14 // step
    covered: set[int] = set()
    for number in range(times):
        begin = planned.starts + timedelta(days=step * number)
        end = planned.ends + timedelta(days=step * number)
        named = [
            instant
            for instant in range(*whole_days(begin.date(), end.date()), MINUTE)
            if begin <= _wall(instant) < end
        ]
        if named:
            covered.update(range(named[0], named[-1] + MINUTE, MINUTE))
    return covered


def test_every_occurrence_lasts_as_long_on_the_wall() -> None:
    nightly = work("2026-10-20T22:00", "2026-10-21T06:00", "FREQ=DAILY")
    lengths = [length((span,)) / HOUR for span in windows(nightly, date(2026, 10, 23), date(2026, 10, 26))]
    # Cut at the window's edges; the night with 25 hours holds nine.
    assert lengths == [6, 8, 9, 8, 2]


def test_work_without_an_end_is_cut_to_what_is_asked_for() -> None:
    weekly = work("2020-01-07T08:00", "2020-01-07T16:00", "FREQ=WEEKLY;BYDAY=TU")
    assert utc(windows(weekly, date(2026, 12, 1), date(2026, 12, 10))) == [
        "12-01T07:00", "12-01T15:00", "12-08T07:00", "12-08T15:00",
    ]  # fmt: skip
    assert windows(weekly, date(2026, 12, 2), date(2026, 12, 7)) == ()
    assert windows(weekly, date(2019, 12, 1), date(2020, 1, 6)) == ()


def test_cancelled_work_holds_until_then() -> None:
    now = datetime(2026, 12, 8, 9, tzinfo=UTC)
    weekly = work("2026-12-01T08:00", "2026-12-01T16:00", "FREQ=WEEKLY", cancelled_at=now)
    assert utc(windows(weekly, date(2026, 12, 1), date(2026, 12, 31))) == [
        "12-01T07:00", "12-01T15:00", "12-08T07:00", "12-08T09:00",
    ]  # fmt: skip
    assert windows(weekly, date(2026, 12, 15), date(2026, 12, 15)) == ()


def _work(**changed: object) -> Work:
    fields: dict[str, object] = {
        "municipality": "0781",
        "starts": datetime.fromisoformat("2026-12-01T08:00"),
        "ends": datetime.fromisoformat("2026-12-01T16:00"),
        "reason": "New antenna",
    }
    return Work(**(fields | changed))  # type: ignore[arg-type]


async def test_work_is_written_down_listed_and_cancelled(database_url: str) -> None:
    async with villages(database_url) as database:
        async with database.transaction(Role.WEB, Tenants(("0781",))) as connection:
            weekly = await plan(
                connection, _work(point="dp-lidhult", rule="freq=weekly;byday=tu", reason=" New antenna ")
            )
            once = await plan(
                connection, _work(device="hs-lidhult-1", ends=datetime.fromisoformat("2026-12-02T16:00"))
            )
            await plan(connection, _work(starts=datetime.fromisoformat("2026-11-30T08:00")))
        now = datetime(2026, 12, 1, 9, tzinfo=UTC)
        async with database.transaction(Role.WEB, Tenants(("0781",))) as connection:
            found = {each.id: each for each in await every(connection)}
            assert len(found) == 3
            assert (found[weekly].rule, found[weekly].reason) == ("FREQ=WEEKLY;BYDAY=TU", "New antenna")
            assert (found[once].device, found[once].point) == ("hs-lidhult-1", None)
            await cancel(connection, weekly, now=now)
            with pytest.raises(MaintenanceError, match="cancelled already"):
                await cancel(connection, weekly, now=now)
            with pytest.raises(MaintenanceError, match="is over"):
                await cancel(connection, once, now=now + timedelta(days=2))
            with pytest.raises(MaintenanceError, match="there is no maintenance"):
                await cancel(connection, uuid4(), now=now)
            assert {each.id: each.cancelled_at for each in await every(connection)}[weekly] == now
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            assert await every(connection) == []
            with pytest.raises(MaintenanceError, match="there is no maintenance"):
                await cancel(connection, once, now=now)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"municipality": "9999"}, "no municipality 9999"),
        ({"municipality": "0583"}, "no municipality 0583"),
        ({"point": "sp-fornasa"}, "no service point sp-fornasa"),
        ({"device": "hs-fornasa-1"}, "no device hs-fornasa-1"),
        ({"point": "dp-lidhult", "device": "hs-lidhult-1"}, "not both"),
        ({"ends": datetime.fromisoformat("2026-12-01T08:00")}, "ends before it begins"),
        ({"ends": datetime.fromisoformat("2028-12-01T08:00")}, "longer than a year"),
        ({"starts": datetime.fromisoformat("1999-12-01T08:00"), "ends": datetime.fromisoformat("1999-12-01T09:00")},
         "2000 to 2399"),
        ({"reason": "  "}, "give a reason"),
        ({"reason": "a\nb"}, "in one line"),
        ({"reason": "x" * 201}, "1 to 200 characters"),
        ({"rule": "FREQ=MINUTELY"}, "at most once a day"),
    ],
    ids=range(12),
)  # fmt: skip
async def test_work_that_cannot_be_is_refused_with_a_sentence(
    database_url: str, changed: dict[str, object], says: str
) -> None:
    async with (
        villages(database_url) as database,
        database.transaction(Role.WEB, Tenants(("0781",))) as connection,
    ):
        with pytest.raises(MaintenanceError, match=says):
            await plan(connection, _work(**changed))
        assert await every(connection) == []
