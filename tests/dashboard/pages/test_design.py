"""The design page shows every part, every state and every colour, to signed-in people, in both languages."""

import re
from importlib.resources import files

import pytest

from dashboard import tokens
from services.tenants.access import PersonRole
from tests.dashboard.staffed import Staffed


async def page(site: Staffed, lang: str, role: PersonRole = PersonRole.VIEWER) -> str:
    async with site.signed_in(role) as http, http.get(f"/staff/design?lang={lang}") as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize("lang", ["sv", "en"])
async def test_every_state_and_every_colour_is_shown(site: Staffed, lang: str) -> None:
    shown = await page(site, lang)
    assert set(re.findall(r'data-token="([^"]+)"', shown)) == set(tokens.themes()["light"])
    for state in tokens.STATES:
        assert f'class="state badge" data-state="{state}"' in shown
    for kind in ("info", "done", "warning", "critical", "blind"):
        assert f'class="notice" data-kind="{kind}"' in shown
    for part in (
        "trail",
        "key-figures",
        "table stacks",
        "facts",
        "field",
        "choice",
        "subnav",
        "day-bar",
        "empty",
        "loading",
    ):
        assert re.search(rf'class="{part}[ "]', shown), part
    assert 'aria-invalid="true"' in shown


async def test_every_pair_of_colours_shows_its_contrast(site: Staffed) -> None:
    shown = await page(site, "en", PersonRole.NETWORK)
    rows = re.findall(r'<tr><th scope="row">([\w-]+)</th><td>([\w-]+)</td>', shown)
    assert rows == [(pair.front, pair.back) for pair in tokens.pairs()]
    theme = tokens.themes()["light"]
    assert f'<td class="figure">{tokens.contrast(theme["ink"], theme["paper"]):.1f}</td>' in shown


async def test_every_macro_is_named_on_the_page(site: Staffed) -> None:

    shown = await page(site, "sv")
    for sheet in ("ui.html", "state.html"):
        text = files("dashboard").joinpath("templates", "parts", sheet).read_text()
        missing = [name for name in re.findall(r"\{% macro (\w+)\(", text) if f"{name}(" not in shown]
        assert missing == []


async def test_strangers_are_asked_to_sign_in(site: Staffed) -> None:
    async with site.visitor() as http, http.get("/staff/design", allow_redirects=False) as answer:
        assert answer.status == 303
        assert "/staff/sign-in" in answer.headers["Location"]
