"""What changed since yesterday: by the rule of a point's line, broken first, each kind told apart."""

from datetime import datetime
from typing import Any

import pytest

from dashboard import since_yesterday
from dashboard.pages.staff import queries
from dashboard.since_yesterday import (
    NOT_WATCHED,
    WITHOUT_INTERNET,
    Change,
    Kind,
    changes_of,
    lately,
    unseen_of,
    window_of,
)
from dashboard.staff_views import PointGroup
from services.runtime.spans import Span
from services.status.moments import millis, moment
from services.storage.database import Role, Tenants
from tests.dashboard.lived import State, lived, midnight
from tests.dashboard.staffed import LIDHULT, Staffed

SECOND = ("0781", "hs-lidhult-2")
MINUTE = 60_000
DOWN = ("down", "silent")


def noon_of_yesterday(site: Staffed) -> int:
    """A whole minute: half a day after yesterday began."""
    return millis(midnight(site, 1)) + 720 * MINUTE


async def asked(site: Staffed) -> tuple[list[Any], list[Change], Span]:
    window = window_of(site.now())
    async with site.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        rows = await connection.fetch(
            queries.troubled_points, moment(window.start), moment(window.end), NOT_WATCHED, WITHOUT_INTERNET
        )
        return rows, await changes_of(connection, rows, window), window


async def alone(site: Staffed, *befell: tuple[int, State], days: int = 3) -> None:
    """What befell the only hotspot of the point."""
    await site.run("UPDATE device SET point = NULL WHERE id = 'hs-lidhult-2'")
    await site.run("UPDATE placement SET point = NULL WHERE device = 'hs-lidhult-2'")
    await lived(site, LIDHULT, days=days, befell=befell)


async def goes_on(site: Staffed, state: str, reason: str) -> None:
    await site.run(
        "UPDATE status_interval SET state = $1, reason = $2 WHERE ends_at IS NULL AND device = $3",
        state,
        reason,
        LIDHULT[1],
    )


async def test_what_came_back_says_how_long_it_was_away(site: Staffed) -> None:
    await alone(site, (1, (720, 740, *DOWN)), (1, (760, 770, "degraded", "uplink_lost")))
    _rows, (change,), _window = await asked(site)
    start = noon_of_yesterday(site)
    assert (change.kind, change.at, change.number) == (Kind.BACK, start + 50 * MINUTE, 2)
    assert (change.lasted, change.from_before) == (30 * MINUTE, False)
    assert change.newest.without_internet


async def test_one_hotspot_that_works_is_no_change_nor_is_what_is_late(site: Staffed) -> None:
    await lived(site, LIDHULT, days=3, befell=[(1, (720, 740, *DOWN))])
    await lived(site, SECOND, days=3, befell=[(1, (600, 780, "degraded", "late"))])
    rows, changes, _window = await asked(site)
    assert [row["point"] for row in rows] == ["dp-lidhult"]
    assert changes == []


async def test_what_broke_and_is_broken_still(site: Staffed) -> None:
    await alone(site, (1, (720, 721, "degraded", "restarting")))
    await goes_on(site, *DOWN)
    _rows, (change,), window = await asked(site)
    assert (change.kind, change.at) == (Kind.BROKEN, noon_of_yesterday(site) + MINUTE)
    assert change.lasted == window.end - change.at


async def test_what_was_broken_all_the_time_has_not_changed(site: Staffed) -> None:
    await alone(site, (3, (720, 721, *DOWN)))
    await goes_on(site, *DOWN)
    rows, changes, _window = await asked(site)
    assert rows[0]["broke"]
    assert changes == []


async def test_what_broke_before_and_came_back_does_not_pretend_to_know_its_length(site: Staffed) -> None:
    await alone(site, (2, (720, 1440 + 720, *DOWN)))
    _rows, (change,), _window = await asked(site)
    assert (change.kind, change.from_before, change.lasted) == (Kind.BACK, True, 720 * MINUTE)


async def test_outage_that_begins_at_midnight_is_one_of_yesterday(site: Staffed) -> None:
    await alone(site, (1, (0, 60, *DOWN)))
    _rows, (change,), _window = await asked(site)
    assert (change.from_before, change.lasted) == (False, 60 * MINUTE)


async def test_what_we_lost_from_sight_while_it_was_broken_has_not_come_back(site: Staffed) -> None:
    await alone(site, (1, (720, 740, *DOWN)))
    await goes_on(site, "blind", "not_watched")
    rows, (change,), window = await asked(site)
    assert (change.kind, change.at) == (Kind.UNSEEN, noon_of_yesterday(site) + 20 * MINUTE)
    unseen = unseen_of(rows, window)
    assert unseen is not None
    assert (unseen.points, unseen.starts_at, unseen.ends_at) == (1, moment(change.at), None)


async def test_our_own_outage_is_one_line_for_all_and_no_change(site: Staffed) -> None:
    blind = ("blind", "not_watched")
    await lived(site, LIDHULT, days=3, befell=[(1, (720, 740, *blind))])
    await lived(site, SECOND, days=3, befell=[(1, (710, 730, *blind))])
    rows, changes, window = await asked(site)
    assert changes == []
    unseen = unseen_of(rows, window)
    assert unseen is not None
    noon = noon_of_yesterday(site)
    assert (unseen.points, unseen.starts_at) == (1, moment(noon - 10 * MINUTE))
    assert unseen.ends_at == moment(noon + 20 * MINUTE)


async def test_planned_work_is_no_outage(site: Staffed) -> None:
    await alone(site, (1, (720, 740, *DOWN)))
    await site.run(
        "INSERT INTO maintenance (municipality, point, starts, ends, reason)"
        " VALUES ('0781', 'dp-lidhult', $1, $2, 'byte')",
        datetime.combine(midnight(site, 1).date(), datetime.min.time().replace(hour=11)),
        datetime.combine(midnight(site, 1).date(), datetime.min.time().replace(hour=14)),
    )
    assert (await asked(site))[1] == []


async def test_ten_lines_and_how_many_more(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    await alone(site, (1, (720, 740, *DOWN)))
    rows, (change,), window = await asked(site)
    group = PointGroup("dp-lidhult", "Lidhult", "Lidhult", "0781", paused=False, devices=())

    def shown(*, everything: bool) -> since_yesterday.Lately:
        return lately(
            rows, [change] * 13, window=window, groups=[group], names={}, everything=everything, lang="sv"
        )

    assert (len(shown(everything=False).changes), shown(everything=False).more) == (10, 3)
    assert (len(shown(everything=True).changes), shown(everything=True).more) == (13, 0)
    assert shown(everything=True).changes[0].detail == "Ingen kontakt, borta 20 min"
    monkeypatch.setattr(since_yesterday, "EXAMINED", 0)
    assert shown(everything=True).unexamined == 1
