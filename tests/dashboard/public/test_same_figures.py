"""Everyone and staff read the same figure, to the last digit, from days that were counted as a worker counts them."""

import re

import aiohttp
import pytest

from services.tenants.access import PersonRole
from tests.dashboard.pictures.past import POINT
from tests.dashboard.pictures.stage import stage

FIGURE = re.compile(r"\d+\.\d\d\N{NO-BREAK SPACE}%")


async def test_public_pages_and_staff_pages_say_the_same(database_url: str, admin_url: str) -> None:
    async with (
        stage(database_url, admin_url) as site,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
    ):
        overview = await _page(http, f"{site.url}/status")
        row = overview[overview.index(f'data-point="{POINT}"') :].partition("</li>")[0]
        public = await _page(http, f"{site.url}/p/{POINT}/status")
        http.cookie_jar.update_cookies(await site.cookies(PersonRole.INSTALLATION_ADMIN))
        for days in (30, 90, 365):
            staff = await _page(http, f"{site.url}/staff/points/{POINT}?days={days}")
            period = public[public.index(f'data-days="{days}"') :].partition('<li data-days="')[0]
            for kind in ("clock", "service"):
                expected = _figures(staff, f'data-figure="{kind}"')
                assert _figures(period, f'data-figure="{kind}"') == expected
                if kind == "clock" and days != 365:
                    assert _figures(row, f'data-days="{days}"') == expected


async def _page(http: aiohttp.ClientSession, address: str) -> str:
    async with http.get(f"{address}{'&' if '?' in address else '?'}lang=en") as answer:
        assert answer.status == 200
        return await answer.text()


def _figures(page: str, where: str) -> list[str]:
    """The number and its coverage that follow a mark on a page."""
    if where not in page:
        pytest.fail(f"{where} is not there")
    found = FIGURE.findall(page[page.index(where) :])[:2]
    assert len(found) == 2
    return found
