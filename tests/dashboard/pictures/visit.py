"""Opening a page as somebody does: in a language, on a screen, and when something is missing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from unittest.mock import patch

from playwright.async_api import Browser, BrowserContext, Page, expect

from dashboard.web import keys
from services.tenants.access import PersonRole
from tests.dashboard.pictures.shown import Lang, Scheme, Size, State
from tests.dashboard.pictures.stage import Stage

_SLOW_MS = 20_000


@asynccontextmanager
async def window(
    stage: Stage, browser: Browser, role: PersonRole | None, *, size: Size
) -> AsyncIterator[BrowserContext]:
    """A browser window of somebody with this role, or of a visitor; its clock stands still like the stage's."""
    viewport = {"width": size.width, "height": size.height}
    async with stage.window(browser, role, viewport=viewport, reduced_motion="reduce") as context:
        await context.clock.set_fixed_time(stage.now())
        yield context


async def look(page: Page, path: str, *, lang: Lang, scheme: Scheme = "light") -> int:
    """Open an address and wait until all of it is there; returns the status of the answer."""
    await page.emulate_media(color_scheme=scheme)
    answer = await page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer is not None
    await settle(page)
    return answer.status


async def settle(page: Page) -> None:
    """Wait for the live stream and, where the page shows one, for the map."""
    await page.locator("h1").first.wait_for()
    if await page.locator("#live-line").count():
        await expect(page.locator("#live-line")).to_have_attribute("data-is", "live", timeout=_SLOW_MS)
    the_map = page.locator("#map")
    if await the_map.count() and await the_map.is_visible():
        await the_map.scroll_into_view_if_needed()
        await expect(page.locator("#map[data-ready]")).to_be_visible(timeout=_SLOW_MS)
        await page.evaluate("scrollTo(0, 0)")
    await page.evaluate("document.fonts.ready.then(() => true)")


@asynccontextmanager
async def in_state(
    stage: Stage,
    browser: Browser,
    state: State,
    *,
    prepare: Callable[[BrowserContext], Awaitable[None]] | None = None,
) -> AsyncIterator[Page]:
    """A page open in a state, in a window that was prepared; afterwards the stage is as it was."""
    async with window(stage, browser, state.role, size=state.size) as context:
        if prepare:
            await prepare(context)
        page = await context.new_page()
        match state.mood:
            case "away":
                database = stage.app[keys.DATABASE]
                with patch.object(database, "transaction", side_effect=ConnectionRefusedError):
                    await page.goto(f"{state.path}?lang=sv")
                    yield page
            case "blind":
                await stage.see_no_more()
                await look(page, state.path, lang="sv")
                yield page
                await stage.see_ahead()
            case "lost":
                await look(page, state.path, lang="sv")
                await context.set_offline(offline=True)
                stage.app[keys.HUB].end_all()
                await page.locator("[data-is=stale]").wait_for(timeout=_SLOW_MS)
                yield page
            case "ordinary" | "empty":
                await look(page, state.path, lang="sv")
                if state.name == "sign-in-wrong":
                    await _sign_in_wrong(page)
                yield page


async def _sign_in_wrong(page: Page) -> None:
    await page.fill("#login", "nobody@example.org")
    await page.fill("#password", "wrong")
    await page.keyboard.press("Enter")
    await page.locator("[role=alert]").wait_for()
