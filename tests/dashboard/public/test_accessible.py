"""What `test_every_page` cannot see: public pages without our scripts, and with a point open on the map."""

import pytest
from playwright.async_api import Browser, expect

from dashboard.web import keys
from tests.dashboard import accessible
from tests.dashboard.public.demo_site import NOW, Site
from tests.dashboard.public.past_days import YESTERDAY, change_day, count_days

PATHS = (
    "/",
    "/?municipality=0781",
    "/?q=paket&open=1",
    "/p/sp-gunnarn",
    "/p/mp-bokbuss-motala",
    "/status",
    "/status?municipality=0781",
    "/p/sp-gunnarn/status",
    "/p/sp-gunnarn/measured",
    "/p/sp-gunnarn/sign",
    "/p/nowhere",
)


async def test_axe_finds_nothing_where_our_scripts_do_not_arrive(villages: Site, browser: Browser) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW)
    await villages.run("DELETE FROM device_status WHERE device = 'hs-lagan-1'")
    await count_days(villages, 100)
    await change_day(villages, "sp-gunnarn", YESTERDAY, down=2, blind=3)
    context = await browser.new_context(color_scheme="dark", viewport={"width": 1280, "height": 900})
    await accessible.ready(context)
    # axe is a script itself, so scripts stay allowed and ours do not arrive.
    await context.route("**/*.js", lambda route: route.abort())
    page = await context.new_page()
    found = {}
    for path in PATHS:
        await page.goto(villages.url + path)
        await page.add_style_tag(url=villages.app[keys.ASSETS].url("noscript.css"))
        found[path] = await accessible.axe(page)
    await context.close()
    assert found == {path: [] for path in PATHS}


@pytest.mark.parametrize("forced", ["none", "active"])
async def test_axe_finds_nothing_with_an_open_point(villages: Site, browser: Browser, forced: str) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844},
        forced_colors="active" if forced == "active" else "none",
    )
    await accessible.ready(context)
    page = await context.new_page()
    await page.goto(villages.url + "/?municipality=2482#karta")
    await expect(page.locator("#map[data-ready]")).to_be_visible()
    await page.locator(".mark").first.press("Enter")
    await expect(page.locator(".leaflet-popup-content")).to_be_visible()
    found = await accessible.axe(page)
    await context.close()
    assert found == []
