"""The desk of a demo: who may sit at it, what a press does, and that it is nowhere else."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dashboard.pages.demo_desk import AT_A_POINT, EVERYWHERE, PAGE, AlreadyBroken, Mishap, Switch
from services.runtime import clock
from services.tenants.access import PersonRole
from tests.dashboard import accessible
from tests.dashboard.staffed import Staffed, staffed

ADMIN = PersonRole.INSTALLATION_ADMIN
FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


class Desk:
    """Notes what is pressed; the rush is on already."""

    def __init__(self) -> None:
        self.pressed: list[tuple[Switch, str | None]] = []

    def places(self) -> Mapping[str, str]:
        return {"dp-ryssby": "Ryssby <demo>", "dp-lagan": "Lagan (demo)"}

    def lasts_s(self, switch: Switch) -> float:
        return 60 if switch in AT_A_POINT else 20

    def under_way(self) -> Sequence[Mishap]:
        ends_at = clock.now() + timedelta(seconds=41.5)
        found = [Mishap(switch, place, ends_at) for switch, place in self.pressed]
        return [*found, Mishap(Switch.RUSH, None, ends_at)]

    async def press(self, switch: Switch, *, place: str | None) -> None:
        if switch is Switch.RUSH:
            raise AlreadyBroken
        self.pressed.append((switch, place))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture(loop_scope="session")
async def demo(database_url: str, admin_url: str, desk: Desk) -> AsyncIterator[Staffed]:
    async with staffed(database_url, admin_url, desk=desk) as running:
        yield running


async def test_it_shows_the_switches_and_what_is_broken_for_how_long(demo: Staffed) -> None:
    async with demo.signed_in(ADMIN) as http, http.get(PAGE) as answer:
        text = await answer.text()
    assert answer.status == 200
    for switch in Switch:
        assert f'name="switch" value="{switch}"' in text
    assert set(Switch) == {*AT_A_POINT, *EVERYWHERE}
    assert text.index("Lagan (demo)") < text.index("Ryssby &lt;demo&gt;")
    assert re.search(r"En dag i juli</th>.*Överallt.*4[12] sekunder", text)


async def test_a_press_breaks_something_and_shows_it_in_the_list(demo: Staffed, desk: Desk) -> None:
    async with demo.signed_in(ADMIN) as http:
        form = {"switch": "power_cut", "point": "dp-lagan"}
        async with http.post(PAGE, params={"lang": "en"}, data=form) as answer:
            text = await answer.text()
        assert answer.status == 200  # after the redirect, so that a reload presses nothing
        assert answer.history[0].status == 303
        assert desk.pressed == [(Switch.POWER_CUT, "dp-lagan")]
        assert re.search(r"Power cut</th>.*dp-lagan.*4[12] seconds", text)
        assert '<option value="dp-lagan" selected>' in text
        await http.post(PAGE, data={"switch": "broker_kill", "point": "dp-lagan"})
        assert desk.pressed[1:] == [(Switch.BROKER_KILL, None)]


async def test_what_is_broken_already_is_not_broken_twice(demo: Staffed) -> None:
    async with demo.signed_in(ADMIN) as http, http.post(PAGE, data={"switch": "rush"}) as answer:
        assert answer.status == 409
        assert "Det är redan trasigt." in await answer.text()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"switch": "meteor"},
        {"switch": "power_cut"},
        {"switch": "power_cut", "point": "dp-nowhere"},
        {"switch": "power_cut", "point": ""},
    ],
)
async def test_nonsense_breaks_nothing(demo: Staffed, desk: Desk, form: dict[str, str]) -> None:
    async with demo.signed_in(ADMIN) as http, http.post(PAGE, data=form) as answer:
        assert answer.status == 400
    assert desk.pressed == []


@pytest.mark.parametrize("role", sorted(set(PersonRole) - {ADMIN}))
async def test_only_who_works_for_the_installation_may_break_it(
    demo: Staffed, desk: Desk, role: PersonRole
) -> None:
    async with demo.signed_in(role) as http:
        assert (await http.get(PAGE)).status == 403
        assert (await http.post(PAGE, data={"switch": "broker_kill"})).status == 403
    assert desk.pressed == []


async def test_strangers_and_other_sites_break_nothing(demo: Staffed, desk: Desk) -> None:
    async with demo.visitor() as http:
        assert (await http.get(PAGE, allow_redirects=False)).status == 303
        assert (await http.post(PAGE, data={"switch": "broker_kill"})).status == 401
    async with demo.signed_in(ADMIN) as http:
        answer = await http.post(PAGE, data={"switch": "broker_kill"}, headers=FROM_ELSEWHERE)
        assert answer.status == 403
    assert desk.pressed == []


async def test_without_a_demo_there_is_no_desk(site: Staffed) -> None:
    async with site.signed_in(ADMIN) as http:
        assert (await http.get(PAGE)).status == 404
        assert (await http.post(PAGE, data={"switch": "broker_kill"})).status in (404, 405)


@pytest.mark.parametrize("lang", ["sv", "en"])
async def test_it_is_accessible_and_fits_a_phone(demo: Staffed, browser: Browser, lang: str) -> None:
    async with demo.window(browser, ADMIN, viewport={"width": 320, "height": 640}) as window:
        await accessible.ready(window)
        page = await window.new_page()
        await page.goto(f"{PAGE}?lang={lang}")
        assert await accessible.axe(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_it_works_by_keyboard_alone_without_script(demo: Staffed, desk: Desk, browser: Browser) -> None:
    async with demo.window(browser, ADMIN, java_script_enabled=False) as window:
        page = await window.new_page()
        await page.goto(PAGE)
        await page.get_by_label("Servicepunkt", exact=True).focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/staff/demo?point=*")
        assert desk.pressed == [(Switch.UPLINK_LOST, "dp-ryssby")]


async def test_the_list_stays_current_by_itself(demo: Staffed, desk: Desk, browser: Browser) -> None:
    async with demo.window(browser, ADMIN) as window:
        page = await window.new_page()
        await page.goto(PAGE)
        assert await page.locator("#broken tbody tr").count() == 1
        desk.pressed.append((Switch.BROKER_STOP, None))
        await page.get_by_role("rowheader", name="Stoppa meddelandeservern").wait_for(timeout=20_000)
        assert await page.locator("#broken").count() == 1


async def test_signed_out_meanwhile_the_list_stays_as_it_was(demo: Staffed, browser: Browser) -> None:
    async with demo.window(browser, ADMIN) as window:
        page = await window.new_page()
        await page.goto(PAGE)
        before = await page.locator("#broken").inner_text()
        async with page.expect_response(re.compile("/staff/sign-in"), timeout=20_000) as answer:
            await window.clear_cookies()
        await (await answer.value).finished()
        async with page.expect_response(re.compile("/staff/sign-in"), timeout=20_000):
            pass
        assert await page.locator("#broken").inner_text() == before


async def test_it_is_a_link_away_for_those_who_may_use_it(demo: Staffed) -> None:
    link = f'<a href="{PAGE}">Demo</a>'
    async with demo.signed_in(ADMIN) as http, http.get("/staff") as answer:
        assert link in await answer.text()
    async with demo.signed_in(PersonRole.TECHNICIAN) as http, http.get("/staff") as answer:
        assert PAGE not in await answer.text()


async def test_without_a_demo_there_is_no_link_to_it(site: Staffed) -> None:
    async with site.signed_in(ADMIN) as http, http.get("/staff") as answer:
        assert PAGE not in await answer.text()
