"""axe finds nothing on the public pages: both languages, light and dark, with and without script."""

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from dashboard.web import keys
from tests.dashboard.public.demo_site import NOW, Site

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = ("/", "/?municipality=0781", "/p/sp-gunnarn", "/p/mp-bokbuss-motala", "/p/nowhere")


@pytest.mark.parametrize(
    ("lang", "scheme", "script"), [("sv", "light", True), ("en", "dark", True), ("sv", "dark", False)]
)
async def test_axe_finds_nothing(
    villages: Site, browser: Browser, *, lang: str, scheme: Literal["light", "dark"], script: bool
) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW)
    await villages.set_state("hs-lidhult-1", "degraded", reason="late")
    await villages.run("DELETE FROM device_status WHERE device = 'hs-lagan-1'")
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": 1280, "height": 900}, bypass_csp=not script
    )
    if not script:
        # axe is a script itself, so scripts stay allowed and ours do not arrive.
        await context.route("**/*.js", lambda route: route.abort())
    page = await context.new_page()
    found = {}
    for path in PAGES:
        await page.goto(f"{villages.url}{path}{'&' if '?' in path else '?'}lang={lang}")
        if not script:
            await page.add_style_tag(url=villages.app[keys.ASSETS].url("noscript.css"))
        elif await page.locator("#map").count():
            await expect(page.locator("#map[data-ready]")).to_be_visible()
        found[path] = [
            (violation["id"], node["html"][:120], node["failureSummary"])
            for violation in (await Axe().run(page, options=RULES)).response["violations"]
            for node in violation["nodes"]
        ]
    await context.close()
    assert found == {path: [] for path in PAGES}


async def test_axe_finds_nothing_on_a_phone_with_an_open_point(villages: Site, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, forced_colors="active")
    page = await context.new_page()
    await page.goto(villages.url + "/?municipality=2482")
    await expect(page.locator("#map[data-ready]")).to_be_visible()
    await page.locator(".mark").first.press("Enter")
    await expect(page.locator(".leaflet-popup-content")).to_be_visible()
    answer = (await Axe().run(page, options=RULES)).response
    await context.close()
    assert [(each["id"], each["nodes"][0]["failureSummary"]) for each in answer["violations"]] == []
