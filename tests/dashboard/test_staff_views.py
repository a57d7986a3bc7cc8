"""Devices and points as staff see them: worst first, nothing lost."""

from datetime import UTC, datetime
from typing import Any

from dashboard.staff_views import (
    DeviceView,
    by_municipality,
    count_states,
    device_view,
    event_view,
    group_by_point,
    hands,
    search,
    state_counts,
)


def device(name: str, state: str = "up", point: str | None = "p-one", **changed: str) -> DeviceView:
    row: dict[str, Any] = {
        "municipality": "0781", "device": name, "kind": "hotspot", "point": point, "lifecycle": "active",
        "state": state, "reason": "heard", "since": None, "last_sign_at": None, "revision": 1,
    }  # fmt: skip
    since = changed.pop("since", None)
    row["since"] = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    return device_view(row | changed, "en")


def point(name: str, **changed: object) -> dict[str, Any]:
    row = {
        "municipality": "0781", "id": name, "names": {"sv": name.title()}, "locality_names": None, "status": "active",
        "lat": 56.8, "lon": 13.4,
    }  # fmt: skip
    return row | changed


def test_points_and_their_devices_come_worst_first_and_empty_points_last() -> None:
    points = [point("p-empty"), point("p-fine"), point("p-bad")]
    devices = [
        device("a", "up", "p-fine"),
        device("b", "degraded", "p-bad"),
        device("c", "down", "p-bad"),
        device("d", "blind", None),
    ]
    groups = group_by_point(points, devices, "sv", homeless="nowhere")
    assert [(group.name, [each.id for each in group.devices]) for group in groups] == [
        ("P-Bad", ["c", "b"]),
        ("nowhere", ["d"]),
        ("P-Fine", ["a"]),
        ("P-Empty", []),
    ]


def test_pause_and_state_are_told_in_words() -> None:
    (group,) = group_by_point([point("p-one", status="paused")], [device("a", "down")], "sv", homeless="")
    assert group.paused
    assert group.devices[0].state_words == "No contact"


def test_device_of_a_closed_point_is_still_shown() -> None:
    groups = group_by_point(
        [], [device("a", point="p-closed"), device("b", point=None)], "sv", homeless="nowhere"
    )
    assert [[each.id for each in group.devices] for group in groups] == [["a", "b"]]


def test_names_sort_as_swedish_does() -> None:
    points = [
        point("p-1", names={"sv": name}) | {"id": f"p-{name}"} for name in ("Öland", "Ängen", "Åsen", "Zorn")
    ]
    names = [group.name for group in group_by_point(points, [], "sv", homeless="")]
    assert names == ["Zorn", "Åsen", "Ängen", "Öland"]


def test_only_active_devices_are_counted() -> None:
    devices = [device("a"), device("b", "down"), device("c", "down", lifecycle="suspended")]
    assert {count.state: count.number for count in count_states(devices, "sv")} == {
        "down": 1, "degraded": 0, "blind": 0, "up": 1
    }  # fmt: skip
    assert [count.state for count in state_counts({}, "en")] == ["down", "degraded", "blind", "up"]


def test_event_keeps_both_its_times() -> None:
    at, received_at = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC)
    row = {"municipality": "0781", "device": "a", "type": "wifi.usage", "data": {"clients": 1}}
    shown = event_view(row | {"at": at, "received_at": received_at}, "en")
    assert (shown.at, shown.received_at, shown.words) == (at, received_at, "1 connected now")


def test_what_needs_a_hand_is_in_service_at_an_open_point_and_broken_by_itself() -> None:
    devices = [
        device("long-down", "down", since="2026-09-01T08:00:00"),
        device("new-down", "down", since="2026-09-02T08:00:00"),
        device("late", "degraded", since="2026-09-03T08:00:00"),
        device("never-heard", "blind", reason="never_seen"),
        device("not-seen-by-us", "blind", reason="not_watched"),
        device("fine"),
        device("suspended", "down", lifecycle="suspended"),
        device("at-rest", "down", point="p-paused"),
    ]
    groups = group_by_point([point("p-one"), point("p-paused", status="paused")], devices, "sv", homeless="")
    assert [hand.device.id for hand in hands(groups)] == ["new-down", "long-down", "late", "never-heard"]
    assert {hand.group.name for hand in hands(groups)} == {"P-One"}


def test_search_finds_places_whole_and_devices_alone() -> None:
    points = [point("p-one", names={"sv": "Servicepunkt Särna"}), point("p-two", names={"sv": "Jörn"})]
    devices = [device("hs-1"), device("ki-1"), device("ki-2", point="p-two")]
    groups = group_by_point(points, devices, "sv", homeless="")
    found = {text: [[each.id for each in group.devices] for group in search(groups, text)] for text in (
        "särna", "KI-", "ki-2", "nowhere"
    )}  # fmt: skip
    assert found == {
        "särna": [["hs-1", "ki-1"]],
        "KI-": [["ki-2"], ["ki-1"]],
        "ki-2": [["ki-2"]],
        "nowhere": [],
    }


def test_each_municipality_has_its_own_counts() -> None:
    counts = by_municipality(
        [device("a"), device("b", "down"), device("c", "down", municipality="0583")], "sv"
    )
    assert {code: [count.number for count in its] for code, its in counts.items()} == {
        "0781": [1, 0, 0, 1],
        "0583": [1, 0, 0, 0],
    }
