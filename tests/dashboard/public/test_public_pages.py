"""What the public pages say, as a reader without script and as a program gets it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.pages import feeds, points_geojson, public_point, public_start
from dashboard.web.routes import PUBLIC
from tests.dashboard.public.demo_site import NOW, Site


async def text(villages: Site, path: str, *, status: int = 200, headers: dict[str, str] | None = None) -> str:
    async with villages.http.get(villages.url + path, headers=headers) as answer:
        assert answer.status == status
        return await answer.text()


async def test_start_page_lists_every_municipality_with_its_points(villages: Site) -> None:
    page = await text(villages, "/")
    names = re.findall(r'<h2 id="m-\d{4}">([^<]+?)<', page)
    assert names == [
        *(
            "Arvidsjaur",
            "Flen",
            "Ljungby",
            "Ludvika",
            "Motala",
            "Norrköping",
            "Skellefteå",
            "Storuman",
            "Vingåker",
        ),
        *("Älmhult", "Älvdalen"),
    ]
    assert page.count('class="point"') == 20
    for said in (
        "Wifi fungerar",
        "Öppet till 18:00",
        "Alltid öppet",
        "Mobil servicepunkt",
        "Café och mötesplats",
    ):
        assert said in page
    assert "påhittade" in page


async def test_english_is_complete(villages: Site) -> None:
    page = await text(villages, "/?lang=en")
    for said in (
        "Wi-Fi works",
        "Open until 18:00",
        "Always open",
        "Mobile service point",
        "Post and parcels",
        "made up",
    ):
        assert said in page
    assert 'href="/p/dp-lidhult?lang=en"' in page
    assert not set(re.findall(r">[^<]*\b(?:Öppet|fungerar|servicepunkter|Visa|Kommun)\b[^<]*<", page))


async def test_accept_language_decides_when_the_address_does_not(villages: Site) -> None:
    assert '<html lang="en">' in await text(villages, "/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="sv">' in await text(villages, "/", headers={"Accept-Language": "fi,de;q=0.9"})


async def test_states_are_told_in_plain_words(villages: Site) -> None:
    since = datetime(2026, 11, 18, 8, 40, tzinfo=UTC)
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=since)
    await villages.set_state("hs-lidhult-1", "down", reason="silent")
    await villages.set_state("hs-hogsjo-1", "degraded", reason="uplink_lost")
    await villages.run("DELETE FROM device_status WHERE device = 'hs-tjallmo-1'")
    page = await text(villages, "/")
    for said in (
        "Ingen kontakt sedan 09:40",
        "Wifi fungerar delvis",
        "Wifi är på, men internet saknas",
        "Vi vet inte just nu",
    ):
        assert page.count(said) == 1, said
    assert "Ingen kontakt sedan 09:40" in await text(villages, "/p/sp-gunnarn")


async def test_contact_lost_on_another_day_names_the_day(villages: Site) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW - timedelta(days=2))
    assert "Ingen kontakt sedan 16 nov. 13:00" in await text(villages, "/p/sp-gunnarn")
    assert "No contact since 16 Nov 13:00" in await text(villages, "/p/sp-gunnarn?lang=en")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2026, 11, 18, 6, tzinfo=UTC), "Stängt, öppnar 09:00"),
        (datetime(2026, 11, 18, 18, tzinfo=UTC), "Stängt, öppnar i morgon 09:00"),
        (datetime(2026, 11, 21, 18, tzinfo=UTC), "Stängt, öppnar måndag 09:00"),
        (datetime(2026, 12, 24, 11, tzinfo=UTC), "Stängt, öppnar måndag 09:00"),
    ],
)
async def test_opening_is_told_as_people_say_it(villages: Site, now: datetime, said: str) -> None:
    villages.now = now
    assert said in await text(villages, "/p/sp-gunnarn")


async def test_one_municipality_is_chosen_by_address_and_by_form(villages: Site) -> None:
    page = await text(villages, "/?municipality=0781")
    assert page.count('class="point"') == 7
    assert "Servicepunkter i Ljungby" in page
    assert '<option value="0781" selected>' in page
    assert (await text(villages, "/?municipality=")).count('class="point"') == 20
    assert "Sidan finns inte" in await text(villages, "/?municipality=9999", status=404)


async def test_point_page_tells_hours_services_and_when_it_was_heard(villages: Site) -> None:
    page = " ".join((await text(villages, "/p/sp-fornasa")).split())
    for said in (
        "<dt>Måndag–fredag</dt><dd>09:00–18:00</dd>",
        "<dt>Lördag</dt><dd>10:00–14:00</dd>",
        "<dt>Söndag</dt><dd>Stängt</dd>",
        "<dt>Helgdagar</dt><dd>Stängt</dd>",
        '<li>Utskrift och skanning<span class="soft">Skriv ut och skanna papper</span></li>',
        "<li>Dagligvaror</li>",
        "Du kan surfa på platsens wifi.",
        "Servicepunkt Tjällmo (demo)",
        "29 km fågelvägen",
        f"Aktuellt läge: {villages.url}/p/sp-fornasa",
        "Motala kommun",
        'href="/?municipality=0583"',
    ):
        assert said in page, said
    assert re.search(
        r"<dt>Senast hörd</dt><dd><time datetime=\"2026-11-18T12:00:00.000Z\">13:00</time>", page
    )


async def test_point_without_place_or_hours_says_so_and_has_no_map(villages: Site) -> None:
    page = await text(villages, "/p/mp-bokbuss-motala")
    assert "Okända öppettider" in page
    assert 'id="map"' not in page


async def test_planned_closed_and_unknown_points_are_not_shown(villages: Site) -> None:
    await villages.run("UPDATE service_point SET status = 'closed' WHERE id = 'dp-lidhult'")
    await villages.run("UPDATE service_point SET status = 'planned' WHERE id = 'dp-lagan'")
    page = await text(villages, "/")
    assert page.count('class="point"') == 18
    for gone in ("dp-lidhult", "dp-lagan", "dp-never-was", "..%2f..%2fetc"):
        assert "Sidan finns inte" in await text(villages, f"/p/{gone}", status=404)


async def test_paused_point_says_that_it_is_closed_for_now(villages: Site) -> None:
    await villages.run("UPDATE service_point SET status = 'paused' WHERE id = 'dp-lagan'")
    assert "Tillfälligt stängt" in await text(villages, "/p/dp-lagan")


async def test_real_points_are_not_called_made_up(villages: Site) -> None:
    await villages.run("UPDATE service_point SET synthetic = false")
    assert "påhittade" not in await text(villages, "/")


def test_public_pages_need_no_sign_in() -> None:
    pages = (public_start, public_point, feeds, points_geojson)
    assert {route.access for page in pages for route in page.routes} == {PUBLIC}
    assert {route.method for page in pages for route in page.routes} == {"GET"}


async def test_public_pages_set_no_cookie_and_may_be_kept_for_seconds(villages: Site) -> None:
    for path in ("/", "/p/sp-fornasa", "/feed.json", "/points.geojson", "/points.csv"):
        async with villages.http.get(villages.url + path) as answer:
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"].startswith("public, max-age=")


@pytest.mark.parametrize("path", ["/", "/?municipality=0583&lang=en", "/p/sp-fornasa"])
async def test_page_is_sent_packed_and_not_to_those_who_have_it(villages: Site, path: str) -> None:
    address = villages.url + path
    async with villages.http.get(address) as answer:
        tag, whole = answer.headers["ETag"], await answer.text()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Language, Accept-Encoding"
        assert int(answer.headers["Content-Length"]) < len(whole) / 2
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        async with villages.http.get(address, headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag
            assert answer.headers["Cache-Control"].startswith("public")
    async with villages.http.get(address, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.text() == whole
    await villages.set_state("hs-fornasa-1", "down", reason="silent", since=NOW)
    villages.now += timedelta(seconds=5)
    async with villages.http.get(address, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != tag


@pytest.mark.parametrize("path", ["/sign-in", "/p/nowhere"])
async def test_page_that_nobody_may_keep_has_no_tag_and_is_not_packed(villages: Site, path: str) -> None:
    async with villages.http.get(villages.url + path, headers={"If-None-Match": "*"}) as answer:
        assert answer.status in (200, 404)
        assert answer.headers["Cache-Control"] == "no-store"
        assert not {"ETag", "Content-Encoding"} & answer.headers.keys()
        assert await answer.text()


async def test_last_picture_is_shown_with_its_time_while_the_database_is_away(villages: Site) -> None:
    await text(villages, "/")
    villages.now += timedelta(minutes=7)
    villages.take_database_away()
    page = await text(villages, "/")
    assert page.count('class="point"') == 20
    assert "Här visas läget som det var kl. 13:00." in page
    assert 'id="as-of"' not in page
