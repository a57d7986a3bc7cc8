"""In a real browser: the map under the policy, list and map together, states turning live, hostile names."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, Page, expect

from dashboard.web import keys
from tests.dashboard.public.demo_site import NOW, Site

HOSTILE = (
    '<img src=x onerror="window.ran=1">',
    "\"'><script>window.ran=1</script>",
    "{{ 7*7 }}${7*7}<svg/onload=window.ran=1>",
    "javascript:window.ran=1//</title></textarea></style>",
)
GONE, BACK = (
    f'dispatchEvent(new PageTransitionEvent("{name}", {{ persisted: true }}))'
    for name in ("pagehide", "pageshow")
)


@dataclass
class Visit:
    """An open page, and everything the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@asynccontextmanager
async def visit(browser: Browser, address: str, **options: Any) -> AsyncIterator[Visit]:  # noqa: ANN401 - the browser's own
    """Open a page as a visitor does, and expect that the browser has nothing to complain of."""
    context = await browser.new_context(
        **{"locale": "sv-SE", "viewport": {"width": 1280, "height": 900}} | options
    )
    await context.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
    )
    page = await context.new_page()
    seen = Visit(page)
    page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        await page.goto(address)
        yield seen
        assert seen.complaints == []
    finally:
        await context.close()


async def map_is_drawn(page: Page) -> None:
    await expect(page.locator("#map[data-ready]")).to_be_visible()


async def test_map_draws_under_the_policy_with_named_marks(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        await map_is_drawn(seen.page)
        assert await seen.page.locator("#map path.land-sweden").count() == 1
        marks = seen.page.locator("#map .mark")
        names = [await mark.get_attribute("aria-label") for mark in await marks.all()]
        assert "Servicepunkt Jörn (demo): Wifi fungerar" in names
        assert any(name and "servicepunkter" in name for name in names)


async def test_map_fetches_from_nowhere_else(villages: Site, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(villages.url + "/")
    await map_is_drawn(page)
    await context.close()
    assert asked
    assert [address for address in asked if not address.startswith((villages.url, "data:"))] == []


async def test_keyboard_opens_a_point_and_leaves_the_map(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?municipality=2482") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.locator(".mark").first.focus()
        await page.keyboard.press("Enter")
        popup = page.locator(".leaflet-popup-content")
        await expect(popup.get_by_role("link", name="Servicepunkt Jörn (demo)")).to_have_attribute(
            "href", "/p/sp-jorn"
        )
        await expect(popup).to_contain_text("Wifi fungerar")
        await expect(page.get_by_role("button", name="Stäng")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(popup).to_have_count(0)
        await page.locator(".skip-map").focus()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "after-map"


async def test_opened_point_can_be_read_at_once(villages: Site, browser: Browser) -> None:
    """Text that fades in has too little contrast for a while."""
    async with visit(browser, villages.url + "/?municipality=2482") as seen:
        await map_is_drawn(seen.page)
        opacity = await seen.page.evaluate("""() => {
            document.querySelector(".mark").click();
            return getComputedStyle(document.querySelector(".leaflet-popup")).opacity;
        }""")
        assert opacity == "1"


async def test_group_opens_to_its_points(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        south = page.get_by_role("button", name="Ljungby")
        await south.first.click()
        await expect(
            page.get_by_role("button", name="Digital servicepunkt Lidhult (demo): Wifi fungerar")
        ).to_be_visible()


async def test_list_shows_its_point_on_the_map(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.get_by_role("button", name="Visa på kartan Servicepunkt Särna (demo)").click()
        await expect(page.locator(".leaflet-popup-content")).to_contain_text("Servicepunkt Särna (demo)")


async def test_state_turns_in_list_map_and_counts_without_reloading(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        await expect(page.locator("#as-of")).to_have_text("Läget uppdateras av sig självt.")
        await villages.set_state("hs-jorn-1", "down", reason="silent", since=NOW - timedelta(minutes=5))
        await villages.set_state("ki-jorn-1", "down", reason="silent", since=NOW - timedelta(minutes=5))
        item = page.locator('.point[data-point="sp-jorn"]')
        await expect(item).to_contain_text("Ingen kontakt sedan 12:55")
        await expect(item.locator(".state use")).to_have_attribute("href", "#state-down")
        await expect(
            page.get_by_role("button", name="Servicepunkt Jörn (demo): Ingen kontakt sedan 12:55")
        ).to_be_visible()
        await expect(page.locator('[data-count="down"] [data-number]')).to_have_text("1")
        await expect(page.locator('[data-count="working"] [data-number]')).to_have_text("19")


async def test_point_page_turns_live_in_english(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/p/sp-gunnarn?lang=en") as seen:
        await expect(seen.page.locator("#as-of")).to_have_text("This page keeps itself up to date.")
        await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW - timedelta(minutes=5))
        await expect(seen.page.locator(".now")).to_contain_text("No contact since 12:55")
        await expect(seen.page.locator(".advice")).to_contain_text("It may be a power cut")


async def test_page_says_when_it_is_no_longer_current_and_recovers(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/p/sp-gunnarn") as seen:
        line = seen.page.locator("#as-of")
        await expect(line).to_have_text("Läget uppdateras av sig självt.")
        villages.app[keys.HUB].end_all()
        await expect(line).to_contain_text("Ingen kontakt just nu. Läget visas som det var kl.")
        await expect(line).to_have_text("Läget uppdateras av sig självt.", timeout=15_000)


async def test_page_that_one_comes_back_to_is_current_again(villages: Site, browser: Browser) -> None:
    """Going back shows the page as the browser kept it; the browser of these tests keeps none, so it is told."""
    async with visit(browser, villages.url + "/?municipality=2482") as seen:
        line = seen.page.locator("#as-of")
        await expect(line).to_have_text("Läget uppdateras av sig självt.")
        await seen.page.evaluate(GONE)
        await villages.set_state("hs-jorn-1", "down", reason="silent", since=NOW)
        await villages.set_state("ki-jorn-1", "down", reason="silent", since=NOW)
        await seen.page.evaluate(BACK)
        await expect(seen.page.locator(".point")).to_contain_text("Ingen kontakt")
        await expect(line).to_have_text("Läget uppdateras av sig självt.")


async def test_hostile_names_run_nothing(villages: Site, browser: Browser) -> None:
    for point, name in zip(("sp-jorn", "sp-sarna", "sp-moskosel", "sp-slussfors"), HOSTILE, strict=True):
        await villages.run(
            "UPDATE service_point SET names = $2::jsonb WHERE id = $1", point, json.dumps({"sv": name})
        )
        await villages.run(
            "UPDATE locality SET names = $2::jsonb WHERE id = (SELECT locality FROM service_point WHERE id = $1)",
            *(point, json.dumps({"sv": name})),
        )
    await villages.run("UPDATE municipality SET name = $1 WHERE code = '2482'", HOSTILE[0])
    async with visit(browser, villages.url + "/", bypass_csp=True) as seen:
        page = seen.page
        await map_is_drawn(page)
        for name in HOSTILE:
            await expect(page.locator(".point h3", has_text=name)).to_have_count(1)
            labels = [await mark.get_attribute("aria-label") for mark in await page.locator(".mark").all()]
            await page.locator(".mark").nth(labels.index(f"{name}: Wifi fungerar")).dispatch_event("click")
            await expect(page.locator(".popup-name", has_text=name)).to_be_visible()
        for point in ("sp-jorn", "sp-sarna"):
            await page.goto(f"{villages.url}/p/{point}")
            await map_is_drawn(page)
        assert await page.evaluate("window.ran") is None


async def test_without_script_the_list_shows_everything_and_the_map_takes_no_room(
    villages: Site, browser: Browser
) -> None:
    async with visit(browser, villages.url + "/", java_script_enabled=False) as seen:
        page = seen.page
        await expect(page.locator(".point")).to_have_count(20)
        await expect(page.locator("#map")).to_be_hidden()
        await expect(page.locator(".show-on-map").first).to_be_hidden()
        await page.get_by_label("Kommun").select_option("Motala")
        await page.get_by_role("button", name="Visa", exact=True).click()
        await expect(page.locator(".point")).to_have_count(3)
        await page.get_by_role("link", name="Servicepunkt Fornåsa (demo)").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Servicepunkt Fornåsa (demo)")
        await page.get_by_role("link", name="In English").click()
        await expect(page.get_by_role("heading", name="Opening hours")).to_be_visible()


async def test_phone_scrolls_over_the_map_and_nothing_is_cut_off(villages: Site, browser: Browser) -> None:
    phone = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    async with visit(browser, villages.url + "/", **phone) as seen:
        await seen.page.locator("#map").scroll_into_view_if_needed()
        await map_is_drawn(seen.page)
        width = await seen.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320
        action = await seen.page.evaluate("getComputedStyle(document.getElementById('map')).touchAction")
        assert action == "pan-x pan-y"
