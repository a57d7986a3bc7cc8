"""One device: its facts, its day, its use; another municipality's is as if it did not exist."""

import re
from datetime import UTC, datetime, timedelta

from dashboard.day_bar import WIDTH, hours_of, spent, stretches
from services.tenants.access import PersonRole
from tests.dashboard.staffed import LIDHULT, Staffed

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


def interval(starts: float, ends: float | None, state: str = "up") -> dict[str, object]:
    """An interval by hours from noon."""
    return {
        "state": state,
        "reason": "heard",
        "starts_at": NOON + timedelta(hours=starts),
        "ends_at": None if ends is None else NOON + timedelta(hours=ends),
    }


def test_bar_is_cut_to_the_day_and_leaves_what_is_unknown_empty() -> None:
    intervals = [interval(-40, -30), interval(-30, -18), interval(-12, -6, "down"), interval(-6, None)]
    drawn = stretches(intervals, first=NOON - DAY, last=NOON)
    assert [(piece.state, piece.x, piece.width, piece.time, piece.open) for piece in drawn] == [
        ("up", 0, WIDTH / 4, DAY / 4, False),
        ("down", WIDTH / 2, WIDTH / 4, DAY / 4, False),
        ("up", WIDTH * 3 / 4, WIDTH / 4, DAY / 4, True),
    ]


def test_bar_of_nothing_is_empty() -> None:
    assert stretches([], first=NOON - DAY, last=NOON) == ()


def test_time_in_each_state_is_exact_and_the_clock_stands_under_the_bar() -> None:
    drawn = stretches(
        [interval(-30, -18), interval(-12, -6.5, "down"), interval(-6.5, None)], first=NOON - DAY, last=NOON
    )
    assert [(part.state, part.time) for part in spent(drawn, ("down", "degraded", "up"))] == [
        ("down", timedelta(hours=5.5)),
        ("up", timedelta(hours=12.5)),
    ]
    # That night the clocks went forward.
    assert hours_of(NOON - DAY, NOON, every=6) == ["13:00", "19:00", "01:00", "08:00", "14:00"]


async def test_device_shows_its_day_its_use_and_its_last_words(site: Staffed) -> None:
    now = site.now()
    await site.set_state("hs-lidhult-1", "down", "silent", since=now - timedelta(hours=2))
    await site.run(_HISTORY, now - timedelta(hours=10), now - timedelta(hours=2))
    await site.run(_USAGE, now - timedelta(hours=4))
    await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 4, "temp_c": 81.5})
    async with site.signed_in(PersonRole.VIEWER) as http, http.get("/staff/devices/hs-lidhult-1") as answer:
        assert answer.status == 200
        text = await answer.text()
    for words in (
        "Har tystnat",
        "var 60:e sekund",
        "pågår",
        '<td class="figure">8 h 0 min</td>',
        '<span data-number data-part="number">12,5</span> <span class="unit">MB</span>',
        "Livstecken, 81,5 °C",
        "uppskattat",
    ):
        assert words in text, words
    assert len(re.findall(r"<rect data-state=.(?:working|down). ", text)) == 2
    assert "style=" not in text


async def test_only_a_hotspot_tells_how_many_are_connected(site: Staffed) -> None:
    async with site.signed_in() as http:
        for kind in ("hotspot", "tracker", "kiosk"):
            await site.run("UPDATE device SET kind = $1 WHERE id = 'hs-lidhult-1'", kind)
            async with http.get("/staff/devices/hs-lidhult-1") as answer:
                assert ("Anslutna nu" in await answer.text()) == (kind == "hotspot"), kind


async def test_figures_of_one_column_have_as_many_decimals(site: Staffed) -> None:
    await site.run(_USAGE, site.now() - timedelta(hours=2))
    await site.run(
        "UPDATE usage_radio SET clients_sum = clients_n, down_bytes = 61000000, up_bytes = 6180000"
    )
    async with site.signed_in() as http, http.get("/staff/devices/hs-lidhult-1") as answer:
        figures = re.findall(r'<td class="figure">([^<]+)</td>', await answer.text())
    assert figures == ["1,0", "19", "61,0", "6,2"]


async def test_device_says_what_to_do_how_it_fares_and_what_was_refused(site: Staffed) -> None:
    await site.set_state("hs-lidhult-1", "degraded", "uplink_lost")
    for seq in (1, 2, 5):
        await site.happens(
            LIDHULT, "device.heartbeat", {"uptime_s": 86_400, "temp_c": 81.5}, boot="b1", seq=seq
        )
    await site.run(LETTER)
    async with site.signed_in() as http, http.get("/staff/devices/hs-lidhult-1") as answer:
        text = await answer.text()
    assert re.search(r'data-advice="uplink_lost">Enheten lever men når inte internet', text)
    assert 'data-advice="silent" hidden' in text
    assert "1 dygn" in text
    assert "81,5 °C" in text
    assert re.search(r"Händelser som saknas, ett dygn</dt><dd>2<", text)
    assert "Händelsetypen är okänd." in text
    async with site.signed_in(PersonRole.VIEWER) as http, http.get("/staff/devices/hs-lidhult-1") as answer:
        assert "Händelsetypen är okänd." not in await answer.text()


LETTER = """
INSERT INTO dead_letter (municipality, lane, device, topic, reason, detail, received_at, size, fingerprint, payload,
    replayable)
VALUES ('0781', lane_for('0781'), 'hs-lidhult-1', 't', 'unknown_type', 'wifi.usagex', now(), 2, '', '{}', true)
"""
_HISTORY = """
WITH first AS (
    INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
    VALUES ('0781', 'hs-lidhult-1', $1, $2, 'up', 'heard')
)
INSERT INTO status_interval (municipality, device, starts_at, ends_at, state, reason)
VALUES ('0781', 'hs-lidhult-1', $2, NULL, 'down', 'silent')
"""
_USAGE = """
INSERT INTO usage_radio (municipality, device, hour, iface, samples, clients_max, clients_sum, clients_n, down_bytes,
    up_bytes, estimated, kiosk_sessions, kiosk_views)
VALUES ('0781', 'hs-lidhult-1', date_trunc('hour', $1::timestamptz), 'wlan0', 12, 19, 87, 12, 12500000,
    900000, true, 0, 0)
"""


async def test_foreign_and_missing_devices_look_the_same(site: Staffed) -> None:
    async with site.signed_in() as http:
        pages = []
        for device in ("hs-fornasa-1", "hs-nowhere", "'; DROP TABLE event", "%2e%2e%2f"):
            async with http.get(f"/staff/devices/{device}") as answer:
                assert answer.status == 404
                pages.append((await answer.text()).partition("<main")[2])
        assert len(set(pages)) == 1
