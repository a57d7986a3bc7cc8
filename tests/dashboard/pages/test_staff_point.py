"""A point's page for staff: two figures with their coverage, what was out of order, and what comes."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest

from dashboard.web import keys
from services.tenants.access import PersonRole
from tests.dashboard.lived import counted, lived, midnight
from tests.dashboard.staffed import LIDHULT, Staffed

PAGE = "/staff/points/dp-lidhult"
SECOND = ("0781", "hs-lidhult-2")
# Noon by the wall clock of the day before yesterday: no night on which the clock moves makes the day longer.
OUT = (2, (720, 810, "down", "silent"))


async def shown(site: Staffed, path: str, role: PersonRole = PersonRole.VIEWER, status: int = 200) -> str:
    async with site.signed_in(role) as http, http.get(path) as answer:
        assert answer.status == status
        return await answer.text()


def figures(page: str) -> list[tuple[str, str]]:
    """Each number with its coverage, as they stand on the page."""
    parts = re.findall(r'data-figure="\w+">.*?</li>', page, re.DOTALL)
    return [
        (
            re.sub(
                r"<[^>]+>",
                "",
                re.findall(r'class="availability-number">.*?</svg>\s*(.*?)</p>', part, re.DOTALL)[0],
            ),
            re.findall(r"data-coverage>([^<]+)<", part)[0],
        )
        for part in parts
    ]


async def test_an_outage_costs_what_it_lasted(site: Staffed) -> None:
    for device in (LIDHULT, SECOND):
        await lived(site, device, days=10, befell=[OUT])
    await counted(site)
    page = await shown(site, f"{PAGE}?days=7")
    lost = round(90 * 10_000 / (7 * 1440))
    assert figures(page)[0][1] == "100,00\N{NO-BREAK SPACE}%"
    assert figures(page)[0][0].startswith(f"{(10_000 - lost - 1) // 100},")
    assert "1 h 30 min" in page
    assert re.search(
        r"<th scope=\"row\">Ingen kontakt</th>\s*<td>.* 12:00</time> – <time[^>]*>.* 13:30", page
    )
    assert page.count('data-look="partly"') == 2  # the cell, and its key
    assert "Hela dygn" in page


async def test_one_hotspot_that_works_is_enough(site: Staffed) -> None:
    await lived(site, LIDHULT, days=10, befell=[OUT])
    await lived(site, SECOND, days=10)
    await counted(site)
    page = await shown(site, PAGE)
    assert figures(page)[0] == ("100,00\N{NO-BREAK SPACE}%", "100,00\N{NO-BREAK SPACE}%")
    assert "Inget avbrott" in page
    assert "10 av 30 dygn är räknade." in page


async def test_too_little_known_gives_no_number_but_says_how_much(site: Staffed) -> None:
    for device in (LIDHULT, SECOND):
        await lived(site, device, days=1, befell=[(1, (0, 720, "blind", "not_watched"))])
    await counted(site)
    page = await shown(site, PAGE)
    assert [number for number, _coverage in figures(page)] == ["Underlag saknas"] * 2
    assert all(coverage.startswith(("5", "4")) for _number, coverage in figures(page))
    assert "data-number" not in page.partition("usage-title")[0]


async def test_new_point_says_when_there_will_be_something(site: Staffed) -> None:
    page = await shown(site, PAGE)
    assert "Inget dygn är räknat än" in page
    assert figures(page) == []
    assert "hs-lidhult-1" in page
    assert "Ingen användning är räknad" in page


async def test_last_24_hours_are_counted_live(site: Staffed) -> None:
    for device in (LIDHULT, SECOND):
        await lived(site, device, days=3)
        await site.run(
            "UPDATE status_interval SET ends_at = $2 WHERE device = $1",
            device[1],
            site.now() - timedelta(hours=6),
        )
        await site.run(_DOWN, *device, site.now() - timedelta(hours=6))
    page = await shown(site, f"{PAGE}?days=1")
    # The window ends with a whole minute, so up to one of the 1,440 is not in it.
    assert re.fullmatch(r"75,0[0-6]\s%", figures(page)[0][0])
    assert re.search(r"<th scope=\"row\">Ingen kontakt</th>\s*<td>.* – pågår", page)
    assert "Dygnet som tabell" in page
    assert re.search(r'href="/staff/points/dp-lidhult/explain\?days=1&amp;until=\d{13}"', page)


async def test_planned_work_is_told_with_its_next_time_and_what_it_is_on(site: Staffed) -> None:
    naive = midnight(site, -3).replace(tzinfo=None)
    for point, device, rule, reason in (
        ("dp-lidhult", None, None, "ny router"),
        (None, "hs-lidhult-1", "FREQ=DAILY", "uppdatering"),
        (None, None, None, "elavbrott i kommunen"),
    ):
        await site.run(_WORK, "0781", point, device, naive, naive + timedelta(hours=2), rule, reason)
    await site.run(_WORK, "0583", "sp-fornasa", None, naive, naive + timedelta(hours=2), None, "någon annans")
    await site.run(
        _WORK, "0781", "dp-lidhult", None, naive - timedelta(days=9), naive - timedelta(days=8), None, "förbi"
    )
    page = await shown(site, PAGE)
    planned = page.partition('id="maintenance-title"')[2].partition("</section>")[0]
    for words in (
        "ny router",
        "hela platsen",
        "uppdatering",
        "hs-lidhult-1",
        "(återkommer)",
        "hela kommunen",
    ):
        assert words in planned, words
    assert "någon annans" not in page
    assert "förbi" not in page


async def test_page_is_whole_in_english(site: Staffed) -> None:
    await lived(site, LIDHULT, days=2)
    await counted(site)
    page = await shown(site, f"{PAGE}?days=365&lang=en")
    for words in (
        "Around the clock",
        "While open",
        "Coverage",
        "2 of 365 days are counted.",
        "How the figures were made",
    ):
        assert words in page, words
    assert "style=" not in page


@pytest.mark.parametrize("days", ["8", "0", "-1", "x"])
async def test_period_that_is_not_offered_is_refused(site: Staffed, days: str) -> None:
    await shown(site, f"{PAGE}?days={days}", status=400)


async def test_foreign_and_missing_points_look_the_same(site: Staffed) -> None:
    pages = [
        (await shown(site, f"/staff/points/{point}", status=404)).partition("<main")[2]
        for point in ("sp-fornasa", "sp-nowhere", "'; DROP TABLE event")
    ]
    assert len(set(pages)) == 1


async def test_only_who_may_see_devices_sees_it(site: Staffed) -> None:
    await shown(site, PAGE, PersonRole.NETWORK, status=403)
    await shown(site, "/staff/points/sp-fornasa", PersonRole.INSTALLATION_ADMIN)


async def test_database_that_is_away_is_said_to_be_our_fault(site: Staffed) -> None:
    async with site.signed_in() as http:
        database = site.app[keys.DATABASE]
        with patch.object(database, "transaction", side_effect=ConnectionRefusedError):
            async with http.get(PAGE) as answer:
                assert answer.status == 503
                assert "Felet är hos oss" in await answer.text()


async def test_overview_leads_to_the_point(site: Staffed) -> None:
    assert 'href="/staff/points/dp-lidhult"' in await shown(site, "/staff")


_DOWN = """
INSERT INTO status_interval (municipality, device, starts_at, state, reason) VALUES ($1, $2, $3, 'down', 'silent')
"""
_WORK = """
INSERT INTO maintenance (municipality, point, device, starts, ends, rule, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
