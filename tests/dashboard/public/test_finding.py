"""Finding a point: the plain form, the list that follows what one types, and the map that follows the list."""

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Route, expect

from tests.dashboard.public.demo_site import NOW, Site
from tests.dashboard.public.test_map_and_live import map_is_drawn, visit


async def names(villages: Site, query: str) -> list[str]:
    async with villages.http.get(f"{villages.url}/?{query}") as answer:
        assert answer.status == 200
        return re.findall(r'data-point="([^"]+)"', await answer.text())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=j%C3%B6rn", ["sp-jorn"]),
        ("q=SKELLEFTE%C3%85", ["sp-jorn"]),
        ("q=apotek+storuman", ["sp-slussfors"]),
        ("q=pharmacy+storuman", ["sp-slussfors"]),
        ("q=mobil+servicepunkt", ["mp-bokbuss-motala"]),
        ("q=ingen+kontakt", ["sp-gunnarn"]),
        ("q=finns+ej", []),
        ("municipality=0583&q=bibliotek", ["mp-bokbuss-motala"]),
        ("municipality=0583&open=1", ["sp-fornasa", "sp-tjallmo"]),
    ],
)
async def test_every_word_is_looked_for(villages: Site, query: str, found: list[str]) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW)
    assert await names(villages, query) == found


async def test_what_is_closed_is_not_open_now(villages: Site) -> None:
    villages.now += timedelta(hours=8)
    assert "sp-fornasa" not in await names(villages, "open=1")
    assert "dp-lagan" in await names(villages, "open=1")


async def test_form_works_without_script_and_keeps_what_was_asked(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?lang=sv", java_script_enabled=False) as seen:
        page = seen.page
        await page.get_by_label("Plats eller tjänst").fill("paket")
        await page.get_by_label("Öppet nu").check()
        await page.get_by_role("button", name="Visa", exact=True).click()
        await expect(page.locator("#found")).to_contain_text("av 20 servicepunkter")
        await expect(page.get_by_label("Plats eller tjänst")).to_have_value("paket")
        await expect(page.get_by_label("Öppet nu")).to_be_checked()
        assert await page.evaluate("location.search") == "?lang=sv&q=paket&municipality=&open=1"
        await page.get_by_label("Plats eller tjänst").fill("finns inte")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Inget passar")).to_be_visible()
        await page.get_by_role("link", name="Visa alla servicepunkter").click()
        await expect(page.locator(".point")).to_have_count(20)


async def test_list_and_map_follow_what_one_types(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.evaluate("window.sameDocument = true")
        await page.get_by_label("Plats eller tjänst").press_sequentially("jörn")
        await expect(page.locator("#found")).to_have_text("1 av 20 servicepunkter")
        await expect(page.locator(".point")).to_have_count(1)
        await expect(page.locator("#map .mark")).to_have_count(1)
        await expect(page.get_by_label("Plats eller tjänst")).to_be_focused()
        await page.get_by_label("Plats eller tjänst").fill("")
        await page.get_by_label("Kommun").select_option("Ljungby")
        await expect(page).to_have_title("Servicepunkter i Ljungby – bypunkt")
        await expect(page.locator("#map .mark")).to_have_count(7)
        assert await page.evaluate("[location.search, window.sameDocument]") == ["?municipality=0781", True]
        # The stream tells of the new municipality too.
        await villages.set_state("hs-lagan-1", "down", reason="silent", since=NOW)
        await villages.set_state("ki-lagan-1", "down", reason="silent", since=NOW)
        await expect(page.locator('.point[data-point="dp-lagan"]')).to_contain_text("Ingen kontakt")


async def test_what_one_goes_on_typing_is_asked_for_though_an_answer_comes_meanwhile(
    villages: Site, browser: Browser
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    async with visit(browser, villages.url + "/") as seen:
        field = seen.page.get_by_label("Plats eller tjänst")
        await seen.page.route("**/?q=s", late)
        await field.press("s")
        await asked.wait()
        await field.press_sequentially("ärna")
        answer.set()
        await expect(seen.page.locator("#found")).to_have_text("1 av 20 servicepunkter")


async def test_page_turns_when_a_door_closes(villages: Site, browser: Browser) -> None:
    """A screen on a wall is never loaded again: at closing time it asks for itself."""
    async with visit(browser, "about:blank") as seen:
        page = seen.page
        villages.now = NOW + timedelta(hours=4, minutes=59)
        await page.clock.install(time=villages.now)
        await page.goto(villages.url + "/?municipality=0583")
        await expect(page.locator(".point", has_text="Fornåsa").locator(".opening")).to_have_text(
            "Öppet till 18:00"
        )
        villages.now += timedelta(minutes=2)
        await page.clock.run_for(90_000)
        await expect(page.locator(".point", has_text="Fornåsa").locator(".opening")).to_have_text(
            "Stängt, öppnar i morgon 09:00"
        )


async def test_focus_stays_where_it_was_when_the_list_is_new(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?municipality=0583") as seen:
        page = seen.page
        link = page.get_by_role("link", name="Servicepunkt Fornåsa (demo)")
        await link.focus()
        await page.evaluate("document.getElementById('list').dataset.old = ''")
        await page.get_by_label("Öppet nu").dispatch_event("input")
        await expect(page.locator("#list[data-old]")).to_have_count(0)
        await expect(link).to_be_focused()
