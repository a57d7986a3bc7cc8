"""The checks of pages find what they are for: each is shown a page that is wrong in just that way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page

from tests.dashboard import accessible

PAGE = '<!doctype html><html lang="sv"><title>Prov</title><main><h1>Prov</h1>{}</main></html>'
FINE = PAGE.format('<p>Text</p><a href="#a">Länk</a> <button>Knapp</button>')

# Two buttons that hand the focus to each other and never on to the third.
CIRCLE = """<button id="a">A</button><button id="b">B</button><button>C</button><script>
    b.onkeydown = (event) => { event.preventDefault(); a.focus(); };
    a.onkeydown = (event) => { event.preventDefault(); b.focus(); };
</script>"""


@asynccontextmanager
async def showing(browser: Browser, html: str) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": accessible.NARROW, "height": 400})
    await accessible.ready(context)
    page = await context.new_page()
    await page.goto("about:blank")
    await page.set_content(html)
    try:
        yield page
    finally:
        await context.close()


async def test_page_without_fault_passes(browser: Browser) -> None:
    async with showing(browser, FINE) as page:
        assert await accessible.axe(page) == []
        assert await accessible.sideways(page) == []
        assert await accessible.by_keyboard(page) == []


async def test_faint_text_and_missing_names_are_found(browser: Browser) -> None:
    async with showing(browser, PAGE.format('<p style="color:#bbb">Svag</p><img src="x.png">')) as page:
        found = await accessible.axe(page)
        assert [rule.partition(":")[0] for rule in found] == ["color-contrast", "image-alt"]
        assert [rule.partition(":")[0] for rule in await accessible.axe(page, only_colours=True)] == [
            "color-contrast"
        ]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ('<p style="width:900px">Bred</p>', "the page is"),
        ('<p style="width:60px;overflow:hidden;white-space:nowrap">En lång mening</p>', "is cut off"),
    ],
)
async def test_what_is_too_wide_is_found(browser: Browser, fault: str, says: str) -> None:
    async with showing(browser, PAGE.format(fault)) as page:
        found = await accessible.sideways(page)
        assert any(line.startswith(says) for line in found), found


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            '<style>a:focus{outline:none}</style><a href="#a">Länk</a><a href="#b">Länk</a>',
            "focus does not show",
        ),
        (
            CIRCLE,
            "not reached",
        ),
    ],
)
async def test_what_the_keyboard_cannot_do_is_found(browser: Browser, fault: str, says: str) -> None:
    async with showing(browser, PAGE.format(fault)) as page:
        found = await accessible.by_keyboard(page)
        assert any(line.startswith(says) for line in found), found
