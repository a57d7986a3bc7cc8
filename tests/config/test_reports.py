"""Where reports get their figures from, through the real readings: a report is a function of what happened.

Any order of it, any repetition, live or rebuilt: the same bytes. `HYPOTHESIS_PROFILE=thorough` plays 20 histories.
"""

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from config.reports import longest, longest_outages, published_usage, report_jobs, report_sources
from services.availability.conditions import Condition, Stretch
from services.availability.rolling import DayCounter
from services.ingest.models import Accepted
from services.log.append import append, make_partitions
from services.log.follow import Follower, LaneSignals, rebuild_lane
from services.reports.making import make_on_demand
from services.reports.models import Content, Outage
from services.reports.naming import ReportPeriod, ReportRefused
from services.reports.options import ReportOptions
from services.runtime.clock import now
from services.status.reading import StatusReading
from services.storage.database import Database, Lane, Public, Role
from services.storage.embedded import EmbeddedPostgres
from services.usage.reading import UsageReading
from tests.support import databases
from tests.support.villages import heartbeat, lane_of, villages

HOME, DEVICES = "0781", ("hs-lidhult-1", "hs-lidhult-2")
AUGUST = ReportPeriod("2026-08")
BEGIN, END = datetime(2026, 8, 29, 12, tzinfo=UTC), datetime(2026, 9, 1, 6, tzinfo=UTC)
SEEDS = range(20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 2)
READINGS = (StatusReading, UsageReading)


def history(chance: Random) -> list[Accepted]:
    """Three days of two hotspots: heartbeats with holes, some late, traffic, and what they counted of their days."""
    events: list[Accepted] = []
    for device in DEVICES:
        at, number, total = BEGIN, 0, 0
        while at < END:
            at += chance.choice([timedelta(minutes=50), timedelta(hours=1), timedelta(hours=4)])
            number, total = number + 1, total + chance.randint(0, 10**9)
            late = chance.choice([timedelta(0)] * 5 + [timedelta(hours=7)])
            known: dict[str, Any] = {"device": device, "at": at, "received_at": at + late}
            events.append(heartbeat(number, id=f"beat-{number}", **known))
            data = {
                "iface": "wlan0",
                "clients": number % 7,
                "down_bytes_total": total,
                "up_bytes_total": total // 9,
            }
            events.append(heartbeat(number, id=f"use-{number}", type="wifi.usage", data=data, **known))
        for day in (29, 30, 31):
            counted = datetime(2026, 8, day, 23, tzinfo=UTC)
            told = {"day": f"2026-08-{day}", "distinct": chance.randint(0, 9), "coverage_pct": 100}
            events.append(
                heartbeat(day, id=f"met-{day}", device=device, type="wifi.visitors", at=counted, data=told)
            )
    return events


async def reports_of(
    url: str, admin_url: str, batches: Sequence[Sequence[Accepted]], *, again: bool
) -> list[str]:
    """The reports of August after events came in these batches; `again`: after the readings were made again."""
    async with villages(url, at=BEGIN, expected_interval_s=3600, offline_after_s=10800) as database:
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=END)
        lane, when = await lane_of(database, HOME), END + timedelta(days=2)
        admin = await asyncpg.connect(admin_url)
        await admin.execute("INSERT INTO bypunkt.observation VALUES ($1, $2, $3, false)", lane, BEGIN, when)
        for batch in batches:
            async with database.transaction(Role.INGEST, Lane(lane)) as connection:
                await append(connection, lane, batch)
            for reading in READINGS:
                follower = Follower(database, reading(), lane, clock=lambda: when, signals=LaneSignals())
                while (await follower.step()).events:
                    pass
        if again:
            for reading in READINGS:
                await rebuild_lane(database, reading(), lane, now=when)
        await DayCounter(database, clock=lambda: when).once()
        await make_on_demand(database, report_sources(), HOME, period=AUGUST, now=when)
        rows = await admin.fetch("SELECT content FROM bypunkt.report ORDER BY kind")
        await admin.close()
        return [row["content"] for row in rows]


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_order_and_repetition_of_what_happened_gives_the_same_bytes(
    postgres: EmbeddedPostgres, template: str, seed: int
) -> None:
    chance = Random(seed)
    events = history(chance)
    told = []
    for play in range(3):
        several = [*events, *chance.choices(events, k=20)] if play else list(events)
        if play:
            chance.shuffle(several)
        size = chance.choice([7, 40, 1000])
        batches = [several[start : start + size] for start in range(0, len(several), size)]
        async with databases.fresh(postgres.dsn(), template=template) as name:
            urls = postgres.dsn(name, user="bypunkt_app"), postgres.dsn(name)
            told.append(await reports_of(*urls, batches, again=play == 2))
    assert told[0] == told[1] == told[2]
    whole, point = (Content.read(text) for text in told[0])
    assert whole.availability == point.availability
    assert point.availability is not None
    assert point.availability.days == 3
    assert point.availability.clock.down > 0
    assert point.usage is not None
    assert point.usage.reported_days == 6
    assert point.usage.visitor_days.low < point.usage.visitor_days.high or point.usage.visitor_days.low == 0
    assert point.points[0].longest is not None


def line(*parts: tuple[int, Condition]) -> list[Stretch]:
    ends = [*(start for start, _ in parts[1:]), parts[-1][0] + 10]
    return [Stretch(start, end, condition) for (start, condition), end in zip(parts, ends, strict=True)]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(0, Condition.UP)], None),
        ([(0, Condition.UP), (5, Condition.DOWN), (8, Condition.UP)], (5, 8)),
        ([(0, Condition.DOWN), (4, Condition.LOST), (9, Condition.UP)], (0, 9)),
        ([(0, Condition.DOWN), (4, Condition.BLIND), (6, Condition.DOWN), (9, Condition.UP)], (0, 4)),
        ([(0, Condition.DOWN), (4, Condition.MAINTENANCE), (6, Condition.DOWN)], (6, 16)),
        ([(0, Condition.DEGRADED), (4, Condition.UP)], None),
    ],
)
def test_longest_outage_is_one_without_a_break(
    parts: list[tuple[int, Condition]], expected: tuple[int, int] | None
) -> None:
    found = longest(line(*parts))
    assert found == (Outage(start=expected[0], end=expected[1]) if expected else None)


def test_outage_goes_on_over_midnight() -> None:
    first, second = (
        [Stretch(0, 10, Condition.DOWN)],
        [Stretch(10, 15, Condition.DOWN), Stretch(15, 20, Condition.UP)],
    )
    assert longest([*first, *second]) == Outage(start=0, end=15)


async def test_nothing_is_known_of_a_place_without_devices(database_url: str) -> None:
    async with villages(database_url, devices={"hs-fornasa-1": "0583"}) as database:
        lane = await lane_of(database, HOME)
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            days = (date(2026, 8, 1), date(2026, 8, 31))
            assert await longest_outages(connection, HOME, *days) == {}
            assert (await published_usage(connection, HOME, *days)).points == {}


async def test_what_cannot_be_reported_says_why(database_url: str) -> None:
    async with villages(database_url) as database:
        for municipality, period, why in (
            (HOME, "2098-01", "is not over"),
            (HOME, "2026-08", "no day is counted so far"),
            ("9999", "2026-08", "there is no municipality 9999"),
        ):
            with pytest.raises(ReportRefused, match=why):
                await make_on_demand(
                    database,
                    report_sources(),
                    municipality,
                    period=ReportPeriod(period),
                    now=END + timedelta(days=9),
                )


async def test_mail_is_looked_after_only_where_a_server_is_set(database_url: str) -> None:
    async with Database.open(database_url) as database:
        assert set(report_jobs(database, ReportOptions(), clock=now)) == {"reports"}
        mailed = ReportOptions(smtp_host="127.0.0.1", sender="rapport@example.org")
        assert set(report_jobs(database, mailed, clock=now)) == {"reports", "report mail"}
