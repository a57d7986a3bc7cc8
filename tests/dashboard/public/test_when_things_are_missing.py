"""Nothing here, not here yet, not as of now, gone: each says so, and what one can do."""

from datetime import timedelta

import pytest
from aiohttp import web
from playwright.async_api import Browser, Route, expect

from dashboard.points import POINTS
from dashboard.web import keys
from tests.dashboard.public.demo_site import Site
from tests.dashboard.public.test_map_and_live import map_is_drawn, visit


async def text(villages: Site, path: str, *, status: int = 200) -> str:
    async with villages.http.get(villages.url + path) as answer:
        assert answer.status == status
        return await answer.text()


async def test_without_points_the_page_says_what_will_come(villages: Site) -> None:
    await villages.run("UPDATE service_point SET status = 'planned'")
    for path in ("/", "/?municipality=0781"):
        page = await text(villages, path)
        assert "Här finns inga servicepunkter än" in page
        assert 'id="map"' not in page
        assert 'id="filter"' not in page


@pytest.mark.parametrize(
    ("lang", "said"), [("sv", "Vi når inte våra uppgifter"), ("en", "We cannot reach our data")]
)
async def test_without_database_and_without_a_picture_the_page_is_friendly(
    villages: Site, lang: str, said: str
) -> None:
    villages.take_database_away()
    villages.app[POINTS]._snapshot = None
    async with villages.http.get(f"{villages.url}/p/sp-jorn?lang={lang}") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        page = await answer.text()
        assert said in page
        assert f'href="/p/sp-jorn?lang={lang}"' in page


async def test_our_own_fault_is_said_to_be_ours(villages: Site) -> None:
    async def broken() -> None:
        raise RuntimeError("hemlig detalj")

    villages.app[POINTS]._read = broken  # type: ignore[assignment]
    villages.app[POINTS]._snapshot = None
    page = await text(villages, "/", status=500)
    assert "Felet är hos oss" in page
    assert "hemlig" not in page


async def test_old_picture_says_its_time_on_every_public_page(villages: Site) -> None:
    await text(villages, "/")
    villages.now += timedelta(minutes=7)
    villages.take_database_away()
    for path in ("/", "/?municipality=0583", "/p/sp-jorn"):
        assert "Här visas läget som det var kl. 13:00." in await text(villages, path)


async def test_open_page_shows_that_what_it_got_is_old(villages: Site, browser: Browser) -> None:
    """A page that asks again while the database is away says so in place, and recovers."""
    async with visit(browser, villages.url + "/p/sp-jorn") as seen:
        page = seen.page
        await expect(page.locator('#as-of[data-is="live"]')).to_be_visible()
        read = villages.app[POINTS]._read
        villages.now += timedelta(minutes=7)
        villages.take_database_away()
        again = f"import('{villages.app[keys.ASSETS].url('fresh.js')}').then(({{ refresh }}) => refresh(0))"
        await page.evaluate(again)
        await expect(page.get_by_text("Här visas läget som det var kl. 13:00.")).to_be_visible()
        villages.app[POINTS]._read = read
        villages.app[POINTS].forget()
        await page.evaluate(again)
        await expect(page.locator('#as-of[data-is="live"]')).to_be_visible()


async def test_lost_stream_is_a_quiet_note(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        line = seen.page.locator("#as-of")
        await expect(line).to_have_attribute("data-is", "live")
        villages.app[keys.HUB].end_all()
        await expect(line).to_have_attribute("data-is", "stale")
        await expect(line).to_have_role("status")
        await expect(line).to_have_attribute("data-is", "live", timeout=15_000)


async def test_map_says_that_it_is_fetched_and_when_it_cannot_be(villages: Site, browser: Browser) -> None:
    context = await browser.new_context(locale="sv-SE")
    page = await context.new_page()
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await context.route("**/leaflet.js", hold)
    await page.goto(villages.url + "/")
    await expect(page.locator("#map")).to_have_text("Hämtar kartan …")
    await page.wait_for_function("document.querySelector('script[src$=\"leaflet.js\"]') !== null")
    for route in held:
        await route.abort()
    await expect(page.locator("#map")).to_have_text("Kartan kunde inte hämtas. Listan visar samma sak.")
    await context.close()


async def test_unknown_page_leads_back(villages: Site, browser: Browser) -> None:
    context = await browser.new_context(locale="sv-SE")
    page = await context.new_page()
    answer = await page.goto(villages.url + "/p/finns-inte")
    assert answer
    assert answer.status == web.HTTPNotFound.status_code
    await page.get_by_role("link", name="Till alla servicepunkter").click()
    await map_is_drawn(page)
    await context.close()
