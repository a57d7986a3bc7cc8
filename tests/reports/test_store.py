"""Versions: the same figures are the same report, other figures are the next one, and none is ever changed."""

from datetime import date, timedelta

import asyncpg
import pytest

from services.reports.models import Content, fingerprint
from services.reports.naming import Kind
from services.reports.store import Report, ReportName, names, report
from services.storage.database import Lane, Role, Tenants
from tests.reports.reporting import AUGUST, HOME, LATER, POINT, Desk


async def newest(at_desk: Desk, kind: Kind = Kind.MUNICIPALITY_MONTHLY, version: int | None = None) -> Report:
    name = ReportName(HOME, kind, POINT if kind.is_of_point else "", AUGUST)
    async with at_desk.database.transaction(Role.WEB, Tenants((HOME,))) as connection:
        found = await report(connection, name, version)
    assert found is not None
    return found


async def test_same_figures_later_are_no_new_version(at_desk: Desk) -> None:
    first = await at_desk.make()
    assert sorted((made.kind, made.version) for made in first) == [
        (Kind.MUNICIPALITY_MONTHLY, 1),
        (Kind.POINT_MONTHLY, 1),
    ]
    assert await at_desk.make(now=LATER + timedelta(days=1)) == []
    assert len(await at_desk.all()) == 2


async def test_late_truth_makes_the_next_version_and_marks_the_earlier_one(at_desk: Desk) -> None:
    await at_desk.make()
    before = await newest(at_desk)
    await at_desk.day(date(2026, 8, 3), down=7_199_999)
    assert {made.version for made in await at_desk.make(now=LATER + timedelta(days=1))} == {2}
    after, old = await newest(at_desk), await newest(at_desk, version=1)
    assert (old.canonical, old.hash, old.made_at) == (before.canonical, before.hash, before.made_at)
    assert (old.revised_by, after.revised_by, after.version) == (2, None, 2)
    assert after.hash != before.hash
    assert after.hash == fingerprint(after.canonical)


async def test_going_back_to_the_earlier_figures_is_a_version_too(at_desk: Desk) -> None:
    await at_desk.make()
    await at_desk.day(date(2026, 8, 3))
    await at_desk.make()
    await at_desk.day(date(2026, 8, 3), down=7_200_000)
    await at_desk.make()
    assert (await newest(at_desk)).version == 3
    assert (await newest(at_desk)).hash == (await newest(at_desk, version=1)).hash
    assert (await newest(at_desk, version=2)).revised_by == 3


async def test_time_of_making_is_not_in_what_is_hashed(at_desk: Desk) -> None:
    await at_desk.make()
    one = await newest(at_desk)
    await at_desk.admin.execute("TRUNCATE bypunkt.report CASCADE")
    await at_desk.make(now=LATER + timedelta(days=9))
    other = await newest(at_desk)
    assert (one.canonical, one.hash) == (other.canonical, other.hash)
    assert one.made_at != other.made_at


async def test_nobody_may_change_what_has_been_made(at_desk: Desk) -> None:
    await at_desk.make()
    for change in (
        "UPDATE report SET content = content",
        "UPDATE report SET version = 9",
        "DELETE FROM report",
    ):
        for role, scope in ((Role.WEB, Tenants((HOME,))), (Role.WORKER, Lane(at_desk.lane))):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with at_desk.database.transaction(role, scope) as connection:
                    await connection.execute(change)
    # Not even its owner can make a content that its hash does not fit.
    with pytest.raises(asyncpg.CheckViolationError):
        await at_desk.admin.execute("UPDATE bypunkt.report SET content = content || ' '")


async def test_each_sees_their_own(at_desk: Desk) -> None:
    await at_desk.make()
    assert len(await at_desk.all(HOME)) == 2
    assert await at_desk.all("0583") == []
    async with at_desk.database.transaction(Role.WEB, Tenants((HOME,))) as connection:
        assert POINT in await names(connection, HOME)
        assert await names(connection, "0583") == {}


async def test_stored_text_reads_and_writes_itself(at_desk: Desk) -> None:
    await at_desk.make()
    for kind in (Kind.MUNICIPALITY_MONTHLY, Kind.POINT_MONTHLY):
        found = await newest(at_desk, kind)
        assert Content.read(found.canonical).canonical == found.canonical
