"""The goals of a municipality, the worst first: the same figures as everywhere else, and never without coverage."""

import re
from datetime import date, timedelta

from config.goal_measures import MEASURES
from dashboard.figure_words import figure_views
from dashboard.web.times import local
from services.availability.standing import POINT, Key
from services.availability.store import figures_of
from services.goals.judging import GoalKeeper
from services.goals.store import standings_of
from services.storage.database import Role, Tenants
from services.tenants.access import PersonRole
from services.tenants.periods import period_at
from tests.dashboard.lived import counted, lived
from tests.dashboard.promised import promise, said
from tests.dashboard.staffed import FORNASA, LIDHULT, Staffed

JUNE, JULY, AUGUST = (period_at("month", date(2026, month, 1)) for month in (6, 7, 8))


async def page_of(
    site: Staffed, role: PersonRole = PersonRole.VIEWER, query: str = "", status: int = 200
) -> str:
    async with site.signed_in(role) as http, http.get(f"/staff/goals{query}") as answer:
        assert answer.status == status
        return await answer.text()


def row_of(page: str, goal: str) -> str:
    row: str = re.findall(rf'<article class="goal"[^>]* data-goal="{goal}".*?</article>', page, re.DOTALL)[0]
    return row


async def test_before_there_are_goals_it_says_what_one_is(site: Staffed) -> None:
    page = await page_of(site)
    assert "Här finns inga mål än" in page
    assert "Be den som sköter bypunkt" in page


async def test_worst_comes_first_and_each_says_so_in_words_and_shape(site: Staffed) -> None:
    await promise(site, "g-met", "g-blind", "g-risk", "g-missed", "g-track")
    await promise(site, "g-later", valid_from="2199-01-01")
    await said(site, "g-met", "met", AUGUST, value=(9991, 100))
    await said(site, "g-blind", "insufficient_data", AUGUST, coverage=79, why="low_coverage")
    await said(site, "g-risk", "at_risk", AUGUST, value=(98, 1), is_over=False)
    await said(site, "g-missed", "not_met", AUGUST, value=(9, 1))
    await said(site, "g-track", "on_track", AUGUST, value=(100, 1), is_over=False)
    page = await page_of(site)
    found = re.findall(
        r'<article class="goal" id="[^"]+" data-goal="([^"]+)" data-status="([^"]*)" data-state="([^"]+)"',
        page,
    )
    assert found == [
        ("g-missed", "not_met", "down"),
        ("g-risk", "at_risk", "partly"),
        ("g-blind", "insufficient_data", "unknown"),
        ("g-track", "on_track", "working"),
        ("g-met", "met", "working"),
        ("g-later", "", "unknown"),
    ]
    assert re.findall(r'<li data-count="(\w+)"><b class="figure">1</b> ([^<]+)<', page) == [
        ("not_met", "Inte uppfyllt"),
        ("at_risk", "Risk att det missas"),
        ("insufficient_data", "Underlag saknas"),
        ("on_track", "På väg att uppfyllas"),
        ("met", "Uppfyllt"),
    ]
    blind = row_of(page, "g-blind")
    assert "data-value" not in blind
    assert "79,00" in blind
    assert "under 80 procent" in blind
    assert "Börjar gälla" in row_of(page, "g-later")


async def test_goal_shows_value_budget_trend_and_its_periods(site: Staffed) -> None:
    await promise(site, "g-wifi")
    await said(site, "g-wifi", "met", JUNE, value=(9950, 100))
    await said(site, "g-wifi", "insufficient_data", JULY, coverage=10, why="low_coverage")
    hours = (26_784_000, 18_000_000)  # 7 h 26 min, of which 5 h
    await said(site, "g-wifi", "met", AUGUST, value=(99999, 1000), budget=hours, version=3)
    row = row_of(await page_of(site), "g-wifi")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", row)).replace("\N{NO-BREAK SPACE}", " ")
    assert "minst 99 %" in words
    assert "99,99 %" in words  # never rounded up to 100
    assert "2 h 26 min kvar av 7 h 26 min" in words
    assert "omräknad, version 3" in words
    assert "perioden före" not in words  # nothing is known of July
    assert "Ljungby kommun, IT-enheten" in words
    table = [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line)).replace("\N{NO-BREAK SPACE}", " ").strip()
        for line in re.findall(r"<tr>(.*?)</tr>", row, re.DOTALL)[1:]
    ]
    assert table == [
        "augusti 2026 Uppfyllt 99,99 % 100,00 % 3",
        "juli 2026 Underlag saknas – 10,00 % 1",
        "juni 2026 Uppfyllt 99,50 % 100,00 % 1",
    ]
    assert len(re.findall(r"<title>(?:juni|juli|augusti) 2026", row)) == 3


async def test_trend_is_told_where_both_are_known(site: Staffed) -> None:
    await promise(site, "g-wifi")
    await said(site, "g-wifi", "not_met", AUGUST, value=(0, 1))
    await said(site, "g-wifi", "met", JULY, value=(99, 1))
    row = row_of(await page_of(site, query="?lang=en"), "g-wifi")
    assert "worse than the period before" in row
    assert "0.00" in row


async def test_same_figures_to_the_last_digit_as_everywhere_else(site: Staffed) -> None:
    begins = str(period_at("week", local(site.now()).date() - timedelta(days=7)).first)
    await promise(site, "g-wifi", period="week", valid_from=begins)
    await promise(site, "g-open", period="week", valid_from=begins, metric="wifi_availability_open")
    await lived(
        site, LIDHULT, days=20, befell=[(day, (600, 690 + day, "down", "silent")) for day in range(1, 15)]
    )
    await site.run("UPDATE device SET lifecycle = 'suspended' WHERE id = 'hs-lidhult-2'")
    await counted(site)
    await GoalKeeper(site.database, measures=MEASURES, clock=site.now).once()
    page = await page_of(site)
    async with site.database.transaction(Role.WEB, Tenants(("0781",))) as connection:
        standings = {each.goal.id: each for each in await standings_of(connection, periods=9)}
        for goal, kind in (("g-wifi", "clock"), ("g-open", "service")):
            result = next(each for each in standings[goal].results if each.counted_to)
            assert result.counted_to is not None
            figures = await figures_of(connection, POINT, result.period.first, result.counted_to)
            view = {each.kind: each for each in figure_views(figures[Key("0781", "dp-lidhult")], "sv")}[kind]
            row = row_of(page, goal)
            assert view.number is not None
            assert view.number != "100,00\N{NO-BREAK SPACE}%"
            assert re.findall("<b data-value>([^<]+)<", row) == [view.number]
            assert re.findall("<b data-coverage>([^<]+)<", row) == [view.coverage]


async def test_nobody_sees_the_goals_of_others(site: Staffed) -> None:
    await promise(site, "g-ours")
    await promise(site, "g-theirs", municipality="0583", point="sp-fornasa")
    page = await page_of(site)
    assert 'data-goal="g-ours"' in page
    assert "g-theirs" not in page
    everything = await page_of(site, PersonRole.INSTALLATION_ADMIN)
    assert 'data-goal="g-theirs"' in everything
    assert FORNASA[0] in everything
    await page_of(site, query="?municipality=0583", status=404)
    async with site.signed_in(PersonRole.NETWORK) as http:
        assert (await http.get("/staff/goals")).status == 403


async def test_goal_that_has_ended_stands_last(site: Staffed) -> None:
    await promise(site, "g-old", valid_until="2026-10-31")
    await promise(site, "g-new")
    await said(site, "g-old", "not_met", AUGUST, value=(1, 1))
    await said(site, "g-new", "met", AUGUST, value=(100, 1))
    page = await page_of(site)
    assert (
        page.index('data-goal="g-new"')
        < page.index("Mål som inte gäller längre")
        < page.index('data-goal="g-old"')
    )
    assert 'data-count="not_met"' not in page
