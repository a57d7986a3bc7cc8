"""What is read back: sums of whole days, whether they come from days or from months, and no more than is needed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import pytest

from benchmarks.history import fill
from services.availability import store
from services.availability.figures import Figures, Times
from services.availability.standing import Key
from services.storage.database import Connection, Database, Role, Tenants
from tests.availability.counting import DEVICE, HOME, OTHER, POINT, Counting, at, counting
from tests.support.villages import villages

FIRST, UNTIL = date(2025, 1, 10), date(2026, 3, 18)
STAFF = Tenants((HOME, "0583"))


@pytest.fixture
async def filled(database_url: str, admin_url: str) -> AsyncIterator[Database]:
    """Twelve points with fourteen months of days."""
    async with villages(database_url) as database:
        admin = await asyncpg.connect(admin_url)
        try:
            await fill(admin, HOME, 12, first=FIRST, until=UNTIL)
        finally:
            await admin.close()
        yield database


async def summed(connection: Connection, first: date, last: date) -> dict[Key, Figures]:
    """The same from days alone."""
    found: dict[Key, Figures] = {}
    for number in range(1, 13):
        name = f"sp-{number:04}"
        days = await store.days_of(connection, "point", HOME, subject=name, first=first, last=last)
        for day in days:
            found[Key(HOME, name)] = found.get(Key(HOME, name), Figures()).plus(day.figures)
    return found


async def test_figures_of_any_stretch_are_the_sum_of_its_days(filled: Database) -> None:
    chance = Random(7)
    stretches = [
        (FIRST, UNTIL - timedelta(days=1)),
        (date(2025, 1, 1), date(2026, 12, 31)),
        (date(2025, 2, 1), date(2025, 2, 28)),
        (date(2025, 5, 31), date(2025, 6, 1)),
        (date(2025, 3, 2), date(2025, 3, 30)),
        (UNTIL, UNTIL),
        (date(2025, 7, 1), date(2025, 7, 1)),
        (date(2025, 12, 31), date(2026, 3, 17)),
        (date(2026, 3, 5), date(2026, 3, 16)),
    ]
    for _ in range(12):
        first = FIRST + timedelta(days=chance.randrange(-5, 430))
        stretches.append((first, first + timedelta(days=chance.choice([0, 1, 29, 31, 89, 200, 364]))))
    async with filled.transaction(Role.WEB, STAFF) as connection:
        for first, last in stretches:
            found = await store.figures_of(connection, "point", first, last)
            assert found == await summed(connection, first, last), (first, last)
        some = {(HOME, "sp-0003"), (HOME, "sp-0007"), (HOME, "no-such-point")}
        whole = await store.figures_of(connection, "point", FIRST, UNTIL)
        part = await store.figures_of(connection, "point", FIRST, UNTIL, subjects=some)
        assert part == {key: figures for key, figures in whole.items() if key in some}
        assert [part[Key(HOME, name)].hours_known for name in ("sp-0003", "sp-0007")] == [False, True]
        assert part[Key(HOME, "sp-0007")].days < whole[Key(HOME, "sp-0001")].days == (UNTIL - FIRST).days
        assert await store.figures_of(connection, "device", FIRST, UNTIL) == {}


async def test_nobody_sees_the_figures_of_another_municipality(filled: Database) -> None:
    async with filled.transaction(Role.WEB, Tenants(("0583",))) as connection:
        assert await store.figures_of(connection, "point", FIRST, UNTIL) == {}
        assert (
            await store.days_of(connection, "point", HOME, subject="sp-0001", first=FIRST, last=UNTIL) == []
        )
        assert await store.counted_until(connection) is None


async def test_counted_days_are_read_with_their_versions(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        await counted_twice(lane)
        async with lane.database.transaction(Role.WEB, STAFF) as connection:
            days = await store.days_of(
                connection, "device", HOME, subject=DEVICE, first=date(2026, 9, 1), last=date(2026, 9, 30)
            )
            versions = await store.versions_of(
                connection, "device", HOME, subject=DEVICE, first=date(2026, 9, 1), last=date(2026, 9, 30)
            )
            figures = await store.figures_of(connection, "device", date(2026, 9, 1), date(2026, 9, 30))
            points = await store.figures_of(connection, "point", date(2026, 9, 1), date(2026, 9, 30))
            until = await store.counted_until(connection)
    assert [(day.day.day, day.version, day.rule, day.figures.clock.down) for day in days] == [
        (7, 1, 1, 0), (8, 2, 1, 3_600_000),
    ]  # fmt: skip
    (before,) = versions
    assert (before.day.day, before.version, before.figures.clock.up) == (8, 1, 86_400_000)
    assert before.computed_at == datetime(2026, 9, 16, 12, tzinfo=UTC) == before.replaced_at
    assert figures[Key(HOME, DEVICE)].clock == Times(up=172_800_000 - 3_600_000, down=3_600_000)
    assert points == {Key(HOME, POINT): figures[Key(HOME, DEVICE)]}
    assert Key(HOME, OTHER) not in figures
    assert until is None  # the other municipality's lane is not counted yet


async def counted_twice(lane: Counting) -> None:
    await lane.measure(DEVICE, (at(0), "heard"))
    await lane.over(2)
    await lane.count()
    await lane.measure(DEVICE, (at(0), "heard"), (at(1, 5), "silent"), (at(1, 6), "heard"))
    await lane.count()


async def test_no_more_is_read_than_is_asked_for(database_url: str, admin_url: str) -> None:
    """Of 100,000 days of 250 points nothing is read in order of the table, and not ten times what is summed up."""
    until = date(2026, 3, 18)
    async with villages(database_url) as database:
        admin = await asyncpg.connect(admin_url)
        try:
            await fill(admin, HOME, 250, first=date(2025, 2, 1), until=until)
        finally:
            await admin.close()
        async with database.transaction(Role.WEB, STAFF) as connection:
            year = (date(2025, 3, 18), date(2026, 3, 17))
            month = (date(2026, 2, 16), date(2026, 3, 17))
            one = ([HOME], ["sp-0001"])
            whole = [
                [date for part in store.parts_of(*days, until) for date in part] for days in (year, month)
            ]
            plans = [
                await looked_at(connection, store.queries.figures, "point", *whole[0], None, None),
                await looked_at(connection, store.queries.figures, "point", *whole[1], None, None),
                await looked_at(connection, store.queries.figures, "point", *whole[0], *one),
                await looked_at(connection, store.queries.days, HOME, "point", "sp-0001", *year),
            ]
    # Eleven or one whole months, and the days of the month that began before: fourteen of March, thirteen of February.
    wanted = [250 * (12 + 14), 250 * (1 + 13), 12 + 14, 365]
    assert [rows <= 1.1 * most + 40 for rows, most in zip(plans, wanted, strict=True)] == [True] * 4, plans


async def looked_at(connection: Connection, statement: str, *arguments: object) -> int:
    """How many rows of days and months a statement reads, those among them that it then leaves out."""
    (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments))
    return sum(_rows(plan["Plan"]))


def _rows(node: dict[str, object]) -> list[int]:
    name = str(node.get("Relation Name", ""))
    children = node.get("Plans", [])
    assert isinstance(children, list)
    below = [number for child in children for number in _rows(child)]
    if not name.startswith("availability_") or name == "availability_lane":
        return below
    assert name != "availability_day" or node["Node Type"] != "Seq Scan", node
    read = [
        int(str(node.get(key, 0)))
        for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    ]
    return [sum(read) * int(str(node["Actual Loops"])), *below]
