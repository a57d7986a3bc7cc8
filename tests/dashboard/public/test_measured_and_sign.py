"""What is measured here, from the registry and the running settings; and the sign, with a code that leads there."""

import io
import re

import pytest
import segno
from playwright.async_api import Browser
from pypdf import PdfReader

from dashboard.pages import public_measured
from dashboard.pages.public_sign import qr_code
from dashboard.web import keys
from services.events.text import clean
from services.log.options import RetentionOptions
from tests.dashboard.public.demo_site import Site
from tests.dashboard.public.test_status import text

A4_POINTS = (595, 842)


async def test_page_names_what_stands_there_and_no_device(villages: Site) -> None:
    page = await text(villages, "/p/sp-jorn/measured?lang=sv")
    assert "<li>Wifi: 1</li>" in page
    assert "<li>Informationsskärm: 1</li>" in page
    assert "hs-jorn-1" not in page
    assert "wifi.session_end" in page
    assert "vehicle.position" not in page
    assert "Skellefteå kommun ansvarar för mätningen." in page
    assert "Räkning i vårt eget system är av" in page


async def test_bus_says_that_its_place_is_measured_and_a_kiosk_no_visitors(villages: Site) -> None:
    bus = await text(villages, "/p/mp-bokbuss-motala/measured?lang=en")
    assert "Where the vehicle is while it serves its route" in bus
    await villages.run("UPDATE device SET lifecycle = 'retired' WHERE id = 'hs-jorn-1'")
    kiosk = await text(villages, "/p/sp-jorn/measured?lang=en")
    assert "wifi.usage" not in kiosk
    assert "How visitors are counted" not in kiosk


async def test_place_without_devices_says_that_nothing_is_measured(villages: Site) -> None:
    await villages.run("UPDATE device SET lifecycle = 'retired' WHERE point = 'sp-jorn'")
    page = await text(villages, "/p/sp-jorn/measured?lang=sv")
    assert "Ingen utrustning som mäter är i drift här nu." in page
    assert "device.heartbeat" not in page
    assert "Här mäts ingenting nu." in await text(villages, "/p/sp-jorn/sign")


async def test_days_are_those_of_the_running_program(villages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "760 dagar (ungefär 25 månader)" in await text(villages, "/p/sp-jorn/measured?lang=sv")
    others = RetentionOptions.model_validate(
        {"standard_days": 400, "dead_letter_days": 3, "archive_to": "/archive"}
    )
    monkeypatch.setitem(villages.app._state, keys.RETENTION, others)
    page = await text(villages, "/p/sp-jorn/measured?lang=sv")
    assert "400 dagar (ungefär 13 månader)" in page
    assert "48 timmar; att utrustningen hördes då, och när, i 400 dagar (ungefär 13 månader)." in page
    assert "Att utrustningen hördes, och när: 400 dagar (ungefär 13 månader)." in page
    assert "Uppgifter som vi inte kunde läsa: 3 dagar." in page
    assert "arkiv" in page


def set_address(villages: Site, public_url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    options = villages.app[keys.OPTIONS].model_copy(update={"public_url": public_url})
    monkeypatch.setitem(villages.app._state, keys.OPTIONS, options)


@pytest.mark.parametrize("public_url", [None, "https://byar.example"])
async def test_code_leads_to_the_page_of_the_point(
    villages: Site, public_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_address(villages, public_url, monkeypatch)
    address = f"{public_url or villages.url}/p/sp-jorn"
    page = await text(villages, "/p/sp-jorn/sign")
    assert f'aria-label="QR-kod till {address}"' in page
    drawn = re.search(r'<svg [^>]*class="segno".*?</svg>', page)
    assert drawn
    assert drawn[0] == clean(qr_code(address))
    assert drawn[0] != clean(qr_code(f"{address}x"))
    assert f"{address}/measured" in page


def test_code_has_all_its_margin_and_bears_dirt() -> None:
    code = segno.make("https://byar.example/p/sp-jorn", error="q", micro=False, boost_error=False)
    width, height = code.symbol_size(border=4)
    assert f'viewBox="0 0 {width} {height}"' in qr_code("https://byar.example/p/sp-jorn")
    assert code.error == "Q"


@pytest.mark.parametrize("point", ["sp-jorn", "mp-bokbuss-motala", "dp-sodraljunga"])
async def test_sign_is_one_sheet_of_a4_with_nothing_else_on_it(
    villages: Site, browser: Browser, point: str
) -> None:
    context = await browser.new_context(color_scheme="dark", locale="en-GB")
    page = await context.new_page()
    await page.goto(f"{villages.url}/p/{point}/sign")
    sheet = PdfReader(io.BytesIO(await page.pdf(prefer_css_page_size=True, print_background=True)))
    await context.close()
    (only,) = sheet.pages
    assert (round(only.mediabox.width), round(only.mediabox.height)) == A4_POINTS
    words = clean(only.extract_text())
    assert words.index("Vad mäts här?") < words.index("What is measured here?")
    assert "påhittade" in words or "made up" in words
    for gone in ("In English", "På svenska", "Print the page", "JSON Feed"):
        assert gone not in words


async def test_a_host_that_no_code_holds_is_a_bad_request(
    villages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"Host": f"{'a' * 2000}.example"}
    async with villages.http.get(f"{villages.url}/p/sp-jorn/sign", headers=named) as answer:
        assert answer.status == 400
    set_address(villages, "https://byar.example", monkeypatch)
    async with villages.http.get(f"{villages.url}/p/sp-jorn/sign", headers=named) as answer:
        assert answer.status == 200


async def test_sign_that_follows_the_host_is_kept_by_nobody(villages: Site) -> None:
    named = {"Host": "elsewhere.example"}
    async with villages.http.get(f"{villages.url}/p/sp-jorn/sign", headers=named) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "http://elsewhere.example/p/sp-jorn" in await answer.text()


async def test_pages_are_kept_for_a_minute_and_need_no_script(
    villages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_address(villages, "https://byar.example", monkeypatch)
    for path in ("/p/sp-jorn/measured", "/p/sp-jorn/sign"):
        async with villages.http.get(villages.url + path) as answer:
            assert answer.headers["Cache-Control"] == f"public, max-age={public_measured.MAX_AGE_S}"
            assert "live-points.js" not in await answer.text()
