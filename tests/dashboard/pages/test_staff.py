"""The staff overview: worst first, whole without script, and only one's own."""

from datetime import timedelta

from dashboard.live.sight import read_sight
from services.tenants.access import PersonRole
from tests.dashboard.lived import lived
from tests.dashboard.staffed import FORNASA, LIDHULT, Staffed


async def page(
    site: Staffed, path: str, role: PersonRole = PersonRole.MUNICIPAL_ADMIN, status: int = 200
) -> str:
    async with site.signed_in(role) as http, http.get(path) as answer:
        assert answer.status == status
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.text()


async def test_states_reasons_and_clients_stand_in_the_page(site: Staffed) -> None:
    await site.set_state("hs-lidhult-1", "degraded", "late", since=site.now() - timedelta(hours=3))
    await site.happens(LIDHULT, "wifi.usage", {"iface": "wlan0", "clients": 12})
    text = await page(site, "/staff")
    assert "Ljungby" in text
    assert "Fungerar delvis" in text
    assert "Hör av sig för sällan" in text
    assert "12 anslutna nu" in text
    assert 'data-clients="12">12<' in text
    assert text.index("hs-lidhult-1") < text.index("hs-lidhult-2")  # worst first
    assert "Har aldrig hörts" in text


async def test_of_a_silent_device_nobody_knows_how_many_are_connected(site: Staffed) -> None:
    await site.happens(LIDHULT, "wifi.usage", {"iface": "wlan0", "clients": 12})
    await site.set_state("hs-lidhult-1", "down", "silent")
    assert 'data-clients="12">12<' not in await page(site, "/staff")


async def test_what_nobody_has_judged_for_half_a_minute_is_not_known(site: Staffed) -> None:
    """Canaries come through, but the worker stands still: nothing of what it last said is true any longer."""
    await site.set_state("hs-lidhult-1", "up", "heard")
    for seconds, known in ((31, False), (5, True)):
        await site.run(_CAUGHT_UP, site.now() - timedelta(seconds=seconds))
        for path in ("/staff", "/staff/devices/hs-lidhult-1"):
            text = await page(site, path)
            assert ("Hörs som den ska" in text) is known, path
            assert ("avbrott hos oss" in text) is not known, path
        sight = await read_sight(site.database, now=site.now())
        assert {lane.seeing for lane in sight.values()} == {known}


async def test_words_are_english_when_asked_and_links_keep_it(site: Staffed) -> None:
    text = await page(site, "/staff?lang=en")
    assert "Never heard" in text
    assert 'href="/staff/devices/hs-lidhult-1?lang=en"' in text


async def test_municipality_sees_itself_only(site: Staffed) -> None:
    await site.happens(FORNASA, "device.heartbeat", {"uptime_s": 1})
    text = await page(site, "/staff")
    assert "hs-fornasa-1" not in text
    assert "Fornåsa" not in text
    assert '<select id="municipality"' not in text
    for code in ("0583", "9999", "x"):
        await page(site, f"/staff?municipality={code}", status=404)


async def test_installation_chooses_among_all(site: Staffed) -> None:
    await site.happens(FORNASA, "device.heartbeat", {"uptime_s": 1})
    everything = await page(site, "/staff", PersonRole.INSTALLATION_ADMIN)
    assert "hs-fornasa-1" in everything
    assert "hs-lidhult-1" in everything
    assert '<select id="municipality"' in everything
    motala = await page(site, "/staff?municipality=0583", PersonRole.INSTALLATION_ADMIN)
    assert "hs-fornasa-1" in motala
    assert "hs-lidhult-1" not in motala


async def test_what_needs_a_hand_comes_first_with_its_place(site: Staffed) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    await site.set_state("hs-lidhult-2", "down", "silent")
    text = await page(site, "/staff")
    hands = text.partition('id="hands"')[2].partition("</ul>")[0]
    assert "hs-lidhult-2" in hands
    assert "Digital servicepunkt Lidhult (demo)" in hands
    assert "hs-lidhult-1" not in hands
    await site.set_state("hs-lidhult-2", "up", "heard")
    assert 'id="calm" hidden' not in await page(site, "/staff")


async def test_search_finds_a_device_or_a_place_or_says_that_there_is_none(site: Staffed) -> None:
    found = await page(site, "/staff?q=LIDHULT-1")
    assert "hs-lidhult-1" in found
    assert 'data-device="hs-lidhult-2"' not in found
    nothing = await page(site, "/staff?q=%3Cb%3Efinns+inte")
    assert "Ingen enhet eller plats heter så: &lt;b&gt;finns inte" in nothing


async def test_empty_installation_says_what_to_do_next(site: Staffed) -> None:
    await site.run("DELETE FROM placement")
    await site.run("DELETE FROM device")
    assert "Be den som sköter bypunkt hos er" in await page(site, "/staff")
    assert "bypunkt import FIL" in await page(site, "/staff", PersonRole.INSTALLATION_ADMIN)


def lately(text: str) -> str:
    """What is said of the time since yesterday."""
    return text.partition('id="lately"')[2].partition("</section>")[0]


async def test_since_yesterday_leads_to_the_point_and_is_english_too(site: Staffed) -> None:
    assert "Inget har hänt sedan i går" in lately(await page(site, "/staff"))
    for device in (LIDHULT, ("0781", "hs-lidhult-2")):
        await lived(site, device, days=3, befell=[(1, (720, 740, "down", "silent"))])
    swedish = lately(await page(site, "/staff"))
    assert 'href="/staff/points/dp-lidhult"' in swedish
    assert "Fungerar igen" in swedish
    assert "Ingen kontakt, borta 20 min" in swedish
    assert "Inget har hänt" not in swedish
    english = lately(await page(site, "/staff?lang=en"))
    assert "Works again" in english
    assert "away for 20 min" in english
    assert lately(await page(site, "/staff?q=lidhult")) == ""
    assert lately(await page(site, "/staff", PersonRole.NETWORK)) == ""
    assert "dp-lidhult" not in lately(
        await page(site, "/staff?municipality=0583", PersonRole.INSTALLATION_ADMIN)
    )


async def test_network_sees_sums_and_no_device(site: Staffed) -> None:
    await site.set_state("hs-lidhult-1", "down", "silent")
    text = await page(site, "/staff", PersonRole.NETWORK)
    assert "Ljungby" in text
    assert "Motala" in text
    assert "hs-" not in text
    await page(site, "/staff/devices/hs-lidhult-1", PersonRole.NETWORK, status=403)


async def test_page_says_when_we_ourselves_cannot_see(site: Staffed) -> None:
    seeing = await page(site, "/staff")
    assert 'data-blind="" hidden' in seeing
    site.skew = timedelta(hours=2)
    blind = await page(site, "/staff")
    assert 'data-blind="" hidden' not in blind
    assert '<span data-part="names">Ljungby</span>' in blind


async def test_retired_devices_are_gone_and_suspended_ones_say_so(site: Staffed) -> None:
    await site.run("UPDATE device SET lifecycle = 'retired' WHERE id = 'hs-lidhult-1'")
    await site.run("UPDATE device SET lifecycle = 'suspended', point = NULL WHERE id = 'hs-lidhult-2'")
    text = await page(site, "/staff")
    assert "hs-lidhult-1" not in text
    assert "avstängd" in text
    assert "Utan servicepunkt" in text
    assert "Inga enheter." in text


async def test_newest_events_come_first_and_late_ones_keep_their_time(site: Staffed) -> None:
    early = site.now() - timedelta(hours=5)
    await site.happens(LIDHULT, "device.status", {"state": "online"})
    await site.happens(
        LIDHULT, "device.status", {"state": "offline", "reason": "power"}, at=early, time=early
    )
    text = await page(site, "/staff")
    assert text.index("Kopplades från: power") < text.index("Anslöt")


_CAUGHT_UP = """
INSERT INTO reading_cursor (reading, lane, caught_up_at) SELECT 'status', lane, $1 FROM lane_in_use
ON CONFLICT (reading, lane) DO UPDATE SET caught_up_at = excluded.caught_up_at
"""
