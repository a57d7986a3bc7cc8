"""Every page for everybody: by axe in each language, on each screen, light, dark and in the reader's own colours;
zoomed in; by keyboard alone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from dashboard.pages import DEMO_PAGES
from dashboard.pages import PAGES as ROUTES
from services.storage.embedded import EmbeddedPostgres
from tests.dashboard import accessible
from tests.dashboard.pictures import shown
from tests.dashboard.pictures.shown import DESKTOP, LANGS, PAGES, STATES, Lang, State
from tests.dashboard.pictures.stage import Stage, stage
from tests.dashboard.pictures.visit import in_state, look, settle, window
from tests.support import databases


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ordinary(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Stage]:
    """The villages, served once for all tests here."""
    async with (
        databases.fresh(postgres.dsn(), template=template) as name,
        stage(postgres.dsn(name, user="bypunkt_app"), postgres.dsn(name)) as running,
    ):
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def empty(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Stage]:
    """An installation without devices, served once for all tests here."""
    async with (
        databases.fresh(postgres.dsn(), template=template) as name,
        stage(postgres.dsn(name, user="bypunkt_app"), postgres.dsn(name), empty=True) as running,
    ):
        yield running


def test_every_page_is_listed() -> None:
    """Whoever adds a page adds it to `shown.py`, and it is checked and pictured like the others."""
    routes = {route.path for routes in (*ROUTES, *DEMO_PAGES) for route in routes if route.method == "GET"}
    assert routes == {page.route for page in PAGES if page.route} | shown.NO_PAGES


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_everybody_can_read_it(ordinary: Stage, browser: Browser, page: shown.Page, lang: Lang) -> None:
    """axe finds nothing, in no colours, and at four times the size one scrolls one way only."""
    async with window(ordinary, browser, page.role, size=page.sizes[0]) as context:
        await accessible.ready(context)
        tab = await context.new_page()
        assert await look(tab, page.path, lang=lang) == page.status
        found = {}
        for size in page.sizes:
            await tab.set_viewport_size({"width": size.width, "height": size.height})
            await tab.emulate_media(color_scheme="light")
            await settle(tab)
            found[size.name, "light"] = await accessible.axe(tab)
            await tab.emulate_media(color_scheme="dark")
            found[size.name, "dark"] = await accessible.axe(tab, only_colours=True)
        # The reader's own few colours: nothing may be told by ours alone.
        await tab.emulate_media(forced_colors="active")
        found["any", "forced"] = await accessible.axe(tab, only_colours=True) + await faint_shapes(tab)
        await tab.emulate_media(forced_colors="none")
        await tab.set_viewport_size({"width": accessible.NARROW, "height": 256})
        found["zoomed", "any"] = await accessible.sideways(tab)
        assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_keyboard_alone_reaches_everything_and_shows_where_it_is(
    ordinary: Stage, browser: Browser, page: shown.Page
) -> None:
    async with window(ordinary, browser, page.role, size=DESKTOP) as context:
        await accessible.ready(context)
        tab = await context.new_page()
        await look(tab, page.path, lang="sv")
        assert await accessible.by_keyboard(tab) == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
async def test_axe_finds_nothing_when_something_is_missing(
    ordinary: Stage, empty: Stage, browser: Browser, state: State
) -> None:
    site = empty if state.mood == "empty" else ordinary
    async with in_state(site, browser, state, prepare=accessible.ready) as tab:
        assert await accessible.axe(tab) == []
        assert await accessible.sideways(tab) == []


async def faint_shapes(page: Page) -> list[str]:
    """Shapes of states that would be drawn in the colour of the paper."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll(".shape")].filter((shape) => shape.checkVisibility()
            && getComputedStyle(shape).color === getComputedStyle(document.body).backgroundColor)
            .map((shape) => shape.outerHTML)"""
    )
    return found
