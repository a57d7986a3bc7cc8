"""How a device fares, measure by measure, in words and units."""

from datetime import UTC, datetime

from dashboard.vital_signs import vital_signs

NOON = datetime(2026, 9, 16, 12, tzinfo=UTC)


def said(lang: str = "sv", **data: object) -> list[tuple[str, str, str, bool]]:
    signs = vital_signs({"device.heartbeat": (NOON, data)}, lang)
    assert {sign.at for sign in signs} <= {NOON}
    return [(sign.name, sign.value, sign.unit, sign.worth_a_look) for sign in signs]


def test_measures_have_units_and_swedish_decimals() -> None:
    assert said(uptime_s=1_036_800, temp_c=48.5, rtt_ms=38.0, uplink_ok=True) == [
        ("Drifttid", "12 dygn", "", False),
        ("Internet", "ja", "", False),
        ("Svarstid", "38", "ms", False),
        ("Temperatur", "48,5", "°C", False),
    ]
    assert [
        value for _, value, *_ in said(rtt_ms=38.4, temp_c=48, mem_used_pct=61.3, load1=0.2, loss_pct=0)
    ] == [
        *("38", "0,0", "48,0", "61", "0,20"),
    ]
    assert said("en", uptime_s=1_036_800, temp_c=48.5)[0][1] == "12 days"


def test_what_is_worth_a_look_is_marked() -> None:
    marked = said(
        uplink_ok=False, temp_c=70, batt_pct=20, loss_pct=5, disk_used_pct=90, signal_dbm=-101, rtt_ms=500
    )
    assert {worth for *_, worth in marked} == {True}
    assert len(marked) == 7
    fine = said(
        uplink_ok=True,
        temp_c=69,
        batt_pct=21,
        loss_pct=4,
        disk_used_pct=89,
        signal_dbm=-99,
        rtt_ms=499,
        load1=9,
    )
    assert {worth for *_, worth in fine} == {False}


def test_short_times_keep_their_own_unit_and_what_is_no_number_is_left_out() -> None:
    assert [said(uptime_s=seconds)[0][1] for seconds in (0, 59, 60, 7_200)] == [
        "0 sekunder", "59 sekunder", "1 minut", "2 timmar"
    ]  # fmt: skip
    assert said(uptime_s="long", temp_c="hot", uplink_ok="yes", mem_used_pct=True) == []
    assert vital_signs({}, "sv") == []


def test_kiosk_tells_what_is_wrong_with_its_screen() -> None:
    health = {
        "screen_on": False,
        "browser_ok": True,
        "power": "battery",
        "storage_free_bytes": 11_811_160_064,
    }
    signs = vital_signs({"kiosk.health": (NOON, health)}, "sv")
    assert [(sign.name, sign.value, sign.unit, sign.worth_a_look) for sign in signs] == [
        ("Skärmen lyser", "nej", "", True),
        ("Webbläsaren svarar", "ja", "", False),
        ("Ström", "batteri", "", True),
        ("Ledigt utrymme", "11,8", "GB", False),
    ]
