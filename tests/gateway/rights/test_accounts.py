"""The broker's store, written anew."""

import json
from typing import Any

from gateway.rights import LANE_USERNAME, READER_USERNAME, RIGHTS_USERNAME, broker_store, rules
from gateway.rights.accounts import is_marked, mark, own_role
from services.tenants.credentials import DeviceAccount, broker_hash

LIDHULT = DeviceAccount("0781", "hs-lidhult-1", "active", generation=2, password_hash=broker_hash("secret"))


def read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def clients(document: dict[str, Any]) -> dict[str, Any]:
    return {client["username"]: client for client in document["clients"]}


def test_the_first_run_has_an_account_a_lane_and_no_device() -> None:
    text = broker_store(rights_password="so-secret", lanes_password="very-secret", lanes=3)
    assert set(clients(read(text))) == {
        RIGHTS_USERNAME,
        *(LANE_USERNAME.format(lane=lane) for lane in (0, 1, 2, "check", "simulate")),
    }
    assert read(text)["defaultACLAccess"] == rules.DEFAULTS
    assert "secret" not in text


def test_no_account_names_a_role_that_is_not_there() -> None:
    document = read(broker_store(rights_password="r", lanes_password="l", lanes=1, reader_password="x"))
    named = {role["rolename"] for client in document["clients"] for role in client["roles"]}
    assert named <= {role["rolename"] for role in document["roles"]}


def test_there_is_a_reader_when_it_has_a_password() -> None:
    text = broker_store(rights_password="r", lanes_password="l", lanes=1, reader_password="x")
    assert clients(read(text))[READER_USERNAME]["roles"] == [{"rolename": rules.READER_ROLE, "priority": 0}]


def test_accounts_with_the_same_password_do_not_look_the_same() -> None:
    text = broker_store(rights_password="same", lanes_password="same", lanes=2)
    assert len({client["password"] for client in read(text)["clients"]}) == 5


def test_a_device_has_its_own_role_and_the_hash_that_was_kept() -> None:
    document = read(broker_store(rights_password="r", lanes_password="l", lanes=1, devices=[LIDHULT]))
    client = clients(document)["hs-lidhult-1"]
    assert client["roles"] == [{"rolename": "bypunkt.device.0781.hs-lidhult-1", "priority": 0}]
    assert LIDHULT.password_hash == f"$7${client['iterations']}${client['salt']}${client['password']}"
    assert "disabled" not in client
    assert "bypunkt.device.0781.hs-lidhult-1" in {role["rolename"] for role in document["roles"]}


def test_a_device_without_a_password_has_no_account_and_a_suspended_one_a_closed_one() -> None:
    devices = [
        DeviceAccount("0781", "hs-none-1", "active"),
        DeviceAccount("0781", "hs-shut-1", "suspended", generation=1, password_hash=broker_hash("secret")),
    ]
    document = read(broker_store(rights_password="r", lanes_password="l", lanes=1, devices=devices))
    assert "hs-none-1" not in clients(document)
    assert clients(document)["hs-shut-1"]["disabled"] is True


def test_an_account_says_whose_it_is() -> None:
    assert is_marked(mark(3))
    assert not is_marked("Node-RED of the library")
    assert own_role("bypunkt.lane.12") == rules.LANE_ROLE
    assert own_role("bypunkt.lane.simulate") == rules.SIMULATE_ROLE
    assert own_role("bypunkt.lane.check") is None
    assert own_role("hs-lidhult-1") is None
