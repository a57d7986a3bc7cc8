"""What a page costs to fetch, what it waits for, and what it keeps in the browser."""

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.dashboard.public.demo_site import Site
from tests.dashboard.public.test_map_and_live import map_is_drawn

MAP = ("map", "leaflet", "sweden.geojson")


async def watched(context: BrowserContext) -> tuple[Page, dict[str, int]]:
    """A page, and the bytes that came over the wire for each address, headers included."""
    page = await context.new_page()
    wire = await context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}
    wire.on(
        "Network.responseReceived",
        lambda news: addresses.update({news["requestId"]: news["response"]["url"]}),
    )
    wire.on(
        "Network.loadingFinished",
        lambda news: sizes.update({addresses.get(news["requestId"], "?"): int(news["encodedDataLength"])}),
    )
    await wire.send("Network.enable")
    return page, sizes


@pytest.mark.parametrize("path", ["/", "/p/sp-fornasa", "/status", "/p/sp-fornasa/sign", "/p/nowhere"])
async def test_page_without_its_map_is_under_60_kb_over_the_wire(
    villages: Site, browser: Browser, path: str
) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page, sizes = await watched(context)
    await page.goto(villages.url + path)
    await page.wait_for_load_state("load")
    await page.wait_for_function("document.fonts.status === 'loaded'")
    if await page.locator("#map").count():
        await page.locator("#map").scroll_into_view_if_needed()
        await map_is_drawn(page)
    own = {address: size for address, size in sizes.items() if not any(part in address for part in MAP)}
    await context.close()
    assert sum(address.endswith(".css") for address in own) == 1
    assert 5_000 < sum(own.values()) < 60_000, own


async def test_first_paint_waits_for_no_script(villages: Site, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await context.route("**/*.js", hold)
    await page.goto(villages.url + "/", wait_until="commit")
    await expect(page.locator(".point")).to_have_count(20)
    await page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length === 1")
    assert held
    for route in held:
        await route.abort()
    await context.close()


async def test_look_is_kept_only_when_chosen_and_without_cookie(villages: Site, browser: Browser) -> None:
    context = await browser.new_context(color_scheme="light", locale="sv-SE")
    page = await context.new_page()
    paper = "getComputedStyle(document.body).backgroundColor"
    await page.goto(villages.url + "/")
    shape = "getComputedStyle(document.querySelector('.state .shape')).color"
    light, light_shape = await page.evaluate(paper), await page.evaluate(shape)
    assert await page.evaluate("localStorage.length") == 0
    await page.get_by_label("Mörkt").check()
    dark = await page.evaluate(paper)
    assert dark != light
    await page.goto(villages.url + "/p/sp-fornasa")
    await expect(page.get_by_label("Mörkt")).to_be_checked()
    assert await page.evaluate(paper) == dark
    await page.emulate_media(media="print")
    assert await page.evaluate(paper) == "rgb(255, 255, 255)"
    assert await page.evaluate(shape) == light_shape
    await page.emulate_media(media="screen", color_scheme="dark")
    await page.get_by_label("Ljust").check()
    assert await page.evaluate(paper) == light
    await page.get_by_label("Automatiskt").check()
    assert await page.evaluate(paper) == dark
    assert await page.evaluate("localStorage.length") == 0
    assert await context.cookies() == []
    await context.close()


async def test_paper_holds_what_one_needs_and_no_more(villages: Site, browser: Browser) -> None:
    context = await browser.new_context(color_scheme="dark", locale="sv-SE")
    page = await context.new_page()
    await page.goto(villages.url + "/p/sp-fornasa")
    await page.emulate_media(media="print")
    await expect(page.get_by_text(f"Aktuellt läge: {villages.url}/p/sp-fornasa")).to_be_visible()
    for kept in ("Öppettider", "Det här finns"):
        await expect(page.get_by_role("heading", name=kept)).to_be_visible()
    for gone in (".map-part", ".language", ".bottom .links", ".place .links", "#look", ".trail", "#as-of"):
        await expect(page.locator(gone)).to_be_hidden()
    await context.close()
