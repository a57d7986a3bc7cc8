"""Staff pages in a real browser: live, by keyboard, without script, for everyone, and deaf to hostile devices."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from dashboard.web import keys, streams
from services.tenants.access import PersonRole
from tests.dashboard import accessible
from tests.dashboard.public.test_map_and_live import BACK, GONE
from tests.dashboard.staffed import FORNASA, LIDHULT, LOGINS, PASSWORD, Staffed

HOSTILE = '"><img src=x onerror="window.hit=1"><script>window.hit=1</script>{{7*7}}\u202e'
DEAD_LETTER = """
INSERT INTO dead_letter (municipality, lane, device, topic, reason, detail, received_at, size, fingerprint, payload,
    replayable)
VALUES ('0781', lane_for('0781'), $1, $1, $1, $1, now(), 20, ''::bytea, $1, true)
"""


async def opened(context: BrowserContext, path: str) -> Page:
    """A page that is open and follows the stream."""
    page = await context.new_page()
    await page.goto(path)
    await expect(page.locator("#live-line")).to_have_attribute("data-is", "live")
    return page


async def test_state_changes_on_the_open_page_without_reloading(site: Staffed, browser: Browser) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await page.evaluate("window.sameDocument = true")
        row = page.locator('tr[data-device="hs-lidhult-1"]')
        hand = page.locator('#hands [data-device="hs-lidhult-1"]')
        await expect(row).to_contain_text("Fungerar")
        await expect(hand).to_have_count(0)
        await site.set_state("hs-lidhult-1", "down", "silent")
        await expect(row).to_contain_text("Ingen kontakt", timeout=1000)
        await expect(row).to_contain_text("Har tystnat")
        await expect(row.locator("use")).to_have_attribute("href", "#state-down")
        await expect(page.locator('[data-count="down"]')).to_contain_text("1 Ingen kontakt")
        await expect(page.locator('[data-count="up"]')).to_be_hidden()
        await expect(hand).to_contain_text("Har tystnat")
        await expect(hand).to_contain_text("Digital servicepunkt Lidhult (demo)")
        await expect(hand.get_by_role("link")).to_have_attribute(
            "href", re.compile(r"/staff/devices/hs-lidhult-1$")
        )
        await site.set_state("hs-lidhult-1", "up", "heard")
        await expect(hand).to_contain_text("Fungerar")  # and stays where it is: nothing moves under a finger
        assert await page.evaluate("window.sameDocument")


async def test_page_that_one_comes_back_to_is_current_again(site: Staffed, browser: Browser) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await page.evaluate(GONE)
        await site.set_state("hs-lidhult-1", "down", "silent")
        await page.evaluate(BACK)
        await expect(page.locator('tr[data-device="hs-lidhult-1"]')).to_contain_text("Har tystnat")


async def test_what_one_reads_stays_where_it_is_when_something_else_breaks(
    site: Staffed, browser: Browser
) -> None:
    for device in ("hs-lidhult-1", "hs-lidhult-2", "hs-fornasa-1"):
        await site.set_state(device, "up", "heard")
    async with site.window(
        browser, PersonRole.INSTALLATION_ADMIN, viewport={"width": 390, "height": 600}
    ) as context:
        page = await opened(context, "/staff")
        row = page.locator('tr[data-device="hs-fornasa-1"]')
        await row.evaluate("row => scrollTo(0, row.getBoundingClientRect().top + scrollY - 8)")
        before = await row.evaluate("row => row.getBoundingClientRect().top")
        await site.set_state("hs-lidhult-1", "down", "silent")
        await expect(page.locator("#hands li")).to_have_count(1)
        await expect(page.locator("#calm")).to_be_hidden()
        assert abs(await row.evaluate("row => row.getBoundingClientRect().top") - before) <= 1


async def test_map_of_the_overview_follows_and_leads_to_the_place_in_the_list(
    site: Staffed, browser: Browser
) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    await site.set_state("hs-lidhult-2", "up", "heard")
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        mark = page.locator("#map[data-ready] .mark")
        await expect(mark).to_have_attribute("data-state", "working", timeout=15_000)
        await site.set_state("hs-lidhult-2", "down", "silent")
        await expect(mark).to_have_attribute("data-state", "down")
        await mark.press("Enter")
        link = page.locator(".popup-name a")
        await expect(link).to_have_attribute("href", "#at-dp-lidhult")
        await expect(page.locator("tbody#at-dp-lidhult")).to_contain_text("hs-lidhult-2")


async def test_new_event_shows_within_a_second_with_its_clients(site: Staffed, browser: Browser) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    async with site.window(browser, PersonRole.INSTALLATION_ADMIN) as context:
        page = await opened(context, "/staff")
        await expect(page.locator("#events")).to_contain_text("Inga händelser än.")
        await site.happens(LIDHULT, "wifi.usage", {"iface": "wlan0", "clients": 14})
        first = page.locator("#events tbody tr").first
        await expect(first).to_contain_text("14 anslutna nu", timeout=1000)
        await expect(first.locator("a")).to_have_attribute(
            "href", re.compile(r"/staff/devices/hs-lidhult-1$")
        )
        await expect(page.locator('[data-device="hs-lidhult-1"] [data-part="clients"]')).to_have_text("14")
        await expect(page.locator("#connected")).to_contain_text("14 anslutna nu")
        await expect(
            page.locator('[data-device="hs-lidhult-1"] [data-part="last_sign_at"]')
        ).not_to_have_text("–")
        for number in range(35):
            await site.happens(LIDHULT, "kiosk.view", {"page": f"sida-{number}", "lang": "sv"})
        await expect(first).to_contain_text("Sidan sida-34 visades")
        assert await page.locator("#events tbody tr").count() == 30
        await first.locator("a").click()
        await expect(page.locator("h1")).to_contain_text("hs-lidhult-1")


async def test_late_event_is_no_sign_of_life(site: Staffed, browser: Browser) -> None:
    early = site.now() - timedelta(hours=5)
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1}, at=early, time=early)
        await expect(page.locator("#events tbody tr").first).to_contain_text("Livstecken")
        await expect(page.locator('[data-device="hs-lidhult-1"] [data-part="last_sign_at"]')).to_have_text(
            "–"
        )


async def test_device_page_follows_its_own_device_only(site: Staffed, browser: Browser) -> None:
    async with site.window(browser) as context:
        page = await opened(context, "/staff/devices/hs-lidhult-1?lang=en")
        await site.happens(("0781", "hs-lidhult-2"), "device.status", {"state": "online"})
        await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1, "temp_c": 80})
        await expect(page.locator("#events tbody tr").first).to_contain_text("Sign of life, 80 °C")
        assert await page.locator("#events tbody tr").count() == 1
        await site.set_state("hs-lidhult-1", "degraded", "uplink_lost")
        await expect(page.locator(".standing")).to_contain_text("No internet behind the device")


async def test_page_catches_up_after_the_connection_was_lost(site: Staffed, browser: Browser) -> None:
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await site.happens(LIDHULT, "device.status", {"state": "online"})
        await expect(page.locator("#events tbody tr").first).to_contain_text("Anslöt")
        await context.set_offline(True)
        site.app[keys.HUB].end_all()
        await expect(page.locator("#live-line")).to_have_attribute("data-is", "stale")
        await expect(page.locator("#live-line")).to_contain_text(re.compile(r"Läget är från \d\d:\d\d\."))
        await site.happens(LIDHULT, "device.status", {"state": "offline"})
        await context.set_offline(False)
        await expect(page.locator("#events tbody tr").first).to_contain_text("Kopplades från", timeout=15_000)
        await expect(page.locator("#live-line")).to_have_attribute("data-is", "live")
        assert await page.locator("#events tbody tr").count() == 2


async def test_page_says_when_it_has_been_signed_out(
    site: Staffed, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await site.run("DELETE FROM web_session")
        await expect(page.locator("#live-line")).to_contain_text("Du är utloggad", timeout=10_000)


async def test_own_blindness_shows_and_goes(
    site: Staffed, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.live.hub.SIGHT_POLL_S", 0.1)
    async with site.window(browser) as context:
        page = await opened(context, "/staff")
        await expect(page.locator("#sight")).to_be_hidden()
        await site.run("UPDATE observation SET closed = true")
        await expect(page.locator("#sight")).to_contain_text("Gäller: Ljungby", timeout=10_000)
        await site.see(site.now() + timedelta(hours=2))
        await expect(page.locator("#sight")).to_be_hidden(timeout=10_000)


async def test_one_signs_in_and_out_by_keyboard_alone(site: Staffed, browser: Browser) -> None:
    context = await browser.new_context(base_url=site.url, locale="sv-SE")
    page = await context.new_page()
    await page.goto("/staff")
    await expect(page.locator("h1")).to_have_text("Logga in")
    for _ in range(8):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "login":
            break
    await page.keyboard.type(LOGINS[PersonRole.VIEWER])
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Ljungby")
    await page.get_by_role("button", name="Logga ut").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Du är utloggad.")
    await page.go_back()
    await page.goto("/staff")
    await expect(page.locator("h1")).to_have_text("Logga in")
    await context.close()


async def test_pages_are_whole_without_script(site: Staffed, browser: Browser) -> None:
    await site.set_state("hs-lidhult-1", "down", "silent")
    await site.happens(LIDHULT, "wifi.usage", {"iface": "wlan0", "clients": 3})
    async with site.window(browser, java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto("/staff")
        await expect(page.locator('tr[data-device="hs-lidhult-1"]')).to_contain_text("Har tystnat")
        await expect(page.locator("#events")).to_contain_text("3 anslutna nu")
        await expect(page.locator("#live-line")).to_contain_text("Läget kl.")
        await page.get_by_role("link", name="hs-lidhult-1").first.click()
        await expect(page.locator(".standing")).to_contain_text("Ingen kontakt")
        await page.get_by_role("button", name="Logga ut").click()
        await expect(page.locator("h1")).to_have_text("Logga in")


async def test_what_devices_say_is_never_run(site: Staffed, browser: Browser) -> None:
    await site.run("UPDATE service_point SET names = jsonb_build_object('sv', $1::text)", HOSTILE)
    await site.run("UPDATE locality SET names = jsonb_build_object('sv', $1::text)", HOSTILE)
    await site.run(DEAD_LETTER, HOSTILE)
    await site.happens(LIDHULT, "device.status", {"state": HOSTILE, "reason": HOSTILE})
    async with site.window(browser, bypass_csp=True) as context:
        for path in ("/staff", "/staff/devices/hs-lidhult-1"):
            page = await opened(context, path)
            for event_type in ("kiosk.view", "device.status", HOSTILE):
                await site.happens(
                    LIDHULT, event_type, {"page": HOSTILE, "state": HOSTILE, "temp_c": HOSTILE}
                )
            await site.set_state("hs-lidhult-1", "down", HOSTILE)
            await expect(
                page.locator('[data-device="hs-lidhult-1"] [data-part="reason"]').first
            ).to_contain_text("<img")
            await expect(page.locator("#events tbody tr").first).to_contain_text("<img")
            assert await page.evaluate("window.hit") is None
            assert await page.locator("main img").count() == 0
        page = await context.new_page()
        await page.goto("/staff/dead-letters")
        await page.locator("summary").click()
        await expect(page.locator("pre")).to_contain_text("<script>")
        assert "\u202e" not in await page.content()
        assert await page.evaluate("window.hit") is None


@pytest.mark.parametrize(("lang", "scheme"), [("sv", "light"), ("en", "dark")])
async def test_everybody_can_use_the_pages(site: Staffed, browser: Browser, lang: str, scheme: str) -> None:
    await site.set_state("hs-lidhult-1", "down", "silent")
    await site.set_state("hs-lidhult-2", "degraded", "late")
    await site.set_state("hs-fornasa-1", "up", "heard")
    await site.run(_INTERVAL, site.now() - timedelta(hours=3))
    await site.run(DEAD_LETTER, "not_json")
    await site.happens(FORNASA, "device.status", {"state": "online"})
    await site.run("UPDATE observation SET closed = true")
    found = {}
    for role, paths in PAGES.items():
        async with site.window(browser, role, color_scheme=scheme) as context:
            await accessible.ready(context)
            page = await context.new_page()
            for path in paths:
                await page.goto(f"{path}?lang={lang}")
                await page.locator("h1").wait_for()
                found[role, path] = await accessible.axe(page)
    assert {where: what for where, what in found.items() if what} == {}


PAGES = {
    PersonRole.INSTALLATION_ADMIN: (
        "/staff",
        "/staff/devices/hs-lidhult-1",
        "/staff/dead-letters",
        "/staff/nowhere",
    ),
    PersonRole.NETWORK: ("/staff", "/staff/dead-letters"),
}
_INTERVAL = """
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
VALUES ('0781', 'hs-lidhult-1', $1, NULL, 'down', 'silent')
"""


async def test_sign_in_page_is_for_everybody_too(site: Staffed, browser: Browser) -> None:
    context = await browser.new_context(base_url=site.url)
    await accessible.ready(context)
    page = await context.new_page()
    for lang in ("sv", "en"):
        await page.goto(f"/staff/sign-in?lang={lang}")
        await page.fill("#login", "nobody")
        await page.fill("#password", "nothing")
        await page.keyboard.press("Enter")
        await page.locator("#problem").wait_for()
        assert await accessible.axe(page) == []
    await context.close()


async def test_nothing_is_cut_off_on_a_phone_or_at_four_times_the_size(
    site: Staffed, browser: Browser
) -> None:
    await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1})
    async with site.window(browser, viewport={"width": 320, "height": 640}) as context:
        page = await context.new_page()
        for path in ("/staff", "/staff/devices/hs-lidhult-1", "/staff/dead-letters"):
            await page.goto(path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, (path, width)
