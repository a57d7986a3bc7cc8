"""What the broker is told, given what it has and what the registry says."""

from dataclasses import replace

import pytest

from gateway.rights import rules
from gateway.rights.accounts import LANE_USERNAME, mark, wanted_roles
from gateway.rights.plan import Found, FoundClient, changes, found_rights, give, missing
from services.tenants.credentials import DeviceAccount
from services.tenants.models import Lifecycle

DEVICE = DeviceAccount("0781", "hs-lidhult-1", "active", generation=2, password_hash="$7$1$c2FsdA==$aGFzaA==")
ROLE = rules.device_role("0781", "hs-lidhult-1")
CLIENT = FoundClient("hs-lidhult-1", textname=mark(2), roles=frozenset({ROLE}))


def found(*clients: FoundClient, devices: tuple[DeviceAccount, ...] = (DEVICE,)) -> Found:
    return Found(
        defaults=dict(rules.DEFAULTS),
        roles=dict(wanted_roles(devices)),
        clients={client.username: client for client in clients},
    )


def told(devices: list[DeviceAccount], broker: Found) -> list[tuple[str, str]]:
    return [(change.what, change.name) for change in changes(devices, broker)]


def test_nothing_is_told_to_a_broker_that_has_it_all() -> None:
    assert told([DEVICE], found(CLIENT)) == []
    assert missing([DEVICE], found(CLIENT)) == []


@pytest.mark.parametrize("lifecycle", ["suspended", "retired"])
def test_the_account_of_a_device_out_of_service_is_closed(lifecycle: Lifecycle) -> None:
    device = replace(DEVICE, lifecycle=lifecycle)
    assert told([device], found(CLIENT)) == [("account_closed", "hs-lidhult-1")]
    assert told([device], found(replace(CLIENT, enabled=False))) == []
    assert missing([device], found()) == []


def test_a_device_that_is_back_is_let_in_again() -> None:
    assert told([DEVICE], found(replace(CLIENT, enabled=False))) == [("account_opened", "hs-lidhult-1")]


def test_a_revoked_password_closes_the_account_before_its_role_is_taken_away() -> None:
    device = replace(DEVICE, generation=None, password_hash=None)
    assert told([device], found(CLIENT)) == [("account_closed", "hs-lidhult-1"), ("role_removed", ROLE)]


@pytest.mark.parametrize("textname", ["", mark(1), mark(3), "made by hand"])
def test_an_account_with_another_password_than_the_newest_is_closed_and_stays_so(textname: str) -> None:
    client = replace(CLIENT, textname=textname)
    assert told([DEVICE], found(client)) == [("account_closed", "hs-lidhult-1")]
    assert told([DEVICE], found(replace(client, enabled=False))) == []
    assert missing([DEVICE], found(client)) == ["hs-lidhult-1"]


def test_an_account_that_the_broker_lost_is_reported_and_not_made_up() -> None:
    assert told([DEVICE], found()) == []
    assert missing([DEVICE], found()) == ["hs-lidhult-1"]


def test_rights_and_memberships_are_exact() -> None:
    wide = rules.lane_rights()
    broker = found(replace(CLIENT, roles=frozenset({ROLE, "spy"})))
    broker = replace(broker, roles={**broker.roles, ROLE: wide})
    assert told([DEVICE], broker) == [("role_mended", ROLE), ("account_mended", "hs-lidhult-1")]
    del (roles := dict(broker.roles))[ROLE]
    assert ("role_made", ROLE) in told([DEVICE], replace(broker, roles=roles))


def test_a_lane_has_its_role_and_no_other() -> None:
    name = LANE_USERNAME.format(lane=3)
    right = FoundClient(name, roles=frozenset({rules.LANE_ROLE}))
    assert told([DEVICE], found(CLIENT, right)) == []
    assert told([DEVICE], found(CLIENT, replace(right, roles=frozenset()))) == [("account_mended", name)]


def test_defaults_that_somebody_opened_are_shut_again() -> None:
    broker = replace(found(CLIENT), defaults={**rules.DEFAULTS, "subscribe": True})
    assert told([DEVICE], broker) == [("defaults_set", "")]


def test_strangers_of_ours_go_and_other_peoples_accounts_stay() -> None:
    gone = FoundClient("hs-elsewhere-1", textname=mark(1))
    theirs = FoundClient("library", textname="Node-RED", roles=frozenset({"library"}))
    broker = found(CLIENT, gone, theirs)
    stale = rules.device_role("0781", "hs-elsewhere-1")
    broker = replace(broker, roles={**broker.roles, stale: frozenset(), "library": None})
    assert told([DEVICE], broker) == [("account_removed", "hs-elsewhere-1"), ("role_removed", stale)]


def test_a_right_of_a_kind_that_we_never_give_is_not_ours() -> None:
    assert found_rights([{"acltype": "publishClientSend", "topic": "a", "allow": True}]) is not None
    assert found_rights([{"acltype": "publishClientSend", "topic": "a", "allow": False}]) is None
    assert found_rights([{"acltype": "subscribeLiteral", "topic": "a", "allow": True}]) is None


def test_a_group_counts_as_a_role_too_many() -> None:
    client = FoundClient.read({"username": "a", "roles": [], "groups": [{"groupname": "everyone"}]})
    assert client.roles == {"group everyone"}


def test_a_password_comes_with_its_mark_its_role_and_an_open_door_only_if_the_device_is_in_service() -> None:
    commands = give(DEVICE, "secret", has_account=False, has_role=False)
    assert [command["command"] for command in commands] == ["createRole", "createClient", "enableClient"]
    assert commands[1]["textname"] == mark(2)
    again = give(replace(DEVICE, lifecycle="suspended"), "secret", has_account=True, has_role=True)
    assert [command["command"] for command in again] == ["modifyRole", "modifyClient", "disableClient"]
