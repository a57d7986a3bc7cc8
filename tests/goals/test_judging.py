"""Goals are judged lane by lane, again and again; what changes late is a new version, and the old one stays."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from services.goals.judging import MARGIN, GoalKeeper, Measure
from services.goals.measures import Worked, share
from services.goals.models import Measured, Part, Scope, Status, Why, Window
from services.goals.registered import measure_basic_services, measure_hours
from services.goals.store import Standing, standings_of
from services.storage.database import Connection, Database, Lane, Role, Tenants
from services.tenants.importing import import_registry
from services.tenants.models import MetricName, RegistryFile
from services.tenants.periods import Period
from tests.support.villages import lane_of, registry, villages

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
HOUR = 3_600_000
BOTH = Tenants(("0781", "0583"))
WIFI: dict[str, Any] = {
    "id": "g-wifi", "municipality": "0781", "metric": "wifi_availability", "target": 99, "period": "month",
    "owner": "Ljungby kommun", "valid_from": "2026-01-01",
}  # fmt: skip

_MONTH = """
INSERT INTO availability_month (
    municipality, kind, subject, month, days, up_ms, degraded_ms, lost_ms, down_ms, blind_ms, maintenance_ms,
    open_up_ms, open_degraded_ms, open_lost_ms, open_down_ms, open_blind_ms, open_maintenance_ms, hours_days, outages,
    computed_at
)
VALUES ('0781', 'point', 'dp-lidhult', $1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, $2)
"""


class Counted:
    """A made-up measure: hours out of order in each month, of 720, by scope; asked is what it was asked."""

    def __init__(self) -> None:
        self.out: dict[tuple[Scope, int], int] = {}
        self.asked: list[tuple[list[Scope], Window]] = []

    async def measure(
        self, _connection: Connection, scopes: Sequence[Scope], window: Window
    ) -> Mapping[Scope, Measured]:
        self.asked.append((list(scopes), window))
        return {scope: self._said(scope, window) for scope in scopes}

    def _said(self, scope: Scope, window: Window) -> Measured:
        if window.measured is None:
            return Measured(None, Fraction(0), why=Why.NOTHING_YET)
        out = self.out.get((scope, window.period.first.month), 0)
        passed = 720 if window.is_over else 24 * window.measured.days
        time = Worked((passed - out) * HOUR, out * HOUR, Fraction(passed * HOUR), (720 - passed) * HOUR)
        return share(time, [("dp-lidhult", time)], coverage=Fraction(1))


@asynccontextmanager
async def judged(
    url: str, goals: list[dict[str, Any]], *, measures: Mapping[MetricName, Measure], now: datetime = NOW
) -> AsyncIterator[tuple[Database, GoalKeeper]]:
    async with villages(url) as database:
        await import_registry(database, RegistryFile.model_validate({"goals": goals}))
        yield database, GoalKeeper(database, measures=measures, clock=lambda: now)


async def counted_until(admin_url: str, day: date) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("UPDATE bypunkt.availability_lane SET counted_until = $1", day)
        await connection.execute(
            "INSERT INTO bypunkt.availability_lane SELECT lane, $1 FROM bypunkt.lane ON CONFLICT DO NOTHING",
            day,
        )
    finally:
        await connection.close()


async def month_counted(admin_url: str, month: date, at: datetime) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SET search_path = bypunkt")
        await connection.execute(_MONTH, month, at)
    finally:
        await connection.close()


async def standings(database: Database, scope: Tenants = BOTH) -> dict[str, Standing]:
    async with database.transaction(Role.WEB, scope) as connection:
        return {standing.goal.id: standing for standing in await standings_of(connection, periods=50)}


async def before(database: Database) -> list[tuple[str, date, int, dict[str, Any]]]:
    async with database.transaction(Role.WEB, BOTH) as connection:
        rows = await connection.fetch("SELECT * FROM goal_result_before ORDER BY goal, first_day, version")
    return [(row["goal"], row["first_day"], row["version"], row["result"]) for row in rows]


async def test_every_period_that_has_begun_is_judged_and_again_without_a_trace(
    database_url: str, admin_url: str
) -> None:
    counted = Counted()
    counted.out[Scope("0781"), 2] = 8
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await counted_until(admin_url, date(2026, 3, 15))
        assert len(await keeper.once()) == 3
        march, february, january = (await standings(database))["g-wifi"].results
        assert [each.verdict.status for each in (january, february, march)] == [
            Status.MET,
            Status.NOT_MET,
            Status.ON_TRACK,
        ]
        assert (march.is_over, march.counted_to, march.period) == (
            False,
            date(2026, 3, 14),
            Period(date(2026, 3, 1), date(2026, 3, 31)),
        )
        assert february.verdict.value == Fraction(100 * 712, 720)
        assert february.verdict.parts == (Part("dp-lidhult", Fraction(100 * 712, 720), Fraction(1)),)
        assert february.verdict.budget is not None
        assert february.verdict.budget.left == 720 * HOUR // 100 - 8 * HOUR
        assert await keeper.once() == []
        assert {each.version for each in (january, february, march)} == {1}


async def test_late_truth_is_a_new_version_of_a_period_that_is_over_and_the_old_one_stays(
    database_url: str, admin_url: str
) -> None:
    counted = Counted()
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await counted_until(admin_url, date(2026, 3, 15))
        await keeper.once()
        counted.out |= {(Scope("0781"), 1): 10, (Scope("0781"), 3): 1}
        news = {each.first_day: each for each in await keeper.once(everything=True)}
        assert {day: (each.version, each.status) for day, each in news.items()} == {
            date(2026, 1, 1): (2, Status.NOT_MET),
            date(2026, 3, 1): (1, Status.ON_TRACK),
        }
        ((goal, day, version, result),) = await before(database)
        assert (goal, day, version) == ("g-wifi", date(2026, 1, 1), 1)
        assert (result["status"], result["value_part"], result["value_whole"]) == ("met", 100, 1)
        counted.out.clear()
        await keeper.once(everything=True)
        assert [version for *_, version, _ in await before(database)] == [1, 2]


async def test_nothing_is_over_before_its_days_are_counted(database_url: str, admin_url: str) -> None:
    counted = Counted()
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await keeper.once()
        assert {each.verdict.why for each in (await standings(database))["g-wifi"].results} == {
            Why.NOTHING_YET
        }
        await counted_until(admin_url, date(2026, 2, 28))
        await keeper.once()
        _, february, january = (await standings(database))["g-wifi"].results
        assert (january.is_over, february.is_over) == (True, False)
        await counted_until(admin_url, date(2027, 1, 1))
        await keeper.once()
        march, february, _ = (await standings(database))["g-wifi"].results
        assert (february.is_over, february.version, march.is_over) == (True, 1, False)


async def test_a_goal_holds_as_long_as_it_says(database_url: str, admin_url: str) -> None:
    counted = Counted()
    goals = [WIFI | {"valid_until": "2026-02-28"}, WIFI | {"id": "g-later", "valid_from": "2026-04-01"}]
    async with judged(database_url, goals, measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await counted_until(admin_url, date(2026, 3, 15))
        await keeper.once()
        by_name = await standings(database)
    assert [each.period.first for each in by_name["g-wifi"].results] == [date(2026, 2, 1), date(2026, 1, 1)]
    assert by_name["g-later"].results == ()


async def test_only_what_may_have_changed_is_asked_again_and_once_a_day_everything(
    database_url: str, admin_url: str
) -> None:
    counted = Counted()
    moment = [NOW]
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (database, _):
        keeper = GoalKeeper(
            database, measures={"wifi_availability": counted.measure}, clock=lambda: moment[0]
        )

        async def asked() -> list[int]:
            counted.asked.clear()
            await keeper.once()
            return sorted(window.period.first.month for _, window in counted.asked)

        await counted_until(admin_url, date(2026, 3, 15))
        assert await asked() == [1, 2, 3]
        assert await asked() == []
        await month_counted(admin_url, date(2026, 2, 1), NOW)
        assert await asked() == [2]
        moment[0] += 2 * MARGIN
        assert await asked() == [2]  # it may have become known only just after the last time
        assert await asked() == []
        await counted_until(admin_url, date(2026, 3, 14))
        assert await asked() == [3]
        moment[0] += timedelta(days=1)
        assert await asked() == [1, 2, 3]


async def test_corrected_promise_is_judged_at_once(database_url: str) -> None:
    counted = Counted()
    goal = WIFI | {"valid_from": "2026-03-01", "target": 100}
    async with judged(database_url, [goal], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await keeper.once()
        assert await keeper.once() == []
        await import_registry(database, RegistryFile.model_validate({"goals": [goal | {"target": 90}]}))
        assert (await standings(database))["g-wifi"].results == ()
        assert len(await keeper.once()) == 1
        await import_registry(
            database, RegistryFile.model_validate({"goals": [goal | {"target": 90, "owner": "X"}]})
        )
        assert await keeper.once() == []


async def test_hours_that_change_are_seen_on_the_same_day(database_url: str) -> None:
    hours = WIFI | {"metric": "hours_per_week", "municipality": "0583", "point": "sp-fornasa", "target": 50,
                    "valid_from": "2026-03-01"}  # fmt: skip
    async with judged(database_url, [hours], measures={"hours_per_week": measure_hours}) as (
        database,
        keeper,
    ):
        await keeper.once()
        villages_now = registry().model_dump(mode="json")
        villages_now["service_points"][1]["hours_exceptions"] = [
            {"date": "2026-03-20", "opening_hours": "off"}
        ]
        await import_registry(database, RegistryFile.model_validate(villages_now))
        (news,) = await keeper.once()
    assert news.goal == "g-wifi"


async def test_one_question_is_asked_for_all_goals_of_a_metric_and_period(database_url: str) -> None:
    counted = Counted()
    goals = [WIFI, WIFI | {"id": "g-point", "point": "dp-lidhult"}, WIFI | {"id": "g-half", "target": 50}]
    async with judged(database_url, goals, measures={"wifi_availability": counted.measure}) as (_, keeper):
        await keeper.once()
    asked = [(scopes, window.period.first.month) for scopes, window in counted.asked]
    assert sorted(asked, key=lambda each: each[1]) == [
        ([Scope("0781", "dp-lidhult"), Scope("0781")], month) for month in (1, 2, 3)
    ]


async def test_one_that_cannot_be_answered_does_not_keep_the_others_from_it(
    database_url: str, admin_url: str
) -> None:
    async def broken(_: Connection, __: Sequence[Scope], ___: Window) -> Mapping[Scope, Measured]:
        raise ValueError("made to fail")

    counted = Counted()
    visits = WIFI | {"id": "a-visits", "metric": "visitor_days", "valid_from": "2026-03-01"}
    measures: Mapping[MetricName, Measure] = {"wifi_availability": counted.measure, "visitor_days": broken}
    async with judged(database_url, [visits, WIFI], measures=measures) as (database, keeper):
        await counted_until(admin_url, date(2026, 3, 15))
        for _ in range(40):
            with pytest.raises(ValueError, match="made to fail"):
                await keeper.once()
        by_name = await standings(database)
    assert len(by_name["g-wifi"].results) == 3
    assert by_name["a-visits"].results == ()


async def test_a_metric_without_data_says_so_and_is_never_met(database_url: str) -> None:
    board = WIFI | {
        "id": "g-board",
        "metric": "notice_board_renewed",
        "period": "week",
        "valid_from": "2026-03-02",
    }
    async with judged(database_url, [board], measures={}) as (database, keeper):
        await keeper.once()
        results = (await standings(database))["g-board"].results
    assert {(each.verdict.status, each.verdict.why) for each in results} == {
        (Status.INSUFFICIENT_DATA, Why.NO_DATA_YET)
    }


async def test_the_registry_answers_for_hours_and_services(database_url: str, admin_url: str) -> None:
    goals = [
        WIFI | {"id": "g-hours", "municipality": "0583", "metric": "hours_per_week", "point": "sp-fornasa",
                "target": 40},
        WIFI | {"id": "g-basic", "municipality": "0583", "metric": "basic_services", "target": 1},
        WIFI | {"id": "g-digital", "municipality": "0583", "metric": "basic_services", "point_kind": "digital",
                "target": 1},
    ]  # fmt: skip
    measures: Mapping[MetricName, Measure] = {
        "hours_per_week": measure_hours,
        "basic_services": measure_basic_services,
    }
    async with judged(database_url, goals, measures=measures) as (database, keeper):
        connection = await asyncpg.connect(admin_url)
        try:
            # Since the second of March nothing is sold there any longer.
            await connection.execute(
                "INSERT INTO bypunkt.point_services VALUES ('0583', 'sp-fornasa', '2026-03-02', '{wifi}')"
            )
        finally:
            await connection.close()
        await keeper.once()
        by_name = await standings(database)
        hours = [each.verdict for each in reversed(by_name["g-hours"].results)]
        assert [verdict.status for verdict in hours] == [Status.MET, Status.MET, Status.ON_TRACK]
        # These hours do not name the holidays: 45 hours each week, New Year's Day among them.
        assert [verdict.value for verdict in hours] == [Fraction(45)] * 3
        basic = [each.verdict for each in reversed(by_name["g-basic"].results)]
        assert [verdict.status for verdict in basic] == [Status.MET, Status.MET, Status.NOT_MET]
        assert {each.verdict.why for each in by_name["g-digital"].results} == {Why.NOTHING_KNOWN}
        changed = registry().model_copy(deep=True)
        await import_registry(database, changed)
        async with database.transaction(Role.WEB, BOTH) as reading:
            rows = await reading.fetch("SELECT services FROM point_services WHERE point = 'sp-fornasa'")
    assert len(rows) == 2  # an import that changes nothing leaves no trace in the history


async def test_several_workers_do_no_harm_and_a_lane_is_judged_by_one(
    database_url: str, admin_url: str
) -> None:
    counted = Counted()
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await counted_until(admin_url, date(2026, 3, 15))
        lane = await lane_of(database, "0781")
        async with database.transaction(Role.WORKER, Lane(lane)) as connection:
            assert await connection.fetchval("SELECT pg_try_advisory_xact_lock(7381241, $1::integer)", lane)
            assert await keeper.turn(lane) == []
        assert len(await keeper.turn(lane)) == 3


async def test_nobody_sees_the_goals_of_another_municipality(database_url: str) -> None:
    counted = Counted()
    async with judged(database_url, [WIFI], measures={"wifi_availability": counted.measure}) as (
        database,
        keeper,
    ):
        await keeper.once()
        assert await standings(database, Tenants(("0583",))) == {}
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            assert await connection.fetchval("SELECT count(*) FROM goal_result") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.WEB, BOTH) as connection:
                await connection.execute("UPDATE goal_result SET status = 'met'")


async def test_results_are_kept_whole(database_url: str) -> None:
    """Fractions of any size come back as they went in."""
    odd = Fraction(10**30 + 1, 3**40)
    said = Measured(odd, Fraction(80, 81), projected=odd, parts=(Part("dp-x", None, Fraction(1, 3)),))

    async def measure(_: Connection, scopes: Sequence[Scope], __: Window) -> Mapping[Scope, Measured]:
        return dict.fromkeys(scopes, said)

    visits = WIFI | {"metric": "visitor_days", "target": 1}
    async with judged(database_url, [visits], measures={"visitor_days": measure}) as (database, keeper):
        await keeper.once()
        running, *_ = (await standings(database))["g-wifi"].results
    assert (running.verdict.value, running.verdict.projected, running.verdict.coverage) == (
        odd,
        odd,
        Fraction(80, 81),
    )
    assert running.verdict.parts == (Part("dp-x", None, Fraction(1, 3)),)
