import itertools
from datetime import UTC, datetime, timedelta

import pytest

from services.status.models import Reason
from services.status.points import DeviceState, PointReason, PointState, status_of

NINE = datetime(2026, 11, 18, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)


def device(kind: str, reason: str, since: datetime | None = NINE) -> DeviceState:
    heard = None if reason == "never_seen" else NINE
    return DeviceState(kind=kind, state=Reason(reason).state, reason=reason, since=since, last_sign_at=heard)


UP, LATE, NO_NET = ("heard", "late", "uplink_lost")
DOWN, BLIND = ("silent", "not_watched")


@pytest.mark.parametrize(
    ("hotspots", "kiosks", "state", "reason"),
    [
        ([UP], [], "working", "all_up"),
        ([UP, UP], [UP], "working", "all_up"),
        ([], [UP], "working", "all_up_no_wifi"),
        ([UP], [DOWN], "partly", "others_silent"),
        ([UP], ["never_seen"], "partly", "others_silent"),
        ([UP, DOWN], [UP], "partly", "wifi_partly"),
        ([UP, NO_NET], [], "partly", "wifi_partly"),
        ([LATE], [], "partly", "wifi_unsteady"),
        ([UP, "restarting"], [], "partly", "wifi_unsteady"),
        ([NO_NET], [UP], "partly", "uplink_lost"),
        (["uplink_reported"], [], "partly", "uplink_lost"),
        ([DOWN, NO_NET], [], "partly", "uplink_lost"),
        ([DOWN], [UP], "partly", "wifi_down"),
        ([BLIND], [UP], "partly", "wifi_unknown"),
        ([], [UP, DOWN], "partly", "partly_no_wifi"),
        ([DOWN], [], "down", "no_contact"),
        ([DOWN], [BLIND], "down", "no_contact"),
        ([BLIND], [], "unknown", "nothing_known"),
        (["never_seen"], ["never_seen"], "unknown", "nothing_known"),
        ([], [], "unknown", "nothing_known"),
    ],
)
def test_point_is_the_sum_of_its_devices(
    hotspots: list[str], kiosks: list[str], state: str, reason: str
) -> None:
    status = status_of(
        [*(device("hotspot", one) for one in hotspots), *(device("kiosk", one) for one in kiosks)]
    )
    assert (status.state, status.reason) == (state, reason)


def test_order_of_devices_does_not_matter_and_every_sum_has_its_reason() -> None:
    for reasons in itertools.product(Reason, repeat=3):
        devices = [
            device(kind, reason)
            for kind, reason in zip(("hotspot", "hotspot", "kiosk"), reasons, strict=True)
        ]
        sums = {status_of(order) for order in itertools.permutations(devices)}
        assert len(sums) == 1
        (status,) = sums
        assert (status.state is PointState.WORKING) == (status.reason is PointReason.ALL_UP)
        assert (status.state is PointState.DOWN) == (status.reason is PointReason.NO_CONTACT)


def test_since_is_the_newest_change_that_made_it_so() -> None:
    assert status_of([device("hotspot", UP, NINE), device("kiosk", UP, TEN)]).since == TEN
    assert status_of([device("hotspot", UP, NINE), device("kiosk", DOWN, TEN)]).since == TEN


def test_contact_was_lost_when_the_last_device_went_silent_not_when_another_became_unknown() -> None:
    assert status_of([device("hotspot", DOWN, NINE), device("kiosk", BLIND, TEN)]).since == NINE


def test_point_that_nothing_is_known_of_has_no_since_and_no_last_sign() -> None:
    status = status_of([device("hotspot", "never_seen", None)])
    assert (status.since, status.last_sign_at) == (None, None)


def test_being_heard_again_is_no_change() -> None:
    before = DeviceState("hotspot", "up", "heard", NINE, NINE)
    after = DeviceState("hotspot", "up", "heard", NINE, TEN)
    assert status_of([before]) == status_of([after])
    assert status_of([after]).last_sign_at == TEN
