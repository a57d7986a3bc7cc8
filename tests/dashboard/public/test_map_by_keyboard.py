"""The map by keyboard alone, beside its list, and what it shows without colour or movement."""

import re
from datetime import timedelta

from playwright.async_api import Browser, Page, expect

from tests.dashboard.public.demo_site import NOW, Site
from tests.dashboard.public.test_map_and_live import map_is_drawn, visit


async def focused(page: Page) -> str:
    """The name of what has the focus."""
    return str(
        await page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
        )
    )


async def test_start_page_is_toured_by_keyboard_alone(villages: Site, browser: Browser) -> None:
    """Past the frame, through the form and the list, over the map or into it, and out again."""
    async with visit(browser, villages.url + "/?municipality=2482") as seen:
        page = seen.page
        await map_is_drawn(page)
        stops = []
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement === document.body"):
                break
            stops.append(await focused(page))
        kept = [
            *("Hoppa till innehållet", "Visa", "Servicepunkt Jörn (demo)", "Hoppa över kartan"),
            *("Servicepunkt Jörn (demo): Wifi fungerar", "Närmare", "JSON Feed"),
        ]
        assert [stop for stop in stops if stop in kept] == kept


async def test_skip_link_leads_past_the_map(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.locator(".skip-map").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert not await page.evaluate("document.getElementById('map').contains(document.activeElement)")


async def test_marks_come_in_the_order_of_the_list(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?municipality=0781") as seen:
        page = seen.page
        await map_is_drawn(page)
        listed = await page.locator(".point h3").all_text_contents()
        marks = [await mark.get_attribute("aria-label") or "" for mark in await page.locator(".mark").all()]
        assert [mark.split(":")[0] for mark in marks] == [name.strip() for name in listed]


async def test_enter_opens_escape_closes_and_arrows_move(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?municipality=0781") as seen:
        page = seen.page
        await map_is_drawn(page)
        mark = page.get_by_role("button", name="Digital servicepunkt Lidhult (demo): Wifi fungerar")
        await mark.focus()
        before = await mark.bounding_box()
        await page.keyboard.press("ArrowRight")
        await expect(mark).to_be_focused()
        await page.wait_for_function(
            "(x) => document.activeElement.getBoundingClientRect().x < x - 40",
            arg=before["x"] if before else 0,
        )
        for key in ("Enter", " "):
            await page.keyboard.press(key)
            await expect(page.locator(".popup-name a")).to_be_focused()
            await expect(page.locator(".popup-name a")).to_have_attribute("href", "/p/dp-lidhult")
            await page.keyboard.press("Escape")
            await expect(page.locator(".leaflet-popup")).to_have_count(0)
            await expect(mark).to_be_focused()


async def test_what_is_open_and_focused_stays_so_when_the_list_comes_anew(
    villages: Site, browser: Browser
) -> None:
    async with visit(browser, villages.url + "/?municipality=0781") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.get_by_role("button", name="Digital servicepunkt Lidhult (demo): Wifi fungerar").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".popup-name a")).to_be_focused()
        villages.now += timedelta(hours=1)
        await villages.set_state("hs-lidhult-1", "down", reason="silent", since=NOW)
        await expect(page.locator(".leaflet-popup-content")).to_contain_text("Wifi fungerar delvis")
        await page.evaluate("document.getElementById('list').dataset.old = ''")
        await page.get_by_label("Kommun").dispatch_event("input")
        await expect(page.locator("#list[data-old]")).to_have_count(0)
        await expect(page.locator(".leaflet-popup-content")).to_contain_text("Wifi fungerar delvis")
        await expect(
            page.get_by_role("button", name="Digital servicepunkt Lidhult (demo): Wifi fungerar delvis")
        ).to_have_attribute("data-state", "partly")
        await expect(page.locator(".popup-name a")).to_be_focused()


async def test_opened_group_hands_the_focus_to_its_first_point(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        await page.get_by_role("button", name="Ljungby").focus()
        await page.keyboard.press("Enter")
        await expect(
            page.get_by_role("button", name="Digital servicepunkt Agunnaryd (demo): Wifi fungerar")
        ).to_be_focused()


async def test_group_says_its_number_and_its_worst(villages: Site, browser: Browser) -> None:
    await villages.set_state("hs-lagan-1", "down", reason="silent", since=NOW)
    await villages.set_state("ki-lagan-1", "down", reason="silent", since=NOW)
    async with visit(browser, villages.url + "/") as seen:
        page = seen.page
        await map_is_drawn(page)
        group = page.get_by_role("button", name="Ljungby, Älmhult: 8 servicepunkter, 1 utan kontakt")
        await expect(group).to_have_text("8")
        await expect(group.locator("use")).to_have_attribute("href", "#state-down")


async def test_list_and_map_light_each_other_up(villages: Site, browser: Browser) -> None:
    async with visit(browser, villages.url + "/?municipality=0781") as seen:
        page = seen.page
        await map_is_drawn(page)
        row = page.locator('.point[data-point="dp-lidhult"]')
        mark = page.get_by_role("button", name="Digital servicepunkt Lidhult (demo): Wifi fungerar")
        lit = re.compile(r"\bis-lit\b")
        await row.get_by_role("link").focus()
        await expect(mark).to_have_class(lit)
        await expect(row).not_to_have_class(lit)
        await mark.focus()
        await expect(row).to_have_class(lit)
        await expect(mark).not_to_have_class(lit)
        await page.locator("h1").hover()
        await page.get_by_label("Kommun").focus()
        await expect(row).not_to_have_class(lit)


async def test_names_on_the_map_lie_on_nothing(villages: Site, browser: Browser) -> None:
    boxes = """() => [...document.querySelectorAll("#map .mark-name, #map .town span, #map .mark .shape")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }))
        .map((one) => [one.textContent || "mark", one.getBoundingClientRect().toJSON()])"""
    for path in ("/", "/?municipality=0781", "/p/sp-fornasa"):
        for size in ((1440, 900), (1080, 1920)):
            viewport = {"width": size[0], "height": size[1]}
            async with visit(browser, villages.url + path, viewport=viewport) as seen:
                await map_is_drawn(seen.page)
                shown = await seen.page.evaluate(boxes)
                assert len([name for name, _box in shown if name != "mark"]) >= 3
                meet = [
                    (one, other)
                    for number, (one, a) in enumerate(shown)
                    for other, b in shown[number + 1 :]
                    if a["left"] < b["right"]
                    and b["left"] < a["right"]
                    and a["top"] < b["bottom"]
                    and b["top"] < a["bottom"]
                ]
                assert meet == [], (path, size)


async def test_state_can_be_told_without_colour_in_forced_colours(villages: Site, browser: Browser) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW)
    async with visit(browser, villages.url + "/?municipality=2421", forced_colors="active") as seen:
        page = seen.page
        await map_is_drawn(page)
        for place in (".point", "#map .mark"):
            shapes = await page.locator(f"{place} .shape use").evaluate_all(
                "all => all.map(one => one.getAttribute('href'))"
            )
            assert sorted(shapes) == ["#state-down", "#state-working"]
        colours = await page.locator(".point .shape").evaluate_all(
            "all => all.map(one => getComputedStyle(one).color)"
        )
        paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper not in colours


async def test_nothing_moves_for_those_who_asked_for_calm(villages: Site, browser: Browser) -> None:
    moving = "document.getAnimations().filter(one => one.playState === 'running').length"
    async with visit(browser, villages.url + "/", reduced_motion="reduce") as seen:
        page = seen.page
        await map_is_drawn(page)
        await villages.set_state("hs-jorn-1", "degraded", reason="late")
        await expect(page.locator('.point[data-point="sp-jorn"]')).to_have_attribute("data-state", "partly")
        assert await page.evaluate(moving) == 0
        await page.get_by_role("button", name="Ljungby").click()
        # Without a zoom that glides, the new marks are there at once.
        assert await page.locator("#map .mark", has_text="Lidhult").count() == 1
